"""Pictures and documents as blocks."""

import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.anthropic_messages.media import media_block
from kilo_gateway.dialects.conversation import Media


@pytest.mark.parametrize(
    ("media", "source"),
    [
        (Media("image", "image/png", "AA=="), {"type": "base64", "media_type": "image/png", "data": "AA=="}),
        (Media("image", data="/9j/4A"), {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4A"}),
        (Media("image", url="u"), {"type": "url", "url": "u"}),
        (Media("image", file_id="f"), {"type": "file", "file_id": "f"}),
        (Media("document", data="JVBERi0"), {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0"}),
        (Media("document", text="t"), {"type": "text", "media_type": "text/plain", "data": "t"}),
        (Media("document", "text/csv; charset=utf-8", "YSxi"), {"type": "text", "media_type": "text/plain", "data": "a,b"}),
        (Media("document", "application/json", "e30="), {"type": "text", "media_type": "text/plain", "data": "{}"}),
    ],
)  # fmt: skip
def test_a_source_says_where_the_bytes_are(media, source):
    assert media_block(media) == {"type": media.kind, "source": source}


def test_a_document_has_a_title_and_may_be_cited():
    block = media_block(Media("document", text="t", name="n", wants_citations=True))
    assert (block["title"], block["citations"]) == ("n", {"enabled": True})


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        (Media("audio", "audio/wav", "AA=="), Kind.UNSUPPORTED_FIELD),
        (Media("video", url="u"), Kind.UNSUPPORTED_FIELD),
        (Media("document", "application/msword", "AA=="), Kind.UNSUPPORTED_FIELD),
        (Media("document", "text/plain", "A"), Kind.INVALID_REQUEST),
    ],
)
def test_what_has_no_block_is_a_fault(media, kind):
    with pytest.raises(Fault) as caught:
        media_block(media)
    assert caught.value.kind is kind
