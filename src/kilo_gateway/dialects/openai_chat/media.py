"""Media: pictures, documents, sounds and films as content parts, both ways. Base64 text is moved, never decoded."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.dialects.conversation import Cache, Media, MediaKind
from kilo_gateway.dialects.openai_chat.schema import Raw

_DATA, _BASE64 = "data:", ";base64,"
_MOST_TYPE_CHARACTERS = 200
_SOUND_TYPES: Mapping[str, str] = MappingProxyType({"audio/mpeg": "mp3", "audio/x-wav": "wav"})
_SUFFIXES: Mapping[str, str] = MappingProxyType({"application/pdf": "pdf", "text/plain": "txt"})


class _Url(msgspec.Struct, gc=False):
    url: str = ""
    detail: str | None = None


class _Sound(msgspec.Struct, gc=False):
    data: str = ""
    format: str | None = None


class _File(msgspec.Struct, gc=False):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


_URL = msgspec.json.Decoder(str | _Url)
_SOUND = msgspec.json.Decoder(_Sound)
_FILE = msgspec.json.Decoder(_File)


def media_from_url(kind: MediaKind, url: str, *, name: str = "", detail: str = "") -> Media:
    """Media behind a URL: a data URL is taken apart."""
    if url.startswith(_DATA):
        mark = url.find(_BASE64, 0, _MOST_TYPE_CHARACTERS)
        if mark >= 0:
            data = url[mark + len(_BASE64) :]
            return Media(kind, url[len(_DATA) : mark], data, name=name, detail=detail)
    return Media(kind, url=url, name=name, detail=detail)


def media_url(media: Media) -> str:
    """Media as one URL."""
    if media.data:
        return f"{_DATA}{media.media_type or _USUAL[media.kind]}{_BASE64}{media.data}"
    return media.url


_USUAL: Mapping[MediaKind, str] = MappingProxyType(
    {
        "image": "image/png",
        "document": "application/pdf",
        "audio": "audio/wav",
        "video": "video/mp4",
    }
)


def read_media(kind: str, raw: Raw, cache: Cache | None) -> Media | None:
    """A content part of that type, None if the type holds no media. Raises msgspec.DecodeError for one that is not as documented."""
    read = _READ.get(kind)
    if read is None:
        return None
    media = read(raw)
    return msgspec.structs.replace(media, cache=cache) if cache is not None else media


def _behind_url(kind: MediaKind) -> Callable[[Raw], Media]:
    def read(raw: Raw) -> Media:
        told = _URL.decode(raw)
        if isinstance(told, str):
            return media_from_url(kind, told)
        return media_from_url(kind, told.url, detail=told.detail or "")

    return read


def _read_sound(raw: Raw) -> Media:
    sound = _SOUND.decode(raw)
    return Media("audio", f"audio/{sound.format}" if sound.format else "", sound.data)


def _read_file(raw: Raw) -> Media:
    file = _FILE.decode(raw)
    name, data = file.filename or "", file.file_data or ""
    if not data:
        return Media("document", file_id=file.file_id or "", name=name)
    if data.startswith((_DATA, "http://", "https://")):
        media = media_from_url("document", data, name=name)
    else:
        media = Media("document", data=data, name=name)  # bare base64
    family = media.media_type.partition("/")[0]
    kinds: dict[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}
    return msgspec.structs.replace(media, kind=kinds.get(family, "document"))


_READ: Mapping[str, Callable[[Raw], Media]] = MappingProxyType(
    {
        "image_url": _behind_url("image"),
        "document_url": _behind_url("document"),
        "video_url": _behind_url("video"),
        "audio_url": _behind_url("audio"),
        "input_audio": _read_sound,
        "file": _read_file,
    }
)


def write_media(media: Media, *, documents_have_urls: bool) -> dict[str, Any]:
    """Media as a content part. `documents_have_urls`: Mistral's `document_url` is meant, not OpenAI's `file`."""
    if media.kind == "document" and media.text and not (media.data or media.file_id):
        return {
            "type": "text",
            "text": f"{media.name}\n\n{media.text}" if media.name else media.text,
        }
    if media.file_id and not media.data:
        return {"type": "file", "file": {"file_id": media.file_id}}
    url = media_url(media)
    match media.kind:
        case "image":
            told = {"url": url, "detail": media.detail} if media.detail else {"url": url}
            return {"type": "image_url", "image_url": told}
        case "video":
            return {"type": "video_url", "video_url": {"url": url}}
        case "audio":
            return _written_sound(media, url)
        case "document":
            return _written_document(media, url, documents_have_urls=documents_have_urls)


def _written_sound(media: Media, url: str) -> dict[str, Any]:
    if not media.data:
        return {"type": "audio_url", "audio_url": {"url": url}}
    form = _SOUND_TYPES.get(media.media_type, media.media_type.rpartition("/")[2])
    return {"type": "input_audio", "input_audio": {"data": media.data, "format": form or "wav"}}


def _written_document(media: Media, url: str, *, documents_have_urls: bool) -> dict[str, Any]:
    if documents_have_urls:
        return {"type": "document_url", "document_url": url}
    name = media.name or f"document.{_SUFFIXES.get(media.media_type, 'pdf')}"
    return {"type": "file", "file": {"filename": name, "file_data": url}}
