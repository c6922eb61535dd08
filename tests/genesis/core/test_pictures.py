"""Pictures are told by what they are."""

import pytest

from genesis.core.pictures import media_type_of


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF0000WEBPVP8 ", "image/webp"),
        (b"RIFF0000WAVE", None),
        (b"<svg>", None),
        (b"", None),
    ],
)
def test_pictures_are_told_by_their_bytes(content, kind):
    assert media_type_of(content) == kind
