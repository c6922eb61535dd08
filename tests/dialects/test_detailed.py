"""The passage on which thoughts are told in OpenRouter's form is the identity path in all else."""

import json
from typing import Any

from kilo_gateway.core.call import Call
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.detailed import DETAILED, SPOKEN
from kilo_gateway.dialects.openai_chat.details import DetailedStream
from kilo_gateway.relay.marks import Marks

MARKS = Marks().of("k")
USAGE = b'{"prompt_tokens":1,"completion_tokens":2}'
DETAILS = [{"type": "reasoning.text", "text": "hm", "index": 0, "format": "unknown"}]


def call(**more: Any) -> Call:
    return Call("c", SPOKEN, "chat", "m", {}, 1, more.pop("stream", False), 0.0, 0.0, **more)


def test_a_whole_reply_gets_details_and_cost() -> None:
    message = {"content": "x", "reasoning_content": "hm"}
    body = json.dumps({"choices": [{"message": message}]}).encode()[:-1] + b',"usage":%b}' % USAGE
    told = json.loads(DETAILED.answer(call(), body, Usage(1, 2, raw=USAGE), 5_000, MARKS))
    assert told["choices"][0]["message"] == message | {"reasoning_details": DETAILS}
    assert told["usage"]["cost"] == 0.000005


def test_a_reply_without_thoughts_is_the_same_bytes() -> None:
    body = b'{"choices":[{"message":{"content":"x"}}]}'
    assert DETAILED.answer(call(), body, UNKNOWN_USAGE, None, MARKS) is body


def test_streams_know_whether_usage_is_wanted() -> None:
    stream = DETAILED.stream(call(stream=True, wants_usage=False), None, MARKS)
    assert isinstance(stream, DetailedStream)
    assert stream.feed(b'data: {"choices":[],"usage":%b}\n\n' % USAGE) == b""
    assert stream.usage.output_tokens == 2
