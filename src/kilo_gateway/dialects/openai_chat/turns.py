"""Turns: what an assistant says, taken apart into deltas: a whole message, a delta of a stream, a message in a request.

All three go through one class, so that a whole reply and its stream give the same. Within one message the order is:
thoughts, tools that the upstream ran, text, refusal, what the text cites, pictures, tool calls. In a stream it is the order of arrival.

    thoughts   `reasoning_details` if they hold text, else `reasoning_content`, else `reasoning` (servers send the same in several)
    tool calls by `index`; where a server leaves it out or gives all the same, by `id`; where there is no id, one is made up
               from the reply's id and the place of the call
    Gemini     `extra_content.google.thought_signature` of a call, of the message (then the first call's, or the text's), or a
               sealed detail with the id of a call
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import TypeVar

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects import seal
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    MediaMade,
    OpaqueMade,
    RefusalDelta,
    TextCited,
    TextDelta,
    TextSigned,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
)
from kilo_gateway.dialects.conversation import Citation, Media, Opaque, Vendor
from kilo_gateway.dialects.openai_chat.media import media_from_url
from kilo_gateway.dialects.openai_chat.schema import (
    Custom,
    Detail,
    ExtraContent,
    Function,
    Raw,
    Sound,
    Source,
    Turn,
    WireCall,
)
from kilo_gateway.dialects.openai_chat.thoughts import vendor_of

NAME = "openai_chat"
ANNOTATION, EXECUTED_TOOL = "annotation", "executed_tools"
DOCUMENT_URL = "document:"
_MOST_SOUND_CHARACTERS = 64 * 1024 * 1024
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TEXT = msgspec.json.Decoder(str)
_Value = TypeVar("_Value")


class _UrlCitation(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None
    content: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Annotation(msgspec.Struct, gc=False):
    type: str = ""
    url_citation: _UrlCitation | None = None


class _Url(msgspec.Struct, gc=False):
    url: str = ""


class _Image(msgspec.Struct, gc=False):
    image_url: _Url | None = None


class _Piece(msgspec.Struct, gc=False):
    """A part of Mistral's lists: text, or thoughts with pieces in them."""

    type: str = ""
    text: str | None = None
    thinking: str | list[Raw] | None = None


_ANNOTATION = msgspec.json.Decoder(_Annotation)
_IMAGE = msgspec.json.Decoder(_Image)
_PIECE = msgspec.json.Decoder(_Piece)


class _Call:
    """A tool call that has been seen; `is_started` once its name is known."""

    __slots__ = ("held", "id", "index", "is_custom", "is_started", "signature")

    def __init__(self, index: int, ident: str) -> None:
        self.index = index
        self.id = ident
        self.is_custom = False
        self.is_started = False
        self.signature = ""
        self.held: list[str] = []


