"""Pictures and documents as blocks: by base64, URL, file id, or as plain text. Base64 is passed on as the text that it is."""

import base64
import binascii
from typing import Any

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.conversation import Media

# How base64 begins, for what comes without its type.
_BEGINNINGS = (
    ("iVBOR", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lG", "image/gif"),
    ("UklG", "image/webp"),
    ("JVBERi", "application/pdf"),
)
_PDF = "application/pdf"
_TEXTUAL = frozenset(
    {"application/json", "application/xml", "application/x-yaml", "application/javascript"}
)


def media_block(media: Media) -> dict[str, Any]:
    """An image or document block, without its cache mark. Raises Fault unsupported_field for what has none."""
    if media.kind not in {"image", "document"}:
        raise _unsupported(media.kind, "Anthropic's models read pictures, PDF and text")
    source = _source(media)
    if media.kind == "image":
        return {"type": "image", "source": source}
    block: dict[str, Any] = {"type": "document", "source": source}
    if media.name:
        block["title"] = media.name
    if media.wants_citations:
        block["citations"] = {"enabled": True}
    return block


def _source(media: Media) -> dict[str, Any]:
    if media.file_id:
        return {"type": "file", "file_id": media.file_id}
    if media.url:
        return {"type": "url", "url": media.url}
    if not media.data:
        return {"type": "text", "media_type": "text/plain", "data": media.text}
    media_type = (media.media_type or _guessed(media.data)).partition(";")[0].strip().lower()
    if media.kind == "image" or media_type == _PDF:
        return {"type": "base64", "media_type": media_type or "image/png", "data": media.data}
    if media_type.startswith("text/") or media_type in _TEXTUAL:
        return {"type": "text", "media_type": "text/plain", "data": _decoded(media.data)}
    raise _unsupported(media_type or "document", "send a PDF or plain text")


def _guessed(data: str) -> str:
    for beginning, media_type in _BEGINNINGS:
        if data.startswith(beginning):
            return media_type
    return ""


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data).decode(errors="replace")
    except (binascii.Error, ValueError):
        raise Fault(
            Kind.INVALID_REQUEST, "The data of a document is not base64.", param="messages"
        ) from None


def _unsupported(what: str, advice: str) -> Fault:
    return Fault(
        Kind.UNSUPPORTED_FIELD,
        f"Anthropic Messages cannot take a part of the kind {what}: {advice}.",
        param="messages",
    )
