"""Content: the parts of a message or of a tool's output, between the wire and the hub. Either way in one place."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.conversation import (
    Cache,
    Citation,
    Media,
    Opaque,
    Refusal,
    Text,
    is_given,
)
from kilo_gateway.dialects.openai_responses.members import given
from kilo_gateway.dialects.openai_responses.schema import (
    Annotation,
    ContentPart,
    decode_leniently,
)

NAME = "openai_responses"
# A part that only this dialect has is told from an item that only it has by this word in front of its kind.
PART = "part."
Content = Text | Media | Refusal | Opaque
_ANNOTATION = msgspec.json.Decoder(Annotation)
_MARKED = {"mode": "explicit"}
_SOUNDS: Mapping[str, str] = MappingProxyType(
    {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}
)
_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {"application/pdf": "pdf", "text/plain": "txt", "text/csv": "csv", "text/html": "html"}
)


def part_of(wire: ContentPart, raw: msgspec.Raw) -> Content:
    """One part as the hub has it; what it has no place for is kept as it came."""
    match wire.type:
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            return Text(wire.text or "", _cache(wire), citations_of(wire.annotations))
        case "refusal":
            return Refusal(wire.refusal or "")
        case "input_image" | "input_file" | "input_audio" | "input_video":
            return _media(wire)
        case _:
            return Opaque(NAME, f"{PART}{wire.type or 'unknown'}", raw)


def _cache(wire: ContentPart) -> Cache | None:
    return Cache() if is_given(wire.prompt_cache_breakpoint) else None


def _media(wire: ContentPart) -> Media:
    cache = _cache(wire)
    if wire.type == "input_audio":
        sound = wire.input_audio
        form = (sound.format if sound is not None else None) or "wav"
        data = (sound.data if sound is not None else None) or ""
        return Media("audio", f"audio/{form}", data, cache=cache)
    if wire.type == "input_file":
        return _filled("document", wire.file_data or "", wire, is_data=True)
    if wire.type == "input_video":
        return _filled("video", wire.video_url or "", wire)
    return _filled("image", wire.image_url or "", wire)


def _filled(kind: Any, address: str, wire: ContentPart, *, is_data: bool = False) -> Media:
    """A picture or a document. `address` is a data URL, another URL, or base64 alone if `is_data`."""
    media_type, data = split_data_url(address)
    if is_data and not data:
        data, address = address, ""
    return Media(
        kind,
        media_type,
        data,
        url="" if data else (wire.file_url or "" if is_data else address),
        file_id=wire.file_id or "",
        name=wire.filename or "",
        detail=wire.detail or "",
        cache=_cache(wire),
    )


def split_data_url(url: str) -> tuple[str, str]:
    """Media type and base64 of a data URL; two empty texts for another URL."""
    if not url.startswith("data:"):
        return "", ""
    comma = url.find(",", 0, 256)
    head = url[5 : max(comma, 5)]
    if not head.endswith(";base64"):
        return "", ""
    return head[: head.find(";")], url[comma + 1 :]


def citations_of(annotations: list[msgspec.Raw] | None) -> tuple[Citation, ...]:
    """Where a text comes from. Each keeps its own bytes."""
    return tuple(citation_of(raw) for raw in annotations or ())


def citation_of(raw: msgspec.Raw) -> Citation:
    """One annotation."""
    wire = decode_leniently(_ANNOTATION, raw) or Annotation()
    return Citation(
        url=wire.url or "",
        title=wire.title or wire.filename or "",
        start=wire.start_index,
        end=wire.end_index,
        raw=msgspec.Raw(bytes(raw)),
        dialect=NAME,
    )


def annotation_of(citation: Citation) -> msgspec.Raw | dict[str, Any]:
    """A citation for a client. A place in a document that has no address is told by its number."""
    if citation.dialect == NAME and is_given(citation.raw):
        return citation.raw
    url = citation.url
    if not url and citation.document is not None:
        url = f"document:{citation.document}"
    start = citation.start or 0
    return {
        "type": "url_citation",
        "url": url,
        "title": citation.title,
        "start_index": start,
        "end_index": start if citation.end is None else citation.end,
    }


def written(part: Content, *, is_answer: bool, is_marked: bool = False) -> Any:
    """A part of a request: of the model's own message if `is_answer`. None for what only another dialect has.

    `is_marked`: cache breakpoints are written. Raises Fault unsupported_field for a sound by URL.
    """
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Opaque):
        is_ours = part.dialect == NAME and part.kind.startswith(PART)
        return part.raw if is_ours else None
    if isinstance(part, Text):
        told = _written_text(part, is_answer=is_answer)
    else:
        told = _written_media(part)
    if is_marked and part.cache is not None:
        told["prompt_cache_breakpoint"] = _MARKED
    return told


def _written_text(text: Text, *, is_answer: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": "output_text" if is_answer else "input_text",
        "text": text.text,
    }
    if is_answer and text.citations:
        told["annotations"] = [annotation_of(one) for one in text.citations]
    return told


def _written_media(media: Media) -> dict[str, Any]:
    match media.kind:
        case "image":
            address = media.url or data_url(media, "image/png")
            address = "" if media.file_id else address
            return {"type": "input_image"} | given(
                {"image_url": address, "file_id": media.file_id, "detail": media.detail}
            )
        case "video":
            return {"type": "input_video", "video_url": media.url or data_url(media, "video/mp4")}
        case "audio":
            return _written_sound(media)
        case "document":
            return _written_document(media)


def _written_sound(media: Media) -> dict[str, Any]:
    if not media.data:
        raise Fault(
            Kind.UNSUPPORTED_FIELD,
            "OpenAI Responses cannot take audio by URL or by id: send its data.",
            param="input_audio",
        )
    form = _SOUNDS.get(media.media_type) or media.media_type.removeprefix("audio/") or "wav"
    return {"type": "input_audio", "input_audio": {"data": media.data, "format": form}}


def _written_document(media: Media) -> dict[str, Any]:
    """A document; one that is plain text is told as text, under its name."""
    if media.file_id:
        return {"type": "input_file", "file_id": media.file_id} | given({"filename": media.name})
    if media.text:
        text = f"{media.name}\n\n{media.text}" if media.name else media.text
        return {"type": "input_text", "text": text}
    if media.url:
        return {"type": "input_file", "file_url": media.url} | given({"filename": media.name})
    name = media.name or f"document.{_SUFFIXES.get(media.media_type, 'pdf')}"
    return {
        "type": "input_file",
        "filename": name,
        "file_data": data_url(media, "application/pdf"),
    }


def data_url(media: Media, usual: str) -> str:
    """Media by its data, of the usual type if none is told."""
    return f"data:{media.media_type or usual};base64,{media.data}"
