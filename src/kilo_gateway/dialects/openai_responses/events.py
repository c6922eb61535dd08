"""Streams on the identity path: usage, errors and the end are seen in the bytes; whole events go on as they came (`passing`).

The end is one of response.completed, response.incomplete, response.failed or error. An `error` is followed by a
response.failed, whether upstream sends one or not: some clients wait for it. `[DONE]`, which some servers send behind the
end, is no event of this dialect and does not go on.
"""

from collections.abc import Callable

import msgspec
from typing_extensions import override

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.redaction import strike_json
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.openai_responses.replies import read_reply, with_cost
from kilo_gateway.dialects.openai_responses.schema import NOTHING, WireEvent, decode_leniently
from kilo_gateway.dialects.passing import PassingStream, struck, with_data
from kilo_gateway.dialects.sse import Event, comment_bytes, event_bytes

ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_EVENT = msgspec.json.Decoder(WireEvent)

# What an event that matters to us holds: the end, or an error. A text that holds one of these only costs a closer look.
_MARKS = (
    b"response.completed",
    b"response.incomplete",
    b"response.failed",
    b'"error":{',
    b'"error": {',
    b'"type":"error"',
    b'"type": "error"',
    b"event: error",
    b"event:error",
    b"[DONE]",
)

PriceOf = Callable[[Usage], int | None]


class Stream(PassingStream):
    """One streamed reply."""

    __slots__ = ("_cost_of", "_operation", "_wants_failed")

    marks = _MARKS

    def __init__(
        self, operation: Operation, *, wants_usage: bool, cost_of: PriceOf | None = None
    ) -> None:
        super().__init__()
        self._operation = operation
        self._cost_of = cost_of
        self._wants_failed = True

    @override
    def _see(self, event: Event, raw: bytes) -> bytes:
        """Take note of one event; give the bytes that the client sees of it."""
        if event.data.strip() == b"[DONE]":
            return b""
        wire = decode_leniently(_EVENT, event.data)
        if wire is None:
            if event.name == "error":
                self.error = event.data
                return struck(event, raw)[1]
            return raw
        kind = wire.type or event.name
        if kind in ENDS:
            return self._end(event, raw, wire, kind)
        error = error_of(wire, event.data, kind)
        if error is None:
            return raw
        self.error = error
        return struck(event, raw)[1]

    def _end(self, event: Event, raw: bytes, wire: WireEvent, kind: str) -> bytes:
        facts = read_reply(wire.response)
        if facts is None:
            facts = read_reply(b'{"status":"%b"}' % kind.removeprefix("response.").encode())
        if facts is None:  # never: that is JSON
            return raw
        self.finish_reason = facts.finish_reason
        self.usage = facts.usage
        if kind == "response.failed":
            self.error = facts.error or b"{}"
            self._wants_failed = False
            struck_error = strike_json(self.error)
            if struck_error != self.error:
                return with_data(event, raw, event.data.replace(self.error, struck_error))
            return raw
        self.is_done = True
        cost = self._cost_of(facts.usage) if self._cost_of is not None else None
        if cost is None or not facts.usage.is_known:
            return raw
        return with_data(event, raw, with_cost(event.data, cost, facts.usage.raw))

    @override
    def _ending(self) -> bytes:
        if self.error is None or not self._wants_failed:
            return b""
        code, message = code_and_message(strike_json(self.error))
        return _failed_event(code, message, "resp_failed", 0)

    @override
    def _error_in(self, body: bytes) -> bytes | None:
        facts = read_reply(body)
        return facts.error if facts is not None else None


def error_of(wire: WireEvent, data: bytes, kind: str) -> bytes | None:
    """The error object that an event tells, None if it tells none. OpenAI's `error` event is flat or holds one."""
    error = bytes(wire.error)
    if kind == "error":
        return data if error in NOTHING else error
    return error if not wire.type and error not in NOTHING else None


class _Error(msgspec.Struct, gc=False):
    code: str | int | None = None
    type: str | None = None
    message: str | None = None


_ERROR = msgspec.json.Decoder(_Error)
_USUAL = "The upstream failed in the middle of its answer. Try again, or use another model."


def code_and_message(error: bytes) -> tuple[str, str]:
    """The code and the sentence of any vendor's error object."""
    wire = decode_leniently(_ERROR, error) or _Error()
    code = wire.code if isinstance(wire.code, str) and wire.code else wire.type
    return code or "server_error", wire.message or _USUAL


def error_event(fault: Fault, request_id: str) -> bytes:
    """A fault after the first byte: the error event, then the terminal one. The status can no longer change."""
    return failure_events(
        fault.row.code, fault.message, fault.param, f"resp_{request_id}", fault.error_type
    )


def failure_events(
    code: str,
    message: str,
    param: str | None,
    response: str | dict[str, object],
    kind: str = "server_error",
    number: int = 0,
) -> bytes:
    """`error` and `response.failed`. `response` is the Response object as it stands, or its id."""
    error = {"type": kind, "code": code, "message": message, "param": param}
    told: dict[str, object] = {
        "type": "error",
        "sequence_number": number,
        **{k: error[k] for k in error if k != "type"},
    }
    told["error"] = error
    return written_event("error", told) + _failed_event(code, message, response, number + 1)


def _failed_event(code: str, message: str, response: str | dict[str, object], number: int) -> bytes:
    failed: dict[str, object] = (
        response
        if isinstance(response, dict)
        else {
            "id": response,
            "object": "response",
            "created_at": 0,
            "model": "",
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "usage": None,
        }
    ) | {"status": "failed", "error": {"code": code, "message": message}}
    told = {"type": "response.failed", "sequence_number": number, "response": failed}
    return written_event("response.failed", told)


def written_event(kind: str, members: dict[str, object]) -> bytes:
    """One event. What is repeated of a client's or an upstream's bytes may be laid out in lines, an event may not."""
    data = bytes(raw_json(members))
    return event_bytes(msgspec.json.format(data, indent=-1) if b"\n" in data else data, kind)


def keep_alive() -> bytes:
    """What is sent while the model is silent."""
    return comment_bytes("KILO PROCESSING")
