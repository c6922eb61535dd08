"""A secret has no printed form."""

import json
import traceback

import msgspec
import pytest

from genesis.core.secret import Secret

TEXT = "kg_live_canary"
SECRET = Secret(TEXT)


@pytest.mark.parametrize("shown", [str(SECRET), repr(SECRET), f"{SECRET}", repr([SECRET]), "%s" % SECRET])  # fmt: skip # noqa: UP031
def test_no_way_of_printing_shows_it(shown):
    assert TEXT not in shown


@pytest.mark.parametrize("encode", [json.dumps, msgspec.json.encode])
def test_it_cannot_be_written_by_accident(encode):
    with pytest.raises(TypeError):
        encode({"key": SECRET})


def test_an_exception_that_holds_it_does_not_tell_it():
    told = "".join(traceback.format_exception(ValueError(SECRET)))
    assert TEXT not in told


def test_only_who_asks_gets_it():
    assert SECRET.reveal() == TEXT


def test_secrets_are_compared_by_their_text():
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"
    assert (bool(Secret("a")), bool(Secret(""))) == (True, False)
