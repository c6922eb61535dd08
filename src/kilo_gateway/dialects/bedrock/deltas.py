"""Streams taken apart: frames as deltas. Their `Writer` is in stream_writer.py."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    Failed,
    Finished,
    MediaMade,
    OpaqueMade,
    Started,
    TextCited,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
    UsageTold,
)
from kilo_gateway.dialects.bedrock.answers import stop_of
from kilo_gateway.dialects.bedrock.blocks import OWN_CALL, citation_of, opaque_of
from kilo_gateway.dialects.bedrock.events import EVENT, cut, error_in
from kilo_gateway.dialects.bedrock.marks import HOME, read_signature, text_of_blob
from kilo_gateway.dialects.bedrock.media import media_of
from kilo_gateway.dialects.bedrock.replies import usage_of
from kilo_gateway.dialects.bedrock.schema import (
    BlockDelta,
    Raw,
    ReasoningDelta,
    StreamEvent,
    ToolUse,
    WireMedia,
    WireResult,
    fitted,
    is_nothing,
)
from kilo_gateway.dialects.body import is_json, raw_json
from kilo_gateway.dialects.conversation import Opaque
from kilo_gateway.dialects.frames import Frame, Frames
from kilo_gateway.dialects.seal import unwrap


class _Open:
    """A block that has begun: what came of it so far. `tool` and `result` are those of the service's own tools."""

    __slots__ = ("call", "has_begun", "image", "input", "mark", "parts", "result", "sealed", "tool")

    def __init__(self) -> None:
        self.call = -1
        self.has_begun = False
        self.tool: ToolUse | None = None
        self.result: WireResult | None = None
        self.image: WireMedia | None = None
        self.input: list[str] = []
        self.parts: list[Raw] = []
        self.mark = ""
        self.sealed: list[str] = []


