"""Streams, written: the order of the real API, and every recorded stream there and back."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
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
    TextSigned,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
    UsageTold,
    collect,
    deltas_of,
)
from kilo_gateway.dialects.anthropic_messages.deltas import Reader
from kilo_gateway.dialects.anthropic_messages.stream_writer import Writer
from kilo_gateway.dialects.conversation import Citation, Media, Opaque, Refusal, Text
from tests.dialects.anthropic_messages.wire import SHOWN, checked, events_in, told
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings


def written(*deltas, usage=UNKNOWN_USAGE, cost=None):
    writer = Writer(SHOWN)
    wire = b"".join(writer.write([delta]) for delta in deltas) + writer.finish(usage, cost)
    events = events_in(wire)
    for event in events:
        if event["type"] != "error":
            checked("RawMessageStreamEvent", event)
    assert ordered(events)
    return events


def ordered(events):
    """Whether blocks have rising indexes, are begun before they grow, and are all stopped in the end."""
    opened, count = set(), 0
    for event in events[1:-2] if events[-1]["type"] == "message_stop" else []:
        if event["type"] == "content_block_start":
            if event["index"] != count:
                return False
            opened.add(count)
            count += 1
        elif event["index"] not in opened:
            return False
        elif event["type"] == "content_block_stop":
            opened.remove(event["index"])
    return not opened


def brief(events):
    """Events in short: type and index, or what a delta holds."""
    return [
        (event["type"].removeprefix("content_block_"), event["index"], *text_of(event))
        for event in events
        if "index" in event
    ]


def text_of(event):
    if event["type"] == "content_block_start":
        return [event["content_block"]["type"]]
    delta = event.get("delta", {})
    return [value for name, value in delta.items() if name != "type"]


def test_a_message_from_its_start_to_its_end():
    usage = Usage(20, 9, 5, 3, 4, cache_write_1h_tokens=1)
    events = written(
        Started("msg_1", "m", service_tier="standard"),
        TextDelta("a"),
        Finished("stop_sequence", "x", "END"),
        UsageTold(usage),
        usage=usage,
        cost=500_000_000,
    )
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    message = events[0]["message"]
    assert (message["id"], message["model"], message["content"]) == ("msg_1", "m", [])
    assert (message["stop_reason"], message["usage"]["service_tier"]) == (None, "standard")
    assert events[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END", "stop_details": None},
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 5,
            "output_tokens": 9,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1},
            "output_tokens_details": {"thinking_tokens": 4},
            "cost": 0.5,
        },
    }


def test_usage_that_is_known_at_once_is_told_at_the_start():
    writer = Writer(SHOWN)
    [start] = events_in(writer.write([Started("m"), UsageTold(Usage(7))]))
    assert start["message"]["usage"]["input_tokens"] == 7


def test_what_upstream_did_not_tell_is_made_up():
    events = written(TextDelta("a"))
    assert events[0]["message"]["id"] == "msg_req_1"
    assert events[0]["message"]["model"] == "claude/asked"
    assert events[-2]["usage"]["output_tokens"] == 0
    assert "input_tokens" not in events[-2]["usage"]
    assert [event["type"] for event in written()] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]


def test_one_block_at_a_time_and_calls_until_the_end():
    events = written(
        ThinkingDelta("t"),
        ThinkingSigned("s", "anthropic"),
        TextDelta("a"),
        CallStarted(0, "i", "n"),
        CallDelta(0, '{"a'),
        CallStarted(1, "j", "m"),
        CallDelta(1, "{}"),
        CallDelta(0, '":1}'),
        TextDelta("b"),
        CallDelta(0, ""),
        CallDelta(9, "lost"),
        Finished("stop"),
    )
    assert brief(events) == [
        ("start", 0, "thinking"),
        ("delta", 0, "t"),
        ("delta", 0, "s"),
        ("stop", 0),
        ("start", 1, "text"),
        ("delta", 1, "a"),
        ("stop", 1),
        ("start", 2, "tool_use"),
        ("delta", 2, '{"a'),
        ("start", 3, "tool_use"),
        ("delta", 3, "{}"),
        ("delta", 2, '":1}'),
        ("start", 4, "text"),
        ("delta", 4, "b"),
        ("stop", 4),
        ("stop", 2),
        ("stop", 3),
    ]
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def test_free_text_is_an_object_with_one_string():
    events = written(
        CallStarted(0, "i", "n", is_custom=True), CallDelta(0, 'say "'), CallDelta(0, 'hi\n"')
    )
    parts = [
        event["delta"]["partial_json"] for event in events if event["type"].endswith("block_delta")
    ]
    assert json.loads("".join(parts)) == {"input": 'say "hi\n"'}


def test_foreign_marks_are_wrapped_and_foreign_parts_find_a_place():
    events = written(
        ThinkingSigned("s", "google"),
        ThinkingSealed("d", "openai"),
        RefusalDelta("n"),
        RefusalDelta("o"),
        TextDelta(""),
        TextDelta("a"),
        TextSigned("s", "google"),
        TextDelta("b", begins=True),
        MediaMade(Media("image", url="u")),
        OpaqueMade(Opaque("gemini", "x", msgspec.Raw(b"{}"))),
    )
    assert brief(events) == [
        ("start", 0, "thinking"),
        ("delta", 0, "kg1.google.s"),
        ("stop", 0),
        ("start", 1, "redacted_thinking"),
        ("stop", 1),
        ("start", 2, "text"),
        ("delta", 2, "n"),
        ("delta", 2, "o"),
        ("stop", 2),
        ("start", 3, "text"),
        ("delta", 3, "a"),
        ("stop", 3),
        ("start", 4, "text"),
        ("delta", 4, "b"),
        ("stop", 4),
        ("start", 5, "text"),
        ("delta", 5, "![image](u)"),
        ("stop", 5),
    ]
    assert events[4]["content_block"]["data"] == "kg1.openai.d"


def test_a_citation_may_come_first():
    events = written(TextCited(Citation("https://x", quote="q")))
    assert [event["type"] for event in events[1:4]] == [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ]


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (b'{"type":"overloaded_error","message":"m"}', "overloaded_error", "m"),
        (b'{"code":429,"message":"m"}', "api_error", "m"),
        (b'"m"', "api_error", "m"),
        (b"{}", "api_error", "The upstream failed in the middle"),
        (b"<", "api_error", "The upstream failed in the middle"),
    ],
)
def test_a_failure_is_an_error_event_and_nothing_follows(error, kind, message):
    writer = Writer(SHOWN)
    [event] = events_in(writer.write([Failed(error), TextDelta("a")]))
    assert (event["type"], event["error"]["type"]) == ("error", kind)
    assert event["error"]["message"].startswith(message)
    assert writer.write([TextDelta("a")]) + writer.finish(UNKNOWN_USAGE, None) == b""
    checked("ErrorResponse", event)


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_every_recorded_stream_comes_back():
    seen = 0
    for recording in recordings("anthropic-messages"):
        if not (recording.is_good and recording.is_stream):
            continue
        reader = Reader()
        deltas = [*reader.feed(recording.reply), *reader.finish()]
        once = collect(deltas)
        writer = Writer(SHOWN)
        wire = b"".join(writer.write([delta]) for delta in deltas) + writer.finish(once.usage, None)
        again = Reader()
        answer = collect([*again.feed(wire), *again.finish()])
        if once.parts == (Text(""),):  # no words at all: no block is begun for them
            once = msgspec.structs.replace(once, parts=())
        assert told(answer) == told(once), recording.id
        seen += 1
        if seen % 5 == 0 and not any(isinstance(part, Opaque) for part in once.parts):
            for event in events_in(wire):
                checked("RawMessageStreamEvent", event)
    assert seen > 120


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
DELTAS = st.one_of(
    st.builds(TextDelta, TEXTS, st.booleans()),
    st.builds(RefusalDelta, TEXTS),
    st.builds(ThinkingDelta, TEXTS),
    st.builds(ThinkingSigned, TEXTS, st.sampled_from(["anthropic", "openai", ""])),
    st.builds(ThinkingSealed, TEXTS, st.sampled_from(["anthropic", "google"])),
    st.builds(CallStarted, st.integers(0, 3), TEXTS, TEXTS, st.booleans()),
    st.builds(CallDelta, st.integers(0, 3), TEXTS),
    st.builds(Finished, st.sampled_from(["stop", "length", None])),
    st.builds(UsageTold, st.builds(Usage, st.integers(0, 9), st.integers(0, 9))),
)


@settings(deadline=None)
@given(st.lists(DELTAS, max_size=12))
def test_whatever_comes_the_order_is_the_apis(deltas):
    writer = Writer(SHOWN)
    events = events_in(writer.write(deltas) + writer.finish(UNKNOWN_USAGE, None))
    assert ordered(events)
    assert events[-1] == {"type": "message_stop"}


def test_a_whole_answer_told_as_a_stream_is_the_same():
    answer = collect(
        [Started("m"), TextDelta("a"), RefusalDelta("no"), Finished("refusal", "refusal")]
    )
    writer = Writer(SHOWN)
    wire = writer.write(deltas_of(answer)) + writer.finish(UNKNOWN_USAGE, None)
    reader = Reader()
    again = collect([*reader.feed(wire), *reader.finish()])
    assert answer.parts == (Text("a"), Refusal("no"))
    assert again.parts == (Text("a"), Text("no"))
