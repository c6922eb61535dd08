"""Media: every kind of part comes back as it was written."""

import msgspec
import pytest

from kilo_gateway.dialects.conversation import Cache, Media
from kilo_gateway.dialects.openai_chat.media import (
    media_from_url,
    media_url,
    read_media,
    write_media,
)

ROUND = [
    Media("image", "image/png", "AAAA", detail="low"),
    Media("image", url="https://x/y.png"),
    Media("document", "application/pdf", "AAAA", name="a.pdf"),
    Media("document", url="https://x/y.pdf", name="y.pdf"),
    Media("document", file_id="file-1"),
    Media("audio", "audio/wav", "AAAA"),
    Media("audio", url="https://x/y.wav"),
    Media("video", "video/mp4", "AAAA"),
    Media("video", url="https://x/y.mp4"),
]


@pytest.mark.parametrize("media", ROUND)
def test_media_come_back(media):
    part = write_media(media, documents_have_urls=False)
    assert (
        read_media(part["type"], msgspec.Raw(msgspec.json.encode(part[part["type"]])), None)
        == media
    )


def test_mistral_has_a_part_of_its_own_for_documents():
    part = write_media(Media("document", url="https://x/y"), documents_have_urls=True)
    assert part == {"type": "document_url", "document_url": "https://x/y"}


def test_a_document_of_text_is_told_as_text():
    part = write_media(Media("document", text="words", name="a.txt"), documents_have_urls=False)
    assert part == {"type": "text", "text": "a.txt\n\nwords"}


def test_mp3_has_the_name_that_openai_knows():
    part = write_media(Media("audio", "audio/mpeg", "AAAA"), documents_have_urls=False)
    assert part["input_audio"]["format"] == "mp3"


@pytest.mark.parametrize("url", ["data:text/plain,hello", "data:", "https://x", ""])
def test_what_is_no_base64_stays_a_url(url):
    assert media_from_url("image", url) == Media("image", url=url)


def test_data_without_a_type_gets_the_usual_one():
    assert media_url(Media("document", data="AAAA")) == "data:application/pdf;base64,AAAA"


def test_a_file_may_be_a_picture_and_keeps_its_mark():
    raw = msgspec.Raw(b'{"file_data":"data:image/png;base64,AAAA"}')
    assert read_media("file", raw, Cache()) == Media("image", "image/png", "AAAA", cache=Cache())


def test_a_part_that_holds_no_media_is_none():
    assert read_media("text", msgspec.Raw(b"{}"), None) is None
