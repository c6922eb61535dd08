"""Uploads: the model is found and replaced, everything else stays byte for byte."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.form import read_form

TYPE = b"multipart/form-data; boundary=xyz"


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'--xyz\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


FILE = part("file", b"RIFF\x00\r\n--xy\r\nname=model", '; filename="a.wav"')


def test_the_model_is_replaced_and_nothing_else() -> None:
    form = read_form(TYPE, body(FILE, part("model", b"whisper-1"), part("language", b"de")))
    assert form.model == "whisper-1"
    assert form.names == ("file", "model", "language")
    assert form.with_model("x") == body(FILE, part("model", b"x"), part("language", b"de"))


def test_a_boundary_may_be_quoted() -> None:
    form = read_form(b'multipart/form-data; charset=x; boundary="xyz"', body(part("model", b"m")))
    assert form.model == "m"


@pytest.mark.parametrize(
    ("content_type", "data", "kind"),
    [
        (b"text/plain", b"", Kind.INVALID_REQUEST),
        (TYPE, b"", Kind.MODEL_NOT_FOUND),
        (TYPE, body(FILE), Kind.MODEL_NOT_FOUND),
        (TYPE, body(part("model", b" ")), Kind.MODEL_NOT_FOUND),
        (TYPE, body(part("model", b"x" * 600)), Kind.MODEL_NOT_FOUND),
        (TYPE, part("model", b"m"), Kind.INVALID_REQUEST),
    ],
)
def test_what_is_no_form_with_a_model_is_refused(content_type, data, kind) -> None:
    with pytest.raises(Fault) as caught:
        read_form(content_type, data)
    assert caught.value.kind is kind


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    with contextlib.suppress(Fault):
        read_form(TYPE, b"--xyz" + data)