class TurnReader:
    """Takes the pieces of one message. `take` gives the deltas of a piece, `finish` what was held back."""

    def __init__(self) -> None:
        self.reply_id = ""
        self.has_refusal = False
        self._calls: list[_Call] = []
        self._by_index: dict[int | None, _Call] = {}
        self._thought: tuple[str, int | None] | None = None
        self._marks: dict[str, str] = {}
        self._sound: list[Sound] = []
        self._sound_characters = 0
        self._has_citations = False

    @property
    def has_calls(self) -> bool:
        """Whether the model called a tool."""
        return bool(self._calls)

    def take(self, turn: Turn) -> Iterable[Delta]:
        """The deltas of a piece. Most pieces of a stream are a little text and nothing else."""
        text = turn.content
        if text and isinstance(text, str) and turn == Turn(text):
            self._thought = None
            return (TextDelta(text),)
        return self._all_of(turn)

    def _all_of(self, turn: Turn) -> Iterator[Delta]:
        yield from self._thoughts(turn)
        for raw in turn.executed_tools or ():
            yield OpaqueMade(Opaque(NAME, EXECUTED_TOOL, raw))
        if turn.content:
            yield from self._content(turn.content)
        if turn.refusal:
            self.has_refusal = True
            yield RefusalDelta(turn.refusal)
        for raw in turn.annotations or ():
            yield _cited(raw)
            self._has_citations = True
        for raw in turn.images or ():
            yield from _pictures(raw)
        if turn.audio is not None:
            self._hear(turn.audio)
        yield from self._said_to_tools(turn)

    def finish(self, sources: Iterable[Source] = ()) -> Iterator[Delta]:
        """What was held back. `sources` are what the whole text cites, for servers that tell it beside the message."""
        if not self._has_citations:
            for source in sources:
                yield TextCited(Citation(source.url or "", source.title or ""))
        for call in self._calls:
            if not call.is_started:
                yield from self._start(call, "")
        for ident, mark in self._marks.items():
            yield ThinkingSealed(mark, "google", ident)
        self._marks.clear()
        if self._sound:
            yield MediaMade(_sound_of(self._sound))
            self._sound.clear()

    # --- thoughts and text

    def _thoughts(self, turn: Turn) -> Iterator[Delta]:
        details = turn.reasoning_details or ()
        if not any(detail.text or detail.summary for detail in details):
            plain = turn.reasoning_content or turn.reasoning
            if plain:
                yield self._thought_delta(plain, ("", None))
        for detail in details:
            yield from self._detail(detail)

    def _detail(self, detail: Detail) -> Iterator[Delta]:
        vendor = vendor_of(detail.format)
        if detail.data:
            if vendor == "google" and detail.id:
                self._marks[detail.id] = detail.data
            else:
                yield ThinkingSealed(detail.data, vendor, detail.id or "")
                self._thought = None
        text = detail.text or detail.summary
        is_summary = detail.summary is not None and detail.text is None
        if text:
            kind = "summary" if is_summary else "text"
            yield self._thought_delta(text, (kind, detail.index), detail.id or "")
        if detail.signature:
            if not text and self._thought is None:
                yield ThinkingDelta("", begins=True)
            # Clients that drop the format have it from Claude: nobody else signs text.
            yield ThinkingSigned(detail.signature, vendor if detail.format else "anthropic")
            self._thought = None

    def _thought_delta(self, text: str, key: tuple[str, int | None], ident: str = "") -> Delta:
        begins = key != self._thought
        self._thought = key
        return ThinkingDelta(text, key[0] == "summary", begins, ident if begins else "")

    def _content(self, content: str | list[Raw] | dict[str, Raw]) -> Iterator[Delta]:
        if isinstance(content, str):
            yield TextDelta(content)
        elif isinstance(content, dict):
            yield TextDelta(msgspec.json.encode(content).decode())
        else:
            for raw in content:
                yield from self._piece(raw)
            return
        self._thought = None

    def _piece(self, raw: Raw) -> Iterator[Delta]:
        piece = _decoded(raw, _PIECE)
        if piece is None:
            text = _text(raw)
            if text:
                yield TextDelta(text)
            return
        if piece.type == "thinking":
            thought = thinking_text(piece.thinking)
            if thought:
                yield self._thought_delta(thought, ("", None))
        elif piece.text is not None:
            if piece.text:
                yield TextDelta(piece.text)
                self._thought = None
        else:
            yield OpaqueMade(Opaque(NAME, piece.type, raw))

    # --- tools

    def _said_to_tools(self, turn: Turn) -> Iterator[Delta]:
        mark = _signature(turn.extra_content)
        calls = turn.tool_calls or ()
        if mark and not calls:
            signature, vendor = seal.unwrap(mark, "google")
            yield TextSigned(signature, vendor)
        elif any(_signature(call.extra_content) for call in calls):
            mark = ""
        for wire in calls:
            yield from self._call(wire, mark)
            mark = ""
        old = turn.function_call
        if old is not None and (old.name or arguments_text(old.arguments)):
            yield from self._call(WireCall(-1, function=old), "")

    def _call(self, wire: WireCall, mark: str) -> Iterator[Delta]:
        call = self._call_of(wire)
        function, custom = wire.function or Function(), wire.custom or Custom()
        call.is_custom = call.is_custom or wire.custom is not None
        call.signature = call.signature or _signature(wire.extra_content) or mark
        name = function.name or custom.name or ""
        text = arguments_text(function.arguments) or custom.input or ""
        if not call.is_started:
            if not name and not text:
                return
            yield from self._start(call, name)
        if text:
            yield CallDelta(call.index, text)

    def _start(self, call: _Call, name: str) -> Iterator[Delta]:
        call.is_started = True
        self._thought = None
        if not call.id:
            call.id = made_up_id(self.reply_id, call.index)
        mark = call.signature or self._marks.pop(call.id, "")
        vendor: Vendor = ""
        if mark:
            mark, vendor = seal.unwrap(mark, "google")
        self._marks.pop(call.id, None)
        yield CallStarted(call.index, call.id, name, call.is_custom, mark, vendor)

    def _call_of(self, wire: WireCall) -> _Call:
        ident = wire.id or ""
        known = self._by_index.get(wire.index)
        if known is not None and _is_next(wire, known):
            known = next((call for call in self._calls if ident and call.id == ident), None)
        if known is None:
            known = _Call(len(self._calls), ident)
            self._calls.append(known)
        self._by_index[wire.index] = known
        known.id = known.id or ident
        return known

    # --- sound

    def _hear(self, sound: Sound) -> None:
        if not (sound.id or sound.data or sound.transcript):
            return
        self._sound_characters += len(sound.data or "") + len(sound.transcript or "")
        if self._sound_characters > _MOST_SOUND_CHARACTERS:
            raise Fault(Kind.UPSTREAM_GARBAGE, "The upstream sent a sound that is too large.")
        self._sound.append(sound)


