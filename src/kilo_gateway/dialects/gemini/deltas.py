"""Replies, read: chunks of a stream (and whole replies, which are one chunk) become deltas.

    new --chunk--> begun --chunk--> begun ... --end of the body--> over
     |               '--error, blocked prompt--> over
     '--JSON instead of events--> over

There is no terminal event: what ends the answer is told when the body ends, since more than one chunk may carry a finish reason.
Parts that follow each other and are of one kind are one part, whole or streamed; a signature ends the part that it stands at.
Of several candidates the first is read. A call without an id gets one from the reply's id and its place.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    Failed,
    Finished,
    LogprobsTold,
    MediaMade,
    OpaqueMade,
    Started,
    Stop,
    TextCited,
    TextDelta,
    TextSigned,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
    UsageTold,
)
from kilo_gateway.dialects.conversation import Citation, Media, Opaque, Vendor
from kilo_gateway.dialects.gemini import likelihoods, marks
from kilo_gateway.dialects.gemini.grounding import grounded
from kilo_gateway.dialects.gemini.growing import Growing
from kilo_gateway.dialects.gemini.parts import arguments_of, media_by_data, media_by_uri
from kilo_gateway.dialects.gemini.replies import (
    block_word,
    decode_leniently,
    error_of,
    reason_word,
    usage_of,
)
from kilo_gateway.dialects.gemini.schema import (
    Candidate,
    Chunk,
    FunctionCall,
    WirePart,
)
from kilo_gateway.dialects.sse import Reader as Events

_CHUNK = msgspec.json.Decoder(Chunk)
_PART = msgspec.json.Decoder(WirePart)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_HEAD_BYTES = 64 * 1024
_ABSENT = frozenset({b"", b"null"})
_STOPS: dict[str, Stop] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "LANGUAGE": "content_filter",
    "CONTINUATION": "pause",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "IMAGE_OTHER": "error",
    "NO_IMAGE": "error",
    "OTHER": "error",
}
# A call that the model should not have made is told with it: whoever runs tools says so to the model, which then goes on.
_OF_CALLS = frozenset({"UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"})


def decoded(data: bytes) -> Chunk | None:
    """A whole reply or a chunk; None if it is no object. Members of a wrong type are left out."""
    try:
        return _CHUNK.decode(data)
    except msgspec.ValidationError:
        found = decode_leniently(data, _CHUNK)
        return found if isinstance(found, Chunk) else None
    except _UNREADABLE:
        return None


class Turns:
    """The one machine behind whole and streamed replies."""

    def __init__(self) -> None:
        self._has_started = False
        self._reply_id = ""
        self._kind = ""
        self._calls = 0
        self._growing: Growing | None = None
        self._reason = ""
        self._blocked = ""
        self._usage = UNKNOWN_USAGE
        self._has_text = False
        self._said: list[str] = []  # the last part of text, of which sources tell
        self.has_failed = False

    @property
    def has_ended(self) -> bool:
        """Whether a reason to stop was told."""
        return bool(self._reason or self._blocked)

    def chunk(self, chunk: Chunk) -> Iterator[Delta]:
        """The deltas of one chunk."""
        if not self._has_started:
            self._has_started = True
            self._reply_id = chunk.response_id or ""
            yield Started(self._reply_id, chunk.model_version or "", _seconds(chunk.create_time))
        error = error_of(chunk.error)
        if error is not None and not chunk.candidates:
            self.has_failed = True
            yield Failed(error)
            return
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason:
            self._blocked = block_word(feedback.block_reason)
        for candidate in chunk.candidates or ():
            if not candidate.index:
                yield from self._candidate(candidate)
        usage = usage_of(chunk.usage_metadata)
        if usage.is_known and usage != self._usage:
            self._usage = usage
            yield UsageTold(usage)

    def end(self) -> Iterator[Delta]:
        """What ends the answer."""
        yield from self._grown()
        yield Finished(self._stop(), self._reason or self._blocked)

    def _stop(self) -> Stop | None:
        if self._blocked and not self._reason:
            return "content_filter"
        if not self._reason:
            return None
        stop = _STOPS.get(self._reason, "stop")
        waits = self._calls and (stop == "stop" or self._reason in _OF_CALLS)
        return "tool_calls" if waits else stop

    def _candidate(self, candidate: Candidate) -> Iterator[Delta]:
        if candidate.logprobs_result is not None:
            tokens = likelihoods.read(candidate.logprobs_result)
            if tokens:
                yield LogprobsTold(tokens)
        content = candidate.content
        for raw in (content.parts if content is not None else None) or ():
            yield from self._part(raw)
        if candidate.grounding_metadata is not None and self._has_text:
            for citation in grounded(candidate.grounding_metadata, "".join(self._said)):
                yield TextCited(citation)
        recited = candidate.citation_metadata
        if recited is not None and self._has_text:
            titles = {one.uri: one.title or "" for one in recited.citations or () if one.uri}
            for uri, title in titles.items():  # the same ones are told again and again
                yield TextCited(Citation(url=uri, title=title))
        if candidate.finish_reason:
            self._reason = reason_word(candidate.finish_reason)

    def _part(self, raw: msgspec.Raw) -> Iterator[Delta]:
        part = _decoded_part(raw)
        if part is None:
            return
        mark = marks.read(part.thought_signature or "")
        if part.function_call is not None:
            yield from self._call(part.function_call, mark)
            return
        yield from self._grown()
        if part.inline_data is not None or part.file_data is not None:
            self._kind, self._has_text = "media", False
            yield MediaMade(_media(part, mark))
        elif part.text is not None or (mark.text and not _holds_more(raw)):
            yield from self._text(part, mark)
        else:
            self._kind, self._has_text = "opaque", False
            yield OpaqueMade(Opaque("gemini", _kind_of(raw), raw))

    def _text(self, part: WirePart, mark: marks.Mark) -> Iterator[Delta]:
        text = part.text or ""
        if mark.is_sealed:
            self._kind, self._has_text = "sealed", False
            yield ThinkingSealed(mark.text, mark.vendor)
            return
        kind = "thought" if part.thought else "text"
        # An empty part is only there to carry a signature, or a finish reason beside it.
        if text or (mark.text and self._kind != kind):
            if self._kind != kind:
                self._said.clear()
            self._said.append(text)
            self._kind = kind
            self._has_text = kind == "text"
            yield ThinkingDelta(text, is_summary=True) if part.thought else TextDelta(text)
        if mark.text:
            self._kind = f"{kind}, signed"
            signed = ThinkingSigned if part.thought else TextSigned
            yield signed(mark.text, mark.vendor)

    def _call(self, call: FunctionCall, mark: marks.Mark) -> Iterator[Delta]:
        if call.name is None and self._growing is not None:
            self._growing.add(call.partial_args or ())
            if not call.will_continue:
                yield from self._grown()
            return
        yield from self._grown()
        index = self._calls
        self._calls += 1
        self._kind, self._has_text = "call", False
        arguments = arguments_of(call.args)
        name = call.name or ""
        ident = call.id or self._made_up(index, name, arguments)
        vendor: Vendor = mark.vendor if mark.text else ""
        yield CallStarted(index, ident, name, signature=mark.text, vendor=vendor)
        if call.will_continue or call.partial_args:
            self._growing = Growing(index, call.args)
            self._growing.add(call.partial_args or ())
            if not call.will_continue:
                yield from self._grown()
        else:
            yield CallDelta(index, arguments)

    def _grown(self) -> Iterator[Delta]:
        """The arguments of a call that came in pieces."""
        growing, self._growing = self._growing, None
        if growing is not None:
            yield CallDelta(growing.index, growing.text())

    def _made_up(self, index: int, name: str, arguments: str) -> str:
        seed = f"{self._reply_id}\0{index}\0{name}\0{arguments}".encode(errors="replace")
        return f"call_{hashlib.sha256(seed).hexdigest()[:24]}"


class Reader:
    """A stream, read. `is_done` once its end was told, which only servers that are not Google's do."""

    def __init__(self) -> None:
        self._events = Events()
        self._turns = Turns()
        self._head = b""
        self._seen = 0
        self.is_done = False

    def feed(self, chunk: bytes) -> Sequence[Delta]:
        """The deltas that upstream's next bytes complete."""
        if not self._seen and len(self._head) < _HEAD_BYTES:
            self._head += chunk[:_HEAD_BYTES]
        found: list[Delta] = []
        for event in self._events.feed(chunk):
            found += self._event(event.data)
        return found

    def finish(self) -> Sequence[Delta]:
        """The end of the body. Raises Fault if the answer is not at its end."""
        found: list[Delta] = []
        for event in self._events.close():
            found += self._event(event.data)
        if not self._seen:
            found += self._without_events()
        if self._turns.has_failed or self.is_done:
            return found
        if not self._turns.has_ended:
            raise Fault(
                Kind.UPSTREAM_DISCONNECT,
                "The upstream ended its stream without finishing the answer.",
                detail="no finishReason",
            )
        self.is_done = True
        return [*found, *self._turns.end()]

    def _event(self, data: bytes) -> Sequence[Delta]:
        if self._turns.has_failed or self.is_done:
            return ()
        if data.strip() == b"[DONE]":
            self.is_done = True
            return list(self._turns.end())
        self._seen += 1
        chunk = decoded(data)
        return list(self._turns.chunk(chunk)) if chunk is not None else ()

    def _without_events(self) -> Sequence[Delta]:
        """A plain JSON body under the name of a stream: an error, as a rule, or the array of a stream without events."""
        body = self._head.strip()
        if body.startswith(b"["):
            try:
                rows = msgspec.json.decode(body, type=list[msgspec.Raw])
            except _UNREADABLE:
                rows = []
        else:
            rows = [msgspec.Raw(body)]
        chunks = [decoded(bytes(row)) for row in rows]
        if not chunks or any(one is None for one in chunks):
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream answered with something that is no event stream.",
                detail=repr(body[:200]),
            )
        return [delta for one in chunks if one is not None for delta in self._turns.chunk(one)]


