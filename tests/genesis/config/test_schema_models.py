"""Providers and models that the user defines."""

import msgspec
import pytest

from genesis.config.validate import read_settings
from genesis.core.secret import Secret

MODEL = {"id": "m", "name": "M"}


def read(**block):
    content = {"models": {"providers": {"p": {"baseUrl": "http://h", "models": []} | block}}}
    return read_settings(content)


def test_what_a_definition_does_not_give_is_left_to_discovery():
    settings, issues = read(models=[MODEL])
    [model] = settings.models.providers["p"].models
    assert issues == ()
    assert (model.id, model.name) == ("m", "M")
    unset = (model.reasoning, model.input, model.cost, model.context_window, model.max_tokens)
    assert set(unset) == {msgspec.UNSET}


def test_a_key_is_a_text_or_names_a_variable():
    literal = read(apiKey="k-1")[0].models.providers["p"].api_key
    reference = read(apiKey={"source": "env", "id": "MY_KEY"})[0].models.providers["p"].api_key
    assert (literal.literal, literal.ref) == (Secret("k-1"), None)
    assert (reference.literal, reference.ref.id) == (None, "MY_KEY")


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"baseUrl": ""}, "baseUrl"),
        ({"models": [{"id": "m"}]}, "models[0].name"),
        ({"models": [MODEL | {"id": ""}]}, "models[0].id"),
        ({"models": [MODEL | {"cost": {"input": -1}}]}, "models[0].cost.input"),
        ({"models": [MODEL | {"input": ["smell"]}]}, "models[0].input[0]"),
        ({"api": "gopher"}, "api"),
        ({"apiKey": {"source": "vault", "id": "x"}}, "apiKey"),
    ],
)
def test_what_cannot_be_is_named_by_its_path(block, path):
    assert [where for where, _ in read(**block)[1]] == [f"models.providers.p.{path}"]


def test_an_issue_never_quotes_a_key():
    issues = read(apiKey=["kg_live_canary"])[1]
    assert "canary" not in str(issues)
