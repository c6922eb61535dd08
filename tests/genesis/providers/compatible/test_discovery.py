"""A server's models, or the sentence that says why there are none."""

import pytest

from genesis.core.model import Model
from genesis.core.secret import Secret
from genesis.providers.compatible.connections import Connections
from genesis.providers.compatible.discovery import Listing, discovered
from genesis.providers.provider import Endpoint
from tests.genesis.servers import Answer, serving


def model_of(entry):
    return Model(entry, entry.upper()) if isinstance(entry, str) else None


async def asked(answer, **changes):
    warnings = []
    listing = Listing("mine", model_of, "Others are used.", **changes)
    async with serving(lambda _: answer) as server:
        there = Endpoint(server.url, Secret("k-1"))
        models = await discovered(
            there, listing, Connections(), 0.2 if answer.is_silent else 30, warnings.append
        )
    return models, warnings, server.asked


@pytest.mark.parametrize("body", [b'{"data":["a",5,"b","a"]}', b'["a",5,"b","a"]'])
async def test_each_model_is_there_once_whatever_else_is_listed(body):
    models, warnings, _ = await asked(Answer(200, body))
    assert models == [Model("a", "A"), Model("b", "B")]
    assert warnings == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(503), "HTTP 503"),
        (Answer(200, b"\xff"), "the answer is not JSON"),
        (Answer(200, b'{"data":{}}'), "the answer has no list of models"),
        (Answer(is_silent=True), "no answer within 0.2 s"),
    ],
)
async def test_without_a_list_a_warning_says_why_and_what_is_used(answer, why):
    models, warnings, _ = await asked(answer)
    assert models == []
    assert warnings == [f'The models of "mine" could not be listed: {why}. Others are used.']


async def test_the_key_goes_along_only_where_it_is_wanted():
    headers = {"x-own": "1"}
    _, _, [with_key] = await asked(Answer(200, b"[]"))
    _, _, [without] = await asked(Answer(200, b"[]"), with_key=False, headers=headers)
    assert (with_key.all("authorization"), with_key.all("x-own")) == (["Bearer k-1"], [])
    assert (without.all("authorization"), without.all("x-own")) == ([], ["1"])
