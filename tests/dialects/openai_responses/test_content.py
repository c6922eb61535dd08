"""Parts of messages, either way."""

import json

import msgspec
import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.conversation import Citation, Media, Opaque, Refusal, Text
from kilo_gateway.dialects.openai_responses.content import (
    annotation_of,
    part_of,
    split_data_url,
    written,
)
from kilo_gateway.dialects.openai_responses.schema import ContentPart

PART = msgspec.json.Decoder(ContentPart)


def read(**members):
    data = json.dumps(members).encode()
    return part_of(PART.decode(data), msgspec.Raw(data))


PARTS = [
    {"type": "input_text", "text": "x"},
    {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"},
    {"type": "input_image", "image_url": "https://a.b/c.png"},
    {"type": "input_image", "file_id": "file-1"},
    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"},
    {"type": "input_file", "file_url": "https://a.b/c.pdf"},
    {"type": "input_file", "file_id": "file-1"},
    {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
    {"type": "input_video", "video_url": "https://a.b/c.mp4"},
    {"type": "refusal", "refusal": "no"},
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part["type"])
def test_a_part_is_written_as_it_was_read(part):
    assert written(read(**part), is_answer=False) == part


def test_what_parts_become():
    assert read(**PARTS[1]) == Media("image", "image/png", "QUJD", detail="low")
    assert read(**PARTS[4]) == Media("document", "application/pdf", "QUJD", name="a.pdf")
    assert read(type="input_file", file_data="QUJD") == Media("document", data="QUJD")
    assert read(**PARTS[9]) == Refusal("no")
    odd = read(type="input_hologram", x=1)
    assert (odd.dialect, odd.kind) == ("openai_responses", "part.input_hologram")
    assert written(odd, is_answer=False) == odd.raw


def test_parts_of_another_dialect_are_not_written():
    assert written(Opaque("gemini", "part.x", msgspec.Raw(b"{}")), is_answer=False) is None


def test_documents_without_a_place_of_their_own():
    text = Media("document", "text/plain", text="body", name="a.txt")
    assert written(text, is_answer=False) == {"type": "input_text", "text": "a.txt\n\nbody"}
    nameless = written(Media("document", "text/csv", "QUJD"), is_answer=False)
    assert nameless["filename"] == "document.csv"
    assert written(Media("audio", "audio/mpeg", "QUJD"), is_answer=False)["input_audio"] == {
        "data": "QUJD",
        "format": "mp3",
    }


def test_audio_by_url_is_refused():
    with pytest.raises(Fault) as raised:
        written(Media("audio", url="https://a.b/c.wav"), is_answer=False)
    assert raised.value.kind is Kind.UNSUPPORTED_FIELD


def test_citations():
    raw = {"type": "url_citation", "url": "u", "title": "t", "start_index": 1, "end_index": 2}
    text = read(type="output_text", text="abc", annotations=[raw])
    (citation,) = text.citations
    assert (citation.url, citation.title, citation.start, citation.end) == ("u", "t", 1, 2)
    assert json.loads(bytes(annotation_of(citation))) == raw
    assert annotation_of(Citation(title="d", document=3, start=4)) == {
        "type": "url_citation",
        "url": "document:3",
        "title": "d",
        "start_index": 4,
        "end_index": 4,
    }
    assert "annotations" not in written(Text("x"), is_answer=True)


def test_data_urls():
    assert split_data_url("data:image/png;base64,QUJD") == ("image/png", "QUJD")
    assert split_data_url("data:text/plain,hello") == ("", "")
    assert split_data_url("https://a.b") == ("", "")
    assert split_data_url("data:" + "x" * 1_000) == ("", "")
