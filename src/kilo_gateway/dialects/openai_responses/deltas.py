"""Streams, taken apart and written.

Reader:  reading --response.completed|incomplete--> done
            '----response.failed, error-----------> done (told as Failed)

An item's text comes in deltas, or whole when its part or the item is done, or only in the last event: what has been told
is counted for each part, and the rest is told as soon as it is known. Items that the hub has no place for are told whole.

Writer:  fresh --first delta--> open --finish--> ended
                                 '----Failed---> ended
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import (
    Delta,
    Failed,
    Finished,
    Started,
    UsageTold,
)
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.openai_responses import marks
from kilo_gateway.dialects.openai_responses.answers import REPLY, stop_of
from kilo_gateway.dialects.openai_responses.events import (
    ENDS,
    code_and_message,
    error_of,
    failure_events,
    written_event,
)
from kilo_gateway.dialects.openai_responses.making import Making
from kilo_gateway.dialects.openai_responses.replies import read_reply
from kilo_gateway.dialects.openai_responses.replies import usage_of as usage_read
from kilo_gateway.dialects.openai_responses.response import begun, ended, stem_of, usage_of
from kilo_gateway.dialects.openai_responses.schema import Reply, WireEvent, decode_leniently
from kilo_gateway.dialects.openai_responses.telling import Telling
from kilo_gateway.dialects.sse import Event
from kilo_gateway.dialects.sse import Reader as EventReader

_EVENT = msgspec.json.Decoder(WireEvent)
_FAILED = b'{"code":"server_error","message":"The upstream failed to answer."}'


class Reader:
    """An upstream's stream as deltas."""

    def __init__(self, _operation: Operation = "chat") -> None:
        self._events = EventReader()
        self._head = b""  # the beginning of the body, until an event came
        self._telling = Telling()
        self._has_started = False
        self._is_told = False
        self.is_done = False

    def feed(self, chunk: bytes) -> Sequence[Delta]:
        """The deltas that upstream's next bytes complete."""
        if not self._has_started and len(self._head) < 65_536:
            self._head += chunk
        return self._read(self._events.feed(chunk))

    def finish(self) -> Sequence[Delta]:
        """Upstream's clean end. Raises Fault if the reply is cut, or is no stream."""
        if self.is_done:
            return []
        head = self._head.lstrip()
        if not self._has_started and head.startswith(b"{"):
            return self._refused(head)
        found = self._read(self._events.close())
        if self.is_done:
            return found
        if not self._has_started:
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream answered with something that is no event stream.",
                detail=repr(head[:200]),
            )
        raise Fault(
            Kind.UPSTREAM_DISCONNECT,
            "The upstream ended its stream without finishing the answer.",
            detail="no response.completed",
        )

    def _refused(self, body: bytes) -> Sequence[Delta]:
        facts = read_reply(body)
        if facts is None or facts.error is None:
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream answered with something that is no event stream.",
                detail=repr(body[:200]),
            )
        self.is_done = True
        return [Failed(facts.error)]

    def _read(self, events: Iterable[Event]) -> list[Delta]:
        found: list[Delta] = []
        for event in events:
            if self.is_done:
                break
            self._take(event, found)
        return found

    def _take(self, event: Event, found: list[Delta]) -> None:
        wire = decode_leniently(_EVENT, event.data)
        if wire is None:
            if event.name == "error":
                self._fail(event.data, found)
            return
        self._has_started, self._head = True, b""
        kind = wire.type or event.name
        if kind in ENDS:
            self._end(wire, kind, found)
            return
        error = error_of(wire, event.data, kind)
        if error is not None:
            self._fail(error, found)
        elif kind == "response.created":
            self._start(decode_leniently(REPLY, wire.response) or Reply(), found)
        else:
            found += self._telling.tell(kind, wire)

    def _start(self, reply: Reply, found: list[Delta]) -> None:
        self._is_told = True
        self._telling.maker = marks.maker_of(reply.model or "")
        found.append(
            Started(
                reply.id or "",
                reply.model or "",
                int(reply.created_at or 0),
                reply.service_tier or "",
            )
        )

    def _end(self, wire: WireEvent, kind: str, found: list[Delta]) -> None:
        reply = decode_leniently(REPLY, wire.response) or Reply()
        if reply.status is None:
            reply.status = kind.removeprefix("response.")
        usage = usage_read(reply.usage)
        if kind == "response.failed":
            facts = read_reply(wire.response)
            if usage.is_known:
                found.append(UsageTold(usage))
            self._fail((facts.error if facts is not None else None) or _FAILED, found)
            return
        if not self._is_told:
            self._start(reply, found)
        telling = self._telling
        found += telling.rest(reply.output or ())
        stop, word = stop_of(reply, has_called=telling.has_called, has_refused=telling.has_refused)
        found.append(Finished(stop, word))
        if usage.is_known:
            found.append(UsageTold(usage))
        self.is_done = True

    def _fail(self, error: bytes, found: list[Delta]) -> None:
        found.append(Failed(error))
        self.is_done = True


class Writer:
    """A stream for a client. Usage is part of every answer here, whether it was asked for or not."""

    def __init__(self, shown: Shown) -> None:
        self._response = begun(shown)
        self._making = Making(stem_of(shown.call_id), self._tell)
        self._out: list[bytes] = []
        self._number = 0
        self._is_open = False
        self._has_ended = False

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The events that these deltas make."""
        for delta in deltas:
            if self._has_ended:
                break
            if isinstance(delta, Started) and delta.service_tier:
                self._response["service_tier"] = delta.service_tier
            if isinstance(delta, Failed):
                self._fail(delta.error)
                break
            if not self._is_open:
                self._open()
            self._making.take(delta)
        return self._taken()

    def finish(self, usage: Usage, cost_nanodollars: int | None) -> bytes:
        """The end: what was open is closed, usage is told, the terminal event comes."""
        if self._has_ended:
            return b""
        if not self._is_open:
            self._open()
        stop = self._making.stop
        if stop == "error":
            self._fail(b"{}")
            return self._taken()
        self._making.close(is_cut=stop in {"length", "context"})
        told = self._response | {"output": self._making.output()}
        status, whole = ended(told, stop, usage_of(usage, cost_nanodollars))
        self._tell(f"response.{status}", {"response": whole})
        self._has_ended = True
        return self._taken()

    def _open(self) -> None:
        """The two events in front."""
        self._is_open = True
        for kind in ("response.created", "response.in_progress"):
            self._tell(kind, {"response": self._response})

    def _fail(self, error: bytes) -> None:
        code, message = code_and_message(error)
        response: dict[str, Any] = self._response | {"output": self._making.output()}
        self._out.append(failure_events(code, message, None, response, code, self._number))
        self._has_ended = True

    def _tell(self, kind: str, members: dict[str, Any]) -> None:
        event = {"type": kind, "sequence_number": self._number, **members}
        self._number += 1
        self._out.append(written_event(kind, event))

    def _taken(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out
