"""Parts: media by what they are, arguments as objects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.conversation import Media
from kilo_gateway.dialects.gemini.parts import (
    arguments_of,
    is_googles_file,
    kind_of,
    media_by_data,
    media_by_uri,
    written_arguments,
    written_media,
)
from tests.dialects.gemini.wire import raw


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/png", "image"), ("audio/wav", "audio"), ("video/mp4", "video"), ("application/pdf", "document"), ("", "document")],
)  # fmt: skip
def test_a_type_tells_the_kind(media_type: str, kind: str) -> None:
    assert kind_of(media_type) == kind


def test_data_in_either_alphabet_is_read_as_the_usual_one() -> None:
    assert media_by_data("image/png", "-_8=").data == "+/8="


@pytest.mark.parametrize(
    ("media", "written"),
    [
        (media_by_data("image/png", "AAAA"), {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        (Media("image", data="iVBORw0K"), {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}}),
        (Media("audio", data="UklGRAAA"), {"inlineData": {"mimeType": "audio/wav", "data": "UklGRAAA"}}),
        (Media("image", url="https://a.example/b.webp"),
         {"fileData": {"mimeType": "image/webp", "fileUri": "https://a.example/b.webp"}}),
        (media_by_uri("", "https://youtu.be/x"), {"fileData": {"fileUri": "https://youtu.be/x"}}),
        (Media("document", file_id="files/abc"),
         {"fileData": {"mimeType": "application/pdf",
                       "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}),
        (Media("document", text="hi"), {"inlineData": {"mimeType": "text/plain", "data": "aGk="}}),
    ],
)  # fmt: skip
def test_media_are_written_with_a_type(media: Media, written: object) -> None:
    assert written_media(media) == written


def test_a_file_at_google_is_an_id() -> None:
    assert media_by_uri("application/pdf", "gs://b/c.pdf").file_id == "gs://b/c.pdf"
    assert media_by_uri("", "https://a.example/c.pdf").url == "https://a.example/c.pdf"
    assert is_googles_file("files/a")
    assert not is_googles_file("file-abc")


def test_arguments_are_json_without_its_layout() -> None:
    assert arguments_of(raw({"a": 1})) == '{"a":1}'
    assert arguments_of(raw(None)) == "{}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", b"{}"),
        (' {"a": 1}', b' {"a": 1}'),
        ("[1]", b'{"input":"[1]"}'),
        ("4 + 4", b'{"input":"4 + 4"}'),
    ],
)
def test_arguments_become_an_object(text: str, expected: bytes) -> None:
    assert bytes(written_arguments(text)) == expected


@given(st.text(max_size=30))
def test_no_arguments_break_it(text: str) -> None:
    assert bytes(written_arguments(text)).strip().startswith(b"{")
