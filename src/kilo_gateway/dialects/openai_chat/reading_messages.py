"""Messages, read: what stands before the first turn is the system's; results of tools that follow each other are one turn of the user's.

Ids that are missing are made up, alike for a call and its result: results without an id answer the calls in their order.
"""

from collections import deque
from typing import TypeVar

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.answer import collect
from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.conversation import (
    Cache,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from kilo_gateway.dialects.openai_chat.media import read_media
from kilo_gateway.dialects.openai_chat.schema import (
    ABSENT,
    Detail,
    ExtraContent,
    Function,
    Raw,
    Turn,
    WireCall,
)
from kilo_gateway.dialects.openai_chat.turns import NAME, TurnReader, citation_of, thinking_text

_Value = TypeVar("_Value")
_SYSTEM = frozenset({"system", "developer"})
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NOTHING = frozenset({b"", b"null", b"[]", b"false"})


class Messages(msgspec.Struct):
    """What was read: the system's text, the turns, and names of members that are not known."""

    system: tuple[Text, ...] = ()
    messages: tuple[Message, ...] = ()
    unknown: tuple[str, ...] = ()


class _Mark(msgspec.Struct, gc=False):
    ttl: str | None = None


class _Piece(msgspec.Struct, gc=False):
    """A part of `content`; media are read from their own member."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    thinking: str | list[Raw] | None = None
    cache_control: _Mark | None = None
    prompt_cache_breakpoint: _Mark | None = None
    image_url: Raw = ABSENT
    document_url: Raw = ABSENT
    video_url: Raw = ABSENT
    audio_url: Raw = ABSENT
    input_audio: Raw = ABSENT
    file: Raw = ABSENT


class _SoundId(msgspec.Struct, gc=False):
    id: str = ""


# Made once, and each takes null for what is not there.
_TEXT = msgspec.json.Decoder(str | None)
_STRING = msgspec.json.Decoder(str)
_CONTENT = msgspec.json.Decoder(str | list[Raw] | None)
_PIECE = msgspec.json.Decoder(_Piece)
_RAWS = msgspec.json.Decoder(list[Raw] | None)
_SOUND = msgspec.json.Decoder(_SoundId | None)
_CALLS = msgspec.json.Decoder(list[WireCall] | None)
_DETAILS = msgspec.json.Decoder(list[Detail] | None)
_FUNCTION = msgspec.json.Decoder(Function | None)
_EXTRA = msgspec.json.Decoder(ExtraContent | None)
# What an assistant's turn may hold beside its content.
_SAID = frozenset(
    {
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "tool_calls",
        "function_call",
        "refusal",
        "extra_content",
    }
)


def read_messages(messages: list[Fields] | None) -> Messages:
    """All messages of a request. Raises Fault invalid_request naming the member that is not as it should be."""
    reader = _Reader()
    for position, fields in enumerate(messages or ()):
        reader.take(_Wire(fields, position), position)
    return reader.read()


class _Wire:
    """One message: its members, each taken once, and taken out of the mapping that was given."""

    __slots__ = ("_left", "_position")

    def __init__(self, fields: Fields, position: int) -> None:
        self._left = fields
        self._position = position

    @property
    def path(self) -> str:
        return f"messages[{self._position}]"

    def take(self, name: str, decoder: "msgspec.json.Decoder[_Value | None]") -> _Value | None:
        raw = self._left.pop(name, None)
        return None if raw is None else self.decoded(raw, decoder, name)

    def decoded(self, raw: Raw, decoder: "msgspec.json.Decoder[_Value]", name: str) -> _Value:
        try:
            return decoder.decode(raw)
        except _UNREADABLE as error:
            problem, _, path = str(error).replace(" | null`", "`").partition(" - at `$")
            field = f"{self.path}.{name}{path.rstrip('`')}"
            raise Fault(
                Kind.INVALID_REQUEST,
                f"The field {field} is not as documented: {problem[:1].lower()}{problem[1:]}.",
                param=field,
            ) from None

    def content(self) -> list[Part]:
        """The parts of `content`."""
        content = self.take("content", _CONTENT)
        if isinstance(content, str):
            return [Text(content)]
        return [self._part(piece, at) for at, piece in enumerate(content or ())]

    def _part(self, raw: Raw, at: int) -> Part:
        name = f"content[{at}]"
        if bytes(memoryview(raw)[:1]) == b'"':
            return Text(self.decoded(raw, _STRING, name))
        piece = self.decoded(raw, _PIECE, name)
        mark = piece.cache_control or piece.prompt_cache_breakpoint
        cache = Cache(mark.ttl or "") if mark is not None else None
        if piece.text is not None and piece.type in {"text", "input_text", "output_text", None}:
            return Text(piece.text, cache)
        if piece.type == "refusal" and piece.refusal is not None:
            return Refusal(piece.refusal)
        if piece.type == "thinking" and piece.thinking is not None:
            return Thinking(thinking_text(piece.thinking))
        told: Raw = getattr(piece, piece.type, ABSENT) if piece.type in _MEDIA else ABSENT
        if bytes(memoryview(told)[:1]):
            try:
                media = read_media(piece.type or "", told, cache)
            except _UNREADABLE as error:
                field = f"{self.path}.{name}.{piece.type}"
                raise Fault(
                    Kind.INVALID_REQUEST,
                    f"The field {field} is not as documented: {error}.",
                    param=field,
                ) from None
            if media is not None:
                return media
        return Opaque(NAME, piece.type or "", raw)

    def says(self, names: frozenset[str]) -> bool:
        """Whether one of these members is there still."""
        return not names.isdisjoint(self._left)

    def left(self) -> list[str]:
        """Names of members that nobody took, unless they say nothing."""
        return [
            f"messages.{name}" for name, raw in self._left.items() if bytes(raw) not in _NOTHING
        ]


_MEDIA = frozenset({"image_url", "document_url", "video_url", "audio_url", "input_audio", "file"})


class _Reader:
    """Goes through the messages; `_open` are calls without an id of the client's, waiting for their results."""

    def __init__(self) -> None:
        self._system: list[Text] = []
        self._messages: list[Message] = []
        self._results: list[Part] = []
        self._unknown: dict[str, None] = {}
        self._open: deque[str] = deque()
        self._custom: set[str] = set()

    def take(self, wire: _Wire, position: int) -> None:
        role = wire.take("role", _TEXT)
        if role in {"tool", "function"}:
            self._results.append(self._result(wire))
        else:
            self._close_results()
            if role in _SYSTEM:
                self._take_system(wire)
            elif role == "assistant":
                self._messages.append(self._assistant(wire, position))
            elif role == "user":
                self._messages.append(
                    Message("user", tuple(wire.content()), wire.take("name", _TEXT) or "")
                )
            else:
                raise Fault(
                    Kind.INVALID_REQUEST,
                    f"The field {wire.path}.role must be system, developer, user, assistant or tool.",
                    param=f"{wire.path}.role",
                )
        for name in wire.left():
            self._unknown[name] = None

    def read(self) -> Messages:
        self._close_results()
        return Messages(tuple(self._system), tuple(self._messages), tuple(self._unknown))

    def _close_results(self) -> None:
        if self._results:
            self._messages.append(Message("user", tuple(self._results)))
            self._results = []

    def _take_system(self, wire: _Wire) -> None:
        parts, name = wire.content(), wire.take("name", _TEXT) or ""
        texts = [part for part in parts if isinstance(part, Text)]
        if self._messages or name or len(texts) < len(parts):
            self._messages.append(Message("system", tuple(parts), name))
        else:
            self._system += texts

    def _result(self, wire: _Wire) -> ToolResult:
        ident = wire.take("tool_call_id", _TEXT)
        name = wire.take("name", _TEXT) or ""
        content = wire.content()
        parts = tuple(part for part in content if isinstance(part, Text | Media))
        for part in content:
            if isinstance(
                part, Opaque
            ):  # a result holds text and media, nothing else has a place in it
                self._unknown[f"messages.content.{part.kind}"] = None
        if not ident:
            ident = self._open.popleft() if self._open else ""
        return ToolResult(ident, parts, name, is_custom=ident in self._custom)

    def _assistant(self, wire: _Wire, position: int) -> Message:
        content = wire.content()
        sound = wire.take("audio", _SOUND)
        if sound is not None and sound.id:
            content.append(Media("audio", file_id=sound.id))
        said = self._said(wire, position)
        _cite(content, wire.take("annotations", _RAWS) or [])
        before = [part for part in said if isinstance(part, Thinking | SealedThinking)]
        after = [part for part in said if not isinstance(part, Thinking | SealedThinking)]
        if after and isinstance(after[0], Text):
            _sign(content, after[0])
            del after[0]
        if after or before:
            content = [part for part in content if part != Text("")]
        return Message("assistant", (*before, *content, *after), wire.take("name", _TEXT) or "")

    def _said(self, wire: _Wire, position: int) -> list[Part]:
        """Everything but the content: thoughts, a refusal, tool calls."""
        self._open.clear()
        if not wire.says(_SAID):
            return []
        calls = wire.take("tool_calls", _CALLS) or []
        for at, call in enumerate(calls):
            call.index = at
        turn = Turn(
            reasoning=wire.take("reasoning", _TEXT),
            reasoning_content=wire.take("reasoning_content", _TEXT),
            reasoning_details=wire.take("reasoning_details", _DETAILS),
            tool_calls=calls,
            function_call=wire.take("function_call", _FUNCTION),
            refusal=wire.take("refusal", _TEXT),
            extra_content=wire.take("extra_content", _EXTRA),
        )
        reader = TurnReader()
        reader.reply_id = f"message {position}"
        parts = list(collect((*reader.take(turn), *reader.finish())).parts)
        made = [part for part in parts if isinstance(part, ToolCall)]
        self._custom |= {call.id for call in made if call.is_custom}
        given = {call.id for call in calls}
        self._open.extend(call.id for call in made if call.id not in given)
        return parts


def _cite(content: list[Part], annotations: list[Raw]) -> None:
    """Annotations belong to the text of their message."""
    found = [citation for citation in map(citation_of, annotations) if citation is not None]
    for at in range(len(content) - 1, -1, -1):
        part = content[at]
        if found and isinstance(part, Text):
            content[at] = msgspec.structs.replace(part, citations=tuple(found))
            return


def _sign(content: list[Part], signed: Text) -> None:
    """The signature of a message's text."""
    for at in range(len(content) - 1, -1, -1):
        part = content[at]
        if isinstance(part, Text):
            content[at] = msgspec.structs.replace(
                part, signature=signed.signature, vendor=signed.vendor
            )
            return
    content.append(signed)
