"""Pictures, documents, sounds and films in the service's formats, both ways."""

import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.bedrock.media import media_block, media_of, neutral
from kilo_gateway.dialects.bedrock.schema import S3Location, Source, WireMedia
from kilo_gateway.dialects.conversation import Media
from tests.dialects.bedrock.wire import checked

WRITTEN = [
    (
        Media("image", "image/jpg", "AAAA"),
        {"image": {"format": "jpeg", "source": {"bytes": "AAAA"}}},
    ),
    (Media("image", "", "iVBOR"), {"image": {"format": "png", "source": {"bytes": "iVBOR"}}}),
    (
        Media("image", "image/png", url="s3://b/c.png"),
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/c.png"}}}},
    ),
    (
        Media("document", "application/pdf", "JVBE", name="a_b.pdf", wants_citations=True),
        {
            "document": {
                "format": "pdf",
                "name": "a b pdf",
                "source": {"bytes": "JVBE"},
                "citations": {"enabled": True},
            }
        },
    ),
    (
        Media("document", "application/json", "e30="),
        {"document": {"format": "txt", "name": "document 3", "source": {"bytes": "e30="}}},
    ),
    (
        Media("document", text="words"),
        {"document": {"format": "txt", "name": "document 3", "source": {"text": "words"}}},
    ),
    (
        Media("audio", "audio/mpeg", "AA=="),
        {"audio": {"format": "mpeg", "source": {"bytes": "AA=="}}},
    ),
    (
        Media("video", "video/3gpp", "AA=="),
        {"video": {"format": "three_gp", "source": {"bytes": "AA=="}}},
    ),
    (Media("video", "", "AA=="), {"video": {"format": "mp4", "source": {"bytes": "AA=="}}}),
]


@pytest.mark.parametrize(("media", "block"), WRITTEN)
def test_media_as_blocks(media, block):
    assert media_block(media, 3) == block
    checked("ContentBlock", block)


@pytest.mark.parametrize(
    "media",
    [
        Media("image", "image/png", url="https://example.com/a.png"),
        Media("image", "image/tiff", "AAAA"),
        Media("image", file_id="file-1"),
        Media("document", "application/zip", "AAAA"),
        Media("document", "application/pdf", url="https://example.com/a.pdf"),
    ],
)
def test_what_the_service_does_not_take_is_refused(media):
    with pytest.raises(Fault, match="Bedrock Converse cannot take"):
        media_block(media, 1)


def test_blocks_as_media():
    found = media_of("image", WireMedia("image/jpeg", source=Source("AAAA")))
    assert found == Media("image", "image/jpeg", "AAAA")
    stored = media_of(
        "video", WireMedia("three_gp", source=Source(s3_location=S3Location("s3://a/b")))
    )
    assert stored == Media("video", "video/3gpp", url="s3://a/b")
    assert media_of("document", WireMedia("docx")).media_type.endswith("wordprocessingml.document")
    assert media_of("document", WireMedia()).media_type == ""


def test_names_of_documents_are_plain():
    assert neutral("a/b:  c(1)[2]-é.pdf") == "a b c(1)[2]- pdf"
    assert len(neutral("x" * 999)) == 200
