"""Files in a message: `@path` attaches a text file or a picture; a pasted path of a picture becomes `@path`."""

import base64
import re
import shlex
from pathlib import Path
from urllib.parse import unquote

from genesis.core.fault import GenesisError
from genesis.core.message import ImageBlock, TextBlock
from genesis.core.pictures import LARGEST_PICTURE, media_type_of

MAX_TEXT_BYTES = 256_000
_REFERENCE = re.compile(r"(?<![^\s(])@(?:\"([^\"\n]+)\"|([^\s\"]+))")
_TRAILING = ".,;:!?)'\""
_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}

Block = TextBlock | ImageBlock


def message_blocks(text: str, folder: Path) -> tuple[Block, ...]:
    """The message and what it attaches. Words after @ that name no file stay words."""
    blocks: list[Block] = [TextBlock(text)]
    seen: set[Path] = set()
    for match in _REFERENCE.finditer(text):
        path = _existing(match[1] or match[2], folder, is_quoted=bool(match[1]))
        if path is not None and path not in seen:
            seen.add(path)
            blocks.append(_attached(path, match[0]))
    return tuple(blocks)


def reference_for_paste(pasted: str, folder: Path) -> str | None:
    """`@path` if what was pasted is the path of a picture (as file managers and terminals paste it)."""
    text = pasted.strip()
    if not text or "\n" in text or len(text) > 4096:
        return None
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"))
    for candidate in (text, _unquoted(text)):
        path = _existing(candidate, folder, is_quoted=True) if candidate else None
        if path is not None and path.suffix.lower() in _IMAGE_SUFFIXES:
            return f'@"{candidate}"' if re.search(r"\s", candidate) else f"@{candidate}"
    return None


def _unquoted(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        return ""
    return words[0] if len(words) == 1 else ""


def _existing(name: str, folder: Path, *, is_quoted: bool) -> Path | None:
    names = [name] if is_quoted else [name, name.rstrip(_TRAILING)]
    for candidate in names:
        try:
            path = folder / Path(candidate).expanduser()
            if candidate and path.is_file():
                return path.resolve()
        except (
            OSError,
            RuntimeError,
            ValueError,
        ):  # too long, no such user, a NUL: not a file's name
            continue
    return None


def _attached(path: Path, reference: str) -> Block:
    data = _read(path, reference)
    kind = media_type_of(data)
    if kind is not None:
        return ImageBlock(base64.b64encode(data).decode(), kind)
    try:
        if b"\0" in data:
            raise ValueError
        text = data.decode()
    except ValueError:
        raise GenesisError(
            f"{reference} is neither text nor a picture (PNG, JPEG, GIF, WebP): not sent. Take it out of the message."
        ) from None
    if len(data) > MAX_TEXT_BYTES:
        raise GenesisError(
            f"{reference} has {len(data):,} bytes; at most {MAX_TEXT_BYTES:,} can be attached. "
            "Name the file without @ and let the model read what it needs."
        )
    fence = "`" * max(3, _longest_run(text) + 1)
    return TextBlock(f"\n\nFile {path}:\n{fence}\n{text}\n{fence}\n")


def _read(path: Path, reference: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_PICTURE:
            raise GenesisError(
                f"{reference} has {size:,} bytes; at most {LARGEST_PICTURE:,} can be attached. "
                "Make the picture smaller, or take it out of the message."
            )
        with path.open("rb") as file:
            return file.read(LARGEST_PICTURE + 1)
    except OSError as error:
        raise GenesisError(f"{reference} cannot be read: {error.strerror}.") from None


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
