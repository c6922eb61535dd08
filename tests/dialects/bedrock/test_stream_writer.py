"""Streams for clients: the events of the real service, which its own reader takes for the same answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Failed,
    Finished,
    MediaMade,
    OpaqueMade,
    RefusalDelta,
    Started,
    TextCited,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
    UsageTold,
    collect,
    deltas_of,
)
from kilo_gateway.dialects.bedrock.answers import read_answer
from kilo_gateway.dialects.bedrock.deltas import Reader
from kilo_gateway.dialects.bedrock.schema import Raw
from kilo_gateway.dialects.bedrock.stream_writer import Writer
from kilo_gateway.dialects.conversation import Citation, Media, Opaque
from kilo_gateway.dialects.frames import Frames
from tests.dialects.bedrock.wire import SHOWN, frames_in, same_answer
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

USED = Usage(10, 5)


def wire(*deltas, usage=USED, cost=None):
    writer = Writer(SHOWN)
    return writer.write(deltas) + writer.finish(usage, cost)


def names(data):
    return [name for name, _ in frames_in(data)]


def back(data):
    reader = Reader()
    answer = collect([*reader.feed(data), *reader.finish()])
    assert reader.is_done
    return answer


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_everything_recorded_written_as_a_stream_is_the_same():
    for recording in recordings("bedrock"):
        if recording.is_good:
            if recording.is_stream:
                answer = collect(Reader().feed(recording.reply))
            else:
                answer = read_answer(recording.reply)
            data = wire(*deltas_of(answer), usage=answer.usage)
            frames_in(data)
            assert same_answer(back(data), answer), recording.id


def test_the_order_of_the_real_service():
    data = wire(
        Started(),
        ThinkingDelta("t"),
        ThinkingSigned("s", "anthropic"),
        TextDelta("a"),
        TextDelta("b"),
        CallStarted(0, "i", "n"),
        CallDelta(0, "{}"),
        Finished("stop"),
        UsageTold(USED),
        cost=1_500_000,
    )
    assert names(data) == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    payloads = [payload for _, payload in frames_in(data)]
    assert payloads[-2] == {"stopReason": "tool_use"}
    assert payloads[-1]["usage"]["cost"] == 0.0015
    assert [one.get("contentBlockIndex") for one in payloads[1:10]] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_interleaved_calls_and_free_text():
    data = wire(
        CallStarted(0, "i", "n"),
        CallStarted(1, "j", "m", is_custom=True),
        CallDelta(0, '{"a":'),
        CallDelta(1, 'say "hi"'),
        CallDelta(0, "1}"),
        CallDelta(9, "lost"),
        Finished("tool_calls"),
    )
    one, other = back(data).parts
    assert (one.arguments, json.loads(other.arguments)) == ('{"a":1}', {"input": 'say "hi"'})


def test_parts_without_a_place_of_their_own():
    own = Opaque(
        "bedrock",
        "toolResult",
        Raw(b'{"toolResult":{"toolUseId":"i","content":[{"text":"r"}],"type":"x"}}'),
    )
    data = wire(
        TextCited(Citation("https://u")),
        RefusalDelta("No."),
        ThinkingSealed("ab", "anthropic"),
        MediaMade(Media("image", "image/png", "UA==")),
        OpaqueMade(own),
        OpaqueMade(Opaque("gemini", "x", Raw(b"{}"))),
        OpaqueMade(Opaque("bedrock", "new", Raw(b'{"new":1}'))),
        OpaqueMade(Opaque("bedrock", "broken", Raw(b"["))),
        Finished("refusal"),
    )
    parts = back(data).parts
    assert parts[0].citations[0].url == "https://u"
    assert [getattr(part, "text", "") for part in parts][1] == "No."
    assert parts[2].data == "ab"
    assert parts[3].text.startswith("![image]")
    assert json.loads(bytes(parts[4].raw)) == json.loads(bytes(own.raw))
    assert len(parts) == 5


@pytest.mark.parametrize(
    ("error", "event", "message"),
    [
        (b'{"message":"slow","code":429}', "throttlingException", "slow"),
        (b'"words"', "internalServerException", "words"),
        (b'{"message":7,"code":"x"}', "internalServerException", "The upstream failed"),
        (b"[", "internalServerException", "The upstream failed"),
    ],
)
def test_a_failure_is_an_exception_and_the_end(error, event, message):
    writer = Writer(SHOWN)
    data = writer.write([TextDelta("a"), Failed(error), TextDelta("b")])
    assert writer.write([TextDelta("c")]) == writer.finish(USED, None) == b""
    *_, last = Frames().feed(data)
    assert (last.event, last.is_failure) == (event, True)
    assert json.loads(last.payload)["message"].startswith(message)


def test_nothing_at_all_is_an_empty_answer():
    assert names(wire()) == ["messageStart", "messageStop", "metadata"]


DELTAS = st.sampled_from(
    [
        TextDelta("a"),
        TextDelta("b", begins=True),
        ThinkingDelta("t"),
        ThinkingDelta("u", begins=True),
        ThinkingSigned("s", "anthropic"),
        ThinkingSealed("x", "google"),
        TextCited(Citation(document=0, quote="q")),
        RefusalDelta("r"),
        CallStarted(0, "i", "n"),
        CallDelta(0, "{}"),
    ]
)


@given(st.lists(DELTAS, max_size=12))
def test_any_deltas_are_a_stream(deltas):
    data = wire(*deltas, Finished("stop"))
    opened = set()
    for name, payload in frames_in(data):
        index = payload.get("contentBlockIndex")
        if name in {"contentBlockStart", "contentBlockDelta"}:
            opened.add(index)
        elif name == "contentBlockStop":
            opened.remove(index)
    assert not opened
    back(data)
