"""Parts: between a part of this wire and a part of the hub form, for requests and replies alike."""

from base64 import b64encode

import msgspec

from kilo_gateway.dialects.body import Fields, raw_json
from kilo_gateway.dialects.conversation import Media, MediaKind, Vendor
from kilo_gateway.dialects.gemini.members import compact

Written = dict[str, object]

_FIELDS = msgspec.json.Decoder(Fields)
_KINDS: dict[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}
_VIDEO_SITES = ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/")
# Where Google keeps files: nobody else can read them, so that their addresses are ids.
_GOOGLE_FILES = ("https://generativelanguage.googleapis.com/", "gs://", "files/")
_FILES_URL = "https://generativelanguage.googleapis.com/v1beta/"
_USUAL = {
    "image": "image/jpeg",
    "document": "application/pdf",
    "audio": "audio/wav",
    "video": "video/mp4",
}
# How base64 of a file of some type begins.
_BEGINNINGS = {
    "iVBOR": "image/png",
    "/9j/": "image/jpeg",
    "R0lG": "image/gif",
    "UklG": "image/webp",
    "JVBER": "application/pdf",
    "SUQz": "audio/mp3",
    "T2dnU": "audio/ogg",
    "ZkxhQ": "audio/flac",
}
_ENDINGS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "mp4": "video/mp4",
    "mov": "video/mov",
    "webm": "video/webm",
}


def media_by_data(media_type: str, data: str, signature: str = "", vendor: Vendor = "") -> Media:
    """`inlineData`. Clients write either alphabet of base64; all others want the usual one."""
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    return Media(kind_of(media_type), media_type, data=data, signature=signature, vendor=vendor)


def media_by_uri(media_type: str, uri: str, signature: str = "", vendor: Vendor = "") -> Media:
    """`fileData`: a file at Google by its id, anything else by its address."""
    kind = kind_of(media_type or _ENDINGS.get(_ending(uri), ""))
    if uri.startswith(_VIDEO_SITES):
        kind = "video"
    if uri.startswith(_GOOGLE_FILES):
        return Media(kind, media_type, file_id=uri, signature=signature, vendor=vendor)
    return Media(kind, media_type, url=uri, signature=signature, vendor=vendor)


def kind_of(media_type: str) -> MediaKind:
    """What sort of media a type is of; whatever is no picture, sound or film is a document."""
    return _KINDS.get(media_type.partition("/")[0], "document")


def written_media(media: Media) -> Written:
    """A part of this wire. Names of files have no place in it."""
    if media.file_id or media.url:
        uri = media.file_id or media.url
        if media.file_id.startswith("files/"):
            uri = _FILES_URL + media.file_id
        is_film_site = uri.startswith(_VIDEO_SITES)
        kind = media.media_type or _ENDINGS.get(_ending(uri), "") or _USUAL[media.kind]
        told: Written = {"mimeType": kind, "fileUri": uri}
        return {"fileData": {"fileUri": uri} if is_film_site and not media.media_type else told}
    if media.text and not media.data:
        data = b64encode(media.text.encode()).decode()
        return {"inlineData": {"mimeType": "text/plain", "data": data}}
    return {"inlineData": {"mimeType": media.media_type or _guessed(media), "data": media.data}}


def is_googles_file(file_id: str) -> bool:
    """Whether a file's id is one of Google's."""
    return file_id.startswith(_GOOGLE_FILES)


def _guessed(media: Media) -> str:
    if media.kind == "audio" and media.data.startswith("UklG"):
        return "audio/wav"
    for beginning, media_type in _BEGINNINGS.items():
        if media.data.startswith(beginning):
            return media_type
    return _USUAL[media.kind]


def _ending(uri: str) -> str:
    return uri.partition("?")[0].rpartition(".")[2].lower()


def arguments_of(args: msgspec.Raw) -> str:
    """`args` as JSON text, without the indentation in which Google prints it."""
    data = bytes(args)
    return "{}" if data in {b"", b"null"} else compact(data)


def written_arguments(arguments: str) -> msgspec.Raw:
    """`args`, which must be an object. The model's own text if it is one; any other text becomes its member `input`."""
    if not arguments.strip():
        return msgspec.Raw(b"{}")
    data = arguments.encode(errors="replace")
    try:
        _FIELDS.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return raw_json({"input": arguments})
    return msgspec.Raw(data)