def _decoded_part(raw: msgspec.Raw) -> WirePart | None:
    try:
        return _PART.decode(raw)
    except msgspec.ValidationError:
        found = decode_leniently(bytes(raw), _PART)
        return found if isinstance(found, WirePart) else None
    except _UNREADABLE:
        return None


def _holds_more(raw: msgspec.Raw) -> bool:
    return bool(set(_names(raw)) - {"text", "thought", "thoughtSignature"})


def _kind_of(raw: msgspec.Raw) -> str:
    beside = {"thought", "thoughtSignature", "videoMetadata"}
    return next((name for name in _names(raw) if name not in beside), "")


def _names(raw: msgspec.Raw) -> list[str]:
    try:
        fields = _FIELDS.decode(raw)
    except _UNREADABLE:
        return []
    return [name for name, value in fields.items() if bytes(value) not in _ABSENT]


def _media(part: WirePart, mark: marks.Mark) -> Media:
    vendor: Vendor = mark.vendor if mark.text else ""
    if part.inline_data is not None:
        blob = part.inline_data
        return media_by_data(blob.mime_type or "", blob.data or "", mark.text, vendor)
    file = part.file_data
    kind, uri = (file.mime_type or "", file.file_uri or "") if file is not None else ("", "")
    return media_by_uri(kind, uri, mark.text, vendor)


def _seconds(moment: str | None) -> int:
    try:
        return int(datetime.fromisoformat(moment).timestamp()) if moment else 0
    except ValueError:
        return 0
