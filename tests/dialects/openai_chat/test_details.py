"""Thoughts as details: what OpenRouter's clients read, in the bytes of DeepSeek's and others' replies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.openai_chat.answers import read_answer
from kilo_gateway.dialects.openai_chat.deltas import Reader
from kilo_gateway.dialects.openai_chat.details import DetailedStream, with_details
from kilo_gateway.dialects.openai_chat.events import Stream
from kilo_gateway.dialects.sse import Reader as Events
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

FILES = ("openai-chat", "openai-compatible-chat", "openrouter-chat")


def detail(text):
    return [{"type": "reasoning.text", "text": text, "index": 0, "format": "unknown"}]


def reply(**message):
    return json.dumps({"choices": [{"index": 0, "message": message}]}).encode()


def message(body):
    return json.loads(body)["choices"][0]["message"]


def streamed(data, make=DetailedStream):
    stream = make("chat", wants_usage=True)
    return stream.feed(data) + (b"" if stream.has_ended else stream.finish())


def event(delta):
    return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode()


@given(st.text(min_size=1))
def test_any_text_is_told_twice(text):
    told = message(with_details(reply(reasoning_content=text, content=text)))
    assert told == {"reasoning_content": text, "content": text, "reasoning_details": detail(text)}


@pytest.mark.parametrize("thoughts", ["", None, ["parts"]])
def test_what_is_no_text_stays_alone(thoughts):
    body = reply(reasoning_content=thoughts, content="x")
    assert with_details(body) == body


def test_details_of_the_servers_own_stay():
    body = reply(reasoning_content="a", reasoning_details=detail("b"))
    assert with_details(body) == body


def test_text_that_looks_like_the_member_stays():
    body = reply(content='{"reasoning_content":"a"} "role":null', reasoning=None)
    assert with_details(body) == body
    data = event({"content": '"role":null, "reasoning_content":"a"'}) + b"data: [DONE]\n\n"
    assert streamed(data) == data


def test_every_event_is_looked_at_alone():
    own = event({"reasoning_content": "b", "reasoning_details": detail("c")})
    out = streamed(event({"reasoning_content": "a"}) + own + b"data: [DONE]\n\n")
    first, second = (json.loads(one.data)["choices"][0]["delta"] for one in Events().feed(out)[:2])
    assert first == {"reasoning_content": "a", "reasoning_details": detail("a")}
    assert second == {"reasoning_content": "b", "reasoning_details": detail("c")}


@pytest.mark.parametrize(
    "delta",
    [{"role": None, "content": "x"}, {"content": "x", "role": None}, {"role": None}],
)
def test_a_role_of_null_goes(delta):
    out = streamed(event(delta) + b"data: [DONE]\n\n")
    told = json.loads(Events().feed(out)[0].data)["choices"][0]["delta"]
    assert told == {name: value for name, value in delta.items() if name != "role"}


@pytest.mark.skipif(not TRAFFIC.exists(), reason=WHY_SKIPPED)
@pytest.mark.parametrize("file", FILES)
def test_recorded_replies_say_the_same_and_tell_their_thoughts(file):
    told = 0
    for recording in recordings(file):
        if not recording.is_good:
            continue
        if not recording.is_stream:
            body = with_details(recording.reply)
            if body != recording.reply:
                told += 1
                assert read_answer(body).parts == read_answer(recording.reply).parts
                assert message(body)["reasoning_details"] == detail(
                    message(body)["reasoning_content"]
                )
            continue
        try:
            plain = streamed(recording.reply, Stream)
        except Fault:  # recorded failures are the business of other tests
            continue
        out = streamed(recording.reply)
        told += b'"reasoning.text"' in out and b'"reasoning.text"' not in plain
        assert texts(out) == texts(plain)
    assert (told > 0) == (file == "openai-compatible-chat")


def texts(data):
    reader = Reader("chat")
    deltas = [*reader.feed(data), *(() if reader.is_done else reader.finish())]
    return "".join(getattr(delta, "text", "") for delta in deltas)