class Reader:
    """An upstream's stream, taken apart.

        waiting --messageStart--> open --messageStop--> ended --metadata--> done
                                   |  contentBlockStart (calls alone), -Delta ..., -Stop: one part each
           '--------exception------'--> failed: what follows is not read

    A part begins with its first delta. A signature and sealed thoughts are given whole, at the end of their block; so are blocks
    that only this dialect has. `metadata` in front of `messageStop` is taken, too.
    """

    def __init__(self) -> None:
        self._frames = Frames()
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._last = ""
        self._has_started = self._has_stopped = self._has_usage = self._has_failed = False
        self.is_done = False
        self._verbs: dict[str, Callable[[StreamEvent], Iterator[Delta]]] = {
            "contentBlockStart": self._begins,
            "contentBlockDelta": self._grows,
            "contentBlockStop": lambda told: self._closes(told.content_block_index or 0),
            "messageStop": self._stops,
            "metadata": self._counts,
        }

    @property
    def _is_over(self) -> bool:
        return self.is_done or self._has_failed

    def feed(self, chunk: bytes) -> Sequence[Delta]:
        """The deltas that upstream's next bytes complete. Raises Fault for what is no event stream."""
        if self._is_over:
            return []
        deltas: list[Delta] = []
        for frame in self._frames.feed(chunk):
            deltas += self._read(frame)
            if self._is_over:
                break
        return deltas

    def finish(self) -> Sequence[Delta]:
        """Upstream's clean end. Raises Fault if the reply is cut, or was none."""
        if self._is_over:
            return []
        if not self._has_started and not self._frames.held_bytes:
            raise Fault(Kind.UPSTREAM_GARBAGE, "The upstream answered with an empty stream.")
        if not self._has_stopped or self._frames.held_bytes:
            raise cut(self._frames)
        self.is_done = True
        return []

    def _read(self, frame: Frame) -> Iterator[Delta]:
        if frame.is_failure:
            self._has_failed = True
            yield Failed(error_in(frame))
            return
        if not self._has_started:
            self._has_started = True
            yield Started()
        verb = self._verbs.get(frame.event)
        if verb is not None:
            told = fitted(frame.payload, EVENT)
            if told is not None:
                yield from verb(told)

    def _begins(self, told: StreamEvent) -> Iterator[Delta]:
        start = told.start
        opened = self._open[told.content_block_index or 0] = _Open()
        if start is None:
            return
        if start.tool_use is not None and start.tool_use.type not in OWN_CALL:
            opened.tool = start.tool_use
        elif start.tool_use is not None:
            opened.call = self._calls
            self._calls += 1
            self._last = "call"
            call = start.tool_use
            yield CallStarted(opened.call, call.tool_use_id or "", call.name or "")
        opened.result = start.tool_result
        opened.image = start.image

    def _grows(self, told: StreamEvent) -> Iterator[Delta]:
        delta = told.delta
        if delta is None:
            return
        opened = self._open.setdefault(told.content_block_index or 0, _Open())
        if delta.text is not None:
            yield from self._text(opened, delta.text)
        if delta.reasoning_content is not None:
            yield from self._thought(opened, delta.reasoning_content)
        if delta.tool_use is not None:
            yield from self._input(opened, delta.tool_use.input or "")
        if not is_nothing(delta.citation):
            self._last = "text"
            yield TextCited(citation_of(delta.citation))
        self._note(opened, delta)

    @staticmethod
    def _note(opened: _Open, delta: BlockDelta) -> None:
        """What is given whole, at the block's end."""
        opened.parts += delta.tool_result or ()
        if delta.image is not None and opened.image is not None:
            opened.image = msgspec.structs.replace(opened.image, source=delta.image.source)

    def _text(self, opened: _Open, text: str) -> Iterator[Delta]:
        if text or not opened.has_begun:
            begins = not opened.has_begun and self._last == "text"
            opened.has_begun, self._last = True, "text"
            yield TextDelta(text, begins)

    def _thought(self, opened: _Open, wire: ReasoningDelta) -> Iterator[Delta]:
        opened.mark += wire.signature or ""
        if wire.redacted_content is not None:
            opened.sealed.append(text_of_blob(wire.redacted_content))
        elif wire.text or not opened.has_begun:
            begins = not opened.has_begun and self._last == "thinking"
            opened.has_begun, self._last = True, "thinking"
            yield ThinkingDelta(wire.text or "", begins=begins)

    @staticmethod
    def _input(opened: _Open, text: str) -> Iterator[Delta]:
        if opened.call >= 0 and text:
            opened.has_begun = True
            yield CallDelta(opened.call, text)
        elif text:
            opened.input.append(text)

    def _closes(self, index: int) -> Iterator[Delta]:
        opened = self._open.pop(index, None)
        if opened is None:
            return
        if opened.mark:
            yield ThinkingSigned(*read_signature(opened.mark))
        elif opened.sealed:
            self._last = "sealed"
            yield ThinkingSealed(*unwrap("".join(opened.sealed), HOME))
        elif opened.call >= 0 and not opened.has_begun:
            yield CallDelta(opened.call, "{}")
        elif opened.image is not None:
            self._last = "media"
            yield MediaMade(media_of("image", opened.image))
        elif opened.tool is not None or opened.result is not None:
            self._last = "opaque"
            yield OpaqueMade(_whole(opened))

    def _stops(self, told: StreamEvent) -> Iterator[Delta]:
        for index in sorted(self._open):
            yield from self._closes(index)
        self._has_stopped = True
        self.is_done = self._has_usage
        word = told.stop_reason
        yield Finished(stop_of(word), word or "")

    def _counts(self, told: StreamEvent) -> Iterator[Delta]:
        self._has_usage = True
        self.is_done = self._has_stopped
        usage = usage_of(told.usage)
        if usage.is_known:
            yield UsageTold(usage)


def _whole(opened: _Open) -> Opaque:
    """A call of the service's own tool, or its result, as one block."""
    tool, result = opened.tool, opened.result
    if tool is not None:
        text = "".join(opened.input).encode(errors="replace")
        given = Raw(text) if is_json(text) else Raw(b"{}")
        told = {"toolUseId": tool.tool_use_id, "name": tool.name, "input": given, "type": tool.type}
        return opaque_of(raw_json({"toolUse": told}))
    named = result or WireResult()
    shown: dict[str, object] = {"toolUseId": named.tool_use_id, "content": opened.parts}
    shown |= {"status": named.status} if named.status else {}
    shown |= {"type": named.type} if named.type else {}
    return opaque_of(raw_json({"toolResult": shown}))
