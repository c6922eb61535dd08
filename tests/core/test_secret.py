"""Secret: there is no way to its text but reveal()."""

import copy
import logging
import pickle

import msgspec
import pytest

from kilo_gateway.core.secret import Secret

TEXT = "sk-canary-0123456789"


def test_only_reveal_gives_the_text():
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        "{}".format,
        "{!r:>40}".format,
        lambda secret: f"{secret}",
        lambda secret: "%s" % secret,  # noqa: UP031 - the oldest way to leak
        lambda secret: str([secret, {"key": secret}]),
        lambda secret: logging.makeLogRecord({"msg": "%s", "args": (secret,)}).getMessage(),
    ],
)
def test_no_text_form_shows_it(show):
    assert "canary" not in show(Secret(TEXT))


def test_it_is_neither_pickled_nor_copied_nor_encoded():
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode):
        with pytest.raises(TypeError):
            leak(Secret(TEXT))


def test_it_has_no_dictionary_to_look_into():
    with pytest.raises(TypeError):
        vars(Secret(TEXT))


def test_secrets_are_compared_by_text_and_only_with_secrets():
    assert Secret(TEXT) == Secret(TEXT)
    assert hash(Secret(TEXT)) == hash(Secret(TEXT))
    assert Secret(TEXT) != Secret("other")
    assert Secret(TEXT) != TEXT


def test_an_empty_one_is_false():
    assert not Secret("")
    assert Secret(TEXT)
