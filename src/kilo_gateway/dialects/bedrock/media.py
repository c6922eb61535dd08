"""Pictures, documents, sounds and films: the service's formats and media types, both ways. Base64 is passed on as it is.

A place is base64 (`bytes`), an object in S3 (`s3://...`), or text; other URLs the service does not fetch.
"""

import re
from typing import Any

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.bedrock.schema import UNREADABLE, Said, Source, WireMedia
from kilo_gateway.dialects.conversation import Media, MediaKind

_DOCUMENTS = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
_FORMATS = {media_type: name for name, media_type in _DOCUMENTS.items()}
_IMAGES = frozenset({"png", "jpeg", "gif", "webp"})
_OTHER_NAMES = {
    "jpg": "jpeg",
    "3gpp": "three_gp",
    "quicktime": "mov",
    "x-matroska": "mkv",
    "x-flv": "flv",
    "x-ms-wmv": "wmv",
    "x-wav": "wav",
    "wave": "wav",
}
_TEXTUAL = ("text/", "application/json", "application/xml", "application/x-yaml")
# How base64 begins, for what comes without its type.
_BEGINNINGS = (
    ("iVBOR", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lG", "image/gif"),
    ("UklG", "image/webp"),
    ("JVBERi", "application/pdf"),
)
_NAME_LIMIT = 200
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\s\-()\[\]]+")
_SPACES = re.compile(r"\s+")
_TEXTS = msgspec.json.Decoder(list[Said])


def media_of(kind: MediaKind, wire: WireMedia) -> Media:
    """A block's media."""
    name = (wire.format or "").rpartition("/")[2].lower()
    source = wire.source or Source()
    text = source.text or _joined(source)
    return Media(
        kind,
        _media_type(kind, name) if name else "",
        source.bytes or "",
        source.s3_location.uri if source.s3_location is not None else "",
        text=text,
        name=wire.name or "",
        wants_citations=bool(wire.citations is not None and wire.citations.enabled),
    )


def _joined(source: Source) -> str:
    try:
        return "\n\n".join(one.text or "" for one in _TEXTS.decode(source.content))
    except UNREADABLE:
        return ""


def _media_type(kind: MediaKind, name: str) -> str:
    if kind == "document":
        return _DOCUMENTS.get(name, f"application/{name}")
    return f"{kind}/{'3gpp' if name == 'three_gp' else name}"


def media_block(media: Media, number: int) -> dict[str, Any]:
    """A content block. `number` names a document without a name. Raises Fault unsupported_field for what has no block."""
    if media.kind == "document":
        return {"document": _document(media, number)}
    name = (media.media_type or _guessed(media.data)).partition(";")[0].rpartition("/")[2].lower()
    name = _OTHER_NAMES.get(name, name) or {"image": "png", "audio": "wav"}.get(media.kind, "mp4")
    if media.kind == "image" and name not in _IMAGES:
        raise _unsupported(f"image/{name}", "send PNG, JPEG, GIF or WebP")
    return {media.kind: {"format": name, "source": _source(media)}}


def _document(media: Media, number: int) -> dict[str, Any]:
    media_type = (media.media_type or _guessed(media.data)).partition(";")[0].strip().lower()
    name = _FORMATS.get(media_type)
    if name is None and (media.text or media_type.startswith(_TEXTUAL)):
        name = "txt"
    if name is None:
        raise _unsupported(media_type or "document", "send a PDF, an office document or text")
    block: dict[str, Any] = {
        "format": name,
        "name": neutral(media.name) or f"document {number}",
        "source": _source(media),
    }
    if media.wants_citations:
        block["citations"] = {"enabled": True}
    return block


def neutral(name: str) -> str:
    """A name as the service takes it: letters, digits, single spaces, hyphens, parentheses and brackets."""
    return _SPACES.sub(" ", _NOT_IN_NAMES.sub(" ", name)).strip()[:_NAME_LIMIT]


def _source(media: Media) -> dict[str, Any]:
    if media.file_id:
        raise _unsupported("file id", "send its bytes")
    if media.url:
        if not media.url.startswith("s3://"):
            raise _unsupported("URL", "send its bytes as base64, or an s3:// URL")
        return {"s3Location": {"uri": media.url}}
    return {"bytes": media.data} if media.data or not media.text else {"text": media.text}


def _guessed(data: str) -> str:
    for beginning, media_type in _BEGINNINGS:
        if data.startswith(beginning):
            return media_type
    return ""


def _unsupported(what: str, advice: str) -> Fault:
    return Fault(
        Kind.UNSUPPORTED_FIELD,
        f"Bedrock Converse cannot take a part of the kind {what}: {advice}.",
        param="messages",
    )