def arguments_text(raw: Raw) -> str:
    """A call's arguments as text: the model's own, or those that a server wrote as an object."""
    value = bytes(raw)
    if value in {b"", b"null"}:
        return ""
    return (_text(raw) or "") if value.startswith(b'"') else value.decode(errors="replace")


def made_up_id(seed: str, index: int) -> str:
    """An id for a call that has none: the same whenever the same reply is read."""
    return f"call_{sha256(f'{seed}/{index}'.encode(errors='replace')).hexdigest()[:24]}"


def _is_next(wire: WireCall, known: _Call) -> bool:
    """Whether a call begins, although its index is that of a known one."""
    named = bool((wire.function and wire.function.name) or (wire.custom and wire.custom.name))
    if wire.id and known.id:
        return wire.id != known.id and named
    return wire.index is None and known.is_started and named


def _signature(extra: ExtraContent | None) -> str:
    return (extra.google.thought_signature or "") if extra and extra.google else ""


def _text(raw: Raw) -> str | None:
    return _decoded(raw, _TEXT)


def _decoded(raw: Raw, decoder: "msgspec.json.Decoder[_Value]") -> _Value | None:
    try:
        return decoder.decode(raw)
    except _UNREADABLE:
        return None


def thinking_text(thinking: str | list[Raw] | None) -> str:
    """The text of Mistral's thoughts, which may be in pieces."""
    if isinstance(thinking, str) or thinking is None:
        return thinking or ""
    pieces = (_decoded(raw, _PIECE) for raw in thinking)
    return "".join(piece.text for piece in pieces if piece is not None and piece.text)


def citation_of(raw: Raw) -> Citation | None:
    """An annotation as a citation; None if it is of another kind."""
    annotation = _decoded(raw, _ANNOTATION)
    told = annotation.url_citation if annotation is not None else None
    if told is None:
        return None
    start, end = told.start_index, told.end_index
    if not start and not end:
        start = end = None  # what servers write that do not know
    url, title, quote = told.url or "", told.title or "", told.content or ""
    number = url.removeprefix(DOCUMENT_URL)
    if number != url and number.isdecimal() and len(number) < 10:
        return Citation("", title, quote, int(number), start, end)
    return Citation(url, title, quote, None, start, end)


def _cited(raw: Raw) -> Delta:
    citation = citation_of(raw)
    return (
        TextCited(citation) if citation is not None else OpaqueMade(Opaque(NAME, ANNOTATION, raw))
    )


def _pictures(raw: Raw) -> Iterator[Delta]:
    image = _decoded(raw, _IMAGE)
    if image is not None and image.image_url is not None and image.image_url.url:
        yield MediaMade(media_from_url("image", image.image_url.url))


def _sound_of(pieces: list[Sound]) -> Media:
    """A sound as one: its id, its base64 text and its words, each joined from its pieces."""
    ident = next((piece.id for piece in pieces if piece.id), "")
    data = "".join(piece.data or "" for piece in pieces)
    words = "".join(piece.transcript or "" for piece in pieces)
    return Media("audio", data=data, file_id=ident, text=words)
