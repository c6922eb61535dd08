"""What `@file` and pasted paths become."""

import base64

import pytest

from genesis.core.fault import GenesisError
from genesis.core.message import ImageBlock, TextBlock
from genesis.core.pictures import LARGEST_PICTURE
from genesis.screen.attachments import (
    MAX_TEXT_BYTES,
    message_blocks,
    reference_for_paste,
)

PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.py").write_text("x = '```'\n")
    (tmp_path / "my shot.png").write_bytes(PNG)
    (tmp_path / "shot.png").write_bytes(PNG)
    return tmp_path


def test_a_text_file_follows_the_message_in_a_fence_that_it_cannot_end(folder):
    [first, second] = message_blocks("explain @a.py.", folder)
    assert first == TextBlock("explain @a.py.")
    assert second == TextBlock(f"\n\nFile {folder / 'a.py'}:\n````\nx = '```'\n\n````\n")


def test_a_picture_is_attached_once(folder):
    blocks = message_blocks('@shot.png and @"my shot.png" and @shot.png', folder)
    picture = ImageBlock(base64.b64encode(PNG).decode(), "image/png")
    assert blocks[1:] == (picture, picture)


@pytest.mark.parametrize("text", ["@nobody said", "mail a@shot.png", "@", "@~nouser/x", "@a\0b"])
def test_other_words_stay_words(text, folder):
    assert message_blocks(text, folder) == (TextBlock(text),)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0\1\2", "neither text nor a picture"),
        (b"\xff\xfe\xfa", "neither text nor a picture"),
        (b"a" * (MAX_TEXT_BYTES + 1), "at most 256,000"),
        (b"a" * (LARGEST_PICTURE + 1), "at most 5,000,000"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_reason(data, words, tmp_path):
    (tmp_path / "f.bin").write_bytes(data)
    with pytest.raises(GenesisError, match=words) as caught:
        message_blocks("see @f.bin", tmp_path)
    assert "@f.bin" in caught.value.message


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("shot.png", "@shot.png"),
        (" 'my shot.png'\n", '@"my shot.png"'),
        ("my\\ shot.png", '@"my shot.png"'),
        ("a.py", None),
        ("gone.png", None),
        ("shot.png\nshot.png", None),
        ("it's", None),
    ],
)
def test_pasted_paths(pasted, expected, folder):
    assert reference_for_paste(pasted, folder) == expected


def test_a_pasted_address_of_a_file(folder):
    address = f"file://{folder}/my%20shot.png"
    assert reference_for_paste(address, folder) == f'@"{folder}/my shot.png"'
