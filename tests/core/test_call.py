"""A call is a value: it never changes, and a new one knows of no hints."""

import msgspec
import pytest

from kilo_gateway.core.call import Call, Hints


def make_call():
    return Call(
        id="req_1",
        dialect="openai_chat",
        operation="chat",
        model="small",
        fields={"model": msgspec.Raw(b'"small"')},
        body_bytes=17,
        stream=False,
        arrived=1.0,
        received_at=2.0,
    )


def test_a_call_cannot_be_changed():
    call = make_call()
    with pytest.raises(AttributeError):
        call.model = "large"


def test_a_call_without_hints_has_none_of_them():
    assert make_call().hints == Hints()
    assert set(msgspec.structs.asdict(Hints()).values()) == {None}


def test_calls_do_not_share_their_headers():
    first, second = make_call(), make_call()
    assert first.headers == {}
    assert first.headers is not second.headers
