"""Streams, read: an upstream's chunks into deltas.

waiting --first choice--> speaking --finish reason--> finished --[DONE] or the clean end--> done
   |                          |                           '- usage and late words still count
   '--------------------------+--error object, event: error--> failed
"""

from collections.abc import Iterable, Iterator, Sequence

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.answer import (
    Delta,
    Failed,
    Started,
    UsageTold,
    deltas_of,
)
from kilo_gateway.dialects.body import is_json
from kilo_gateway.dialects.conversation import is_given
from kilo_gateway.dialects.openai_chat.answers import (
    choice_of,
    error_in,
    finished,
    logprobs_in,
    read_answer,
    read_chunk,
    said_in,
    sources_of,
    started_by,
    usage_in,
)
from kilo_gateway.dialects.openai_chat.schema import Alternative, Chunk, Source
from kilo_gateway.dialects.openai_chat.turns import TurnReader
from kilo_gateway.dialects.sse import Event, Splitter, events_in

_BOM = b"\xef\xbb\xbf"
_MOST_ODD_BYTES = 16 * 1024 * 1024


class Reader:
    """An upstream's stream, taken apart. Of several choices only number 0 is read (see `answers`)."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._splitter = Splitter()
        self._turn = TurnReader()
        self._odd: list[bytes] = []
        self._odd_bytes = 0
        self._events = 0
        self._last = Chunk()
        self._started: Started | None = None
        self._sources: list[Source] = []
        self._word: str | None = None
        self._native: str | None = None
        self._usage = UNKNOWN_USAGE
        self._has_ended = False
        self.is_done = False

    def feed(self, chunk: bytes) -> Sequence[Delta]:
        """The deltas that upstream's next bytes complete."""
        block = self._splitter.feed(chunk)
        return self._take(block) if block else ()

    def finish(self) -> Sequence[Delta]:
        """Upstream's clean end."""
        rest = self._splitter.rest()
        deltas = list(self._take(rest)) if rest.strip() else []
        if self._has_ended:
            return deltas
        if not self._events:
            return [*deltas, *self._no_stream()]
        if self._word is None and not self._usage.is_known:
            raise Fault(
                Kind.UPSTREAM_DISCONNECT,
                "The upstream ended its stream without finishing the answer.",
                detail="no finish reason, no usage, no terminal event",
            )
        return [*deltas, *self._end()]

    def _take(self, block: bytes) -> Sequence[Delta]:
        deltas: list[Delta] = []
        if not self._events:
            block = block.removeprefix(_BOM)
        for event in events_in(block):
            if self._has_ended:
                break
            self._events += 1
            deltas += self._see(event)
        if not self._events and not block.lstrip().startswith(b":"):
            self._odd.append(block)
            self._odd_bytes += len(block)
            if self._odd_bytes > _MOST_ODD_BYTES:
                raise _no_stream(block)
        return deltas

    def _see(self, event: Event) -> Iterator[Delta]:
        data = event.data.strip()
        if data == b"[DONE]":
            yield from self._end()
            return
        chunk = read_chunk(data)
        error = data if event.name == "error" else None
        if chunk is None:
            if error is None and data.startswith(b"{") and not is_json(data):
                raise Fault(
                    Kind.UPSTREAM_DISCONNECT,
                    "The upstream sent an event that is cut in the middle.",
                    detail=repr(data[-200:]),
                )
        else:
            yield from self._chunk(chunk)
            error = error_in(chunk) or error
        if error is not None:
            self._has_ended = True
            yield Failed(error)

    def _chunk(self, chunk: Chunk) -> Iterator[Delta]:
        choice = choice_of(chunk)
        if choice is not None:
            if self._started is None:
                yield self._start(chunk)
            yield from self._choice(choice)
        self._sources = sources_of(chunk) or self._sources
        self._last = chunk
        usage = usage_in(chunk)
        if usage.is_known and usage != self._usage:
            self._usage = usage
            yield UsageTold(usage)

    def _choice(self, choice: Alternative) -> Iterator[Delta]:
        self._word = choice.finish_reason or self._word
        self._native = choice.native_finish_reason or self._native
        if is_given(choice.logprobs):
            yield from logprobs_in(choice)
        turn = said_in(choice, is_whole=False)
        if turn is not None:
            yield from self._turn.take(turn)

    def _start(self, chunk: Chunk) -> Started:
        self._started = started_by(chunk)
        self._turn.reply_id = self._started.id
        return self._started

    def _end(self) -> Iterator[Delta]:
        self._has_ended = self.is_done = True
        if self._started is None:
            yield self._start(self._last)
        yield from self._turn.finish(self._sources)
        yield finished(self._word, self._native, self._turn)

    def _no_stream(self) -> Iterable[Delta]:
        """A body that is no stream: an error, or the whole reply, as JSON."""
        body = b"".join(self._odd)
        if not body.strip():
            return ()
        chunk = read_chunk(body)
        self._has_ended = True
        if chunk is not None and not chunk.choices:
            error = error_in(chunk)
            if error is not None:
                return (Failed(error),)
        answer = read_answer(body)
        if answer is None:
            raise _no_stream(body)
        self.is_done = True
        return deltas_of(answer)


def _no_stream(body: bytes) -> Fault:
    return Fault(
        Kind.UPSTREAM_GARBAGE,
        "The upstream answered with something that is no event stream.",
        detail=repr(body[:200]),
    )
