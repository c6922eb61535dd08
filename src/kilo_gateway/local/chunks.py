"""An Answer on the wire, in OpenAI's shapes: one whole body, or the chunks of a stream."""

from collections.abc import Iterator
from typing import Any

import msgspec

from kilo_gateway.core.fault import Fault
from kilo_gateway.local.answer import Answer

DONE = b"data: [DONE]\n\n"
# What `malformed` sends in place of a chunk: an object that never ends.
MALFORMED_EVENT = (
    b'data: {"id":"chatcmpl-sim","object":"chat.completion.chunk","choices":[{"index":0,"del\n\n'
)

_encode = msgspec.json.encode
_Object = dict[str, Any]


class Shape(msgspec.Struct, frozen=True):
    """Names that differ between the two operations that write text."""

    prefix: str
    whole: str
    chunk: str
    is_chat: bool


CHAT = Shape("chatcmpl-", "chat.completion", "chat.completion.chunk", is_chat=True)
TEXT = Shape("cmpl-", "text_completion", "text_completion", is_chat=False)


def event(payload: object) -> bytes:
    """One server-sent event."""
    return b"data: " + _encode(payload) + b"\n\n"


def usage(answer: Answer) -> _Object:
    """The usage object: the same for a whole and for a streamed reply."""
    spent: _Object = {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }
    if answer.reasoning:
        spent["completion_tokens_details"] = {"reasoning_tokens": len(answer.reasoning)}
    return spent


def whole_body(answer: Answer, shape: Shape, created: int, *, reports_usage: bool) -> bytes:
    """The body of a reply that is not streamed. `created` is in seconds since the epoch."""
    said = {"message": _message(answer)} if shape.is_chat else {"text": "".join(answer.text)}
    choice = {"index": 0, **said, "logprobs": None, "finish_reason": answer.finish}
    reply = _head(answer, shape, shape.whole, created) | {"choices": [choice]}
    return _encode(reply | ({"usage": usage(answer)} if reports_usage else {}))


def _head(answer: Answer, shape: Shape, kind: str, created: int) -> _Object:
    identity = f"{shape.prefix}{answer.id}"
    # Some vendors' own clients want the fingerprint to be there.
    told = {"id": identity, "object": kind, "created": created, "model": answer.model}
    return told | {"system_fingerprint": None}


def _message(answer: Answer) -> _Object:
    message: _Object = {"role": "assistant", "content": "".join(answer.text)}
    if answer.reasoning:
        message["reasoning_content"] = "".join(answer.reasoning)
    if answer.tool_call is not None:
        call = answer.tool_call
        function = {"name": call.name, "arguments": "".join(call.arguments)}
        message["content"] = None
        message["tool_calls"] = [{"id": call.id, "type": "function", "function": function}]
    return message


def stream_events(
    answer: Answer, shape: Shape, created: int, *, with_usage: bool
) -> Iterator[bytes]:
    """The chunks of a stream, made one by one: role, deltas, finish, usage if asked for, and the end mark."""
    head = _head(answer, shape, shape.chunk, created)
    no_usage: _Object = {"usage": None} if with_usage else {}
    for said in _deltas(answer) if shape.is_chat else _texts(answer):
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": None}
        yield event(head | {"choices": [choice]} | no_usage)
    last: _Object = {"delta": {}} if shape.is_chat else {"text": ""}
    choice = {"index": 0, **last, "logprobs": None, "finish_reason": answer.finish}
    yield event(head | {"choices": [choice]} | no_usage)
    if with_usage:
        yield event(head | {"choices": [], "usage": usage(answer)})
    yield DONE


def _texts(answer: Answer) -> Iterator[_Object]:
    for token in answer.text:
        yield {"text": token}


def _deltas(answer: Answer) -> Iterator[_Object]:
    call = answer.tool_call
    yield {"delta": {"role": "assistant", "content": None if call else ""}}
    for token in answer.reasoning:
        yield {"delta": {"reasoning_content": token}}
    for token in answer.text:
        yield {"delta": {"content": token}}
    if call is not None:
        function = {"name": call.name, "arguments": ""}
        opening = {"index": 0, "id": call.id, "type": "function", "function": function}
        yield {"delta": {"tool_calls": [opening]}}
        for piece in call.arguments:
            yield {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}}


def error_object(message: str, kind: str, code: str | int, param: str | None = None) -> _Object:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def fault_body(fault: Fault) -> bytes:
    """A Fault of the simulator itself as an error body."""
    return _encode(error_object(fault.message, fault.row.openai_type, fault.row.code, fault.param))


def status_error(status: int) -> _Object:
    """The error object that goes with a simulated error status."""
    kind, code = _STATUS_ERRORS.get(
        status,
        ("invalid_request_error", "invalid_request")
        if status < 500
        else ("server_error", "server_error"),
    )
    return error_object(f"The simulated upstream answers {status}, as asked.", kind, code)


_STATUS_ERRORS = {
    401: ("authentication_error", "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    403: ("permission_error", "permission_denied"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    503: ("server_error", "overloaded"),
}

OVERFLOW_ERROR = error_object(
    "This model's maximum context length is 8192 tokens, as simulated. Please shorten the messages.",
    "invalid_request_error",
    "context_length_exceeded",
    "messages",
)
FAILED_ERROR = error_object(
    "The simulated upstream failed, as asked.", "server_error", "server_error"
)
