"""Streams: usage, errors and the end are seen wherever they come, and every chunking gives the same output."""

import json
from itertools import pairwise
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.openai_chat.events import Stream, error_event, keep_alive
from kilo_gateway.dialects.sse import Reader

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 10, "completion_tokens": 4}
HELLO = {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE_CHUNK = {"choices": [], "usage": USAGE}


def event(data, name=""):
    head = f"event: {name}\n" if name else ""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return f"{head}data: {text}\n\n".encode()


def stream_of(*parts):
    return b"".join(part if isinstance(part, bytes) else event(part) for part in parts)


class Seen(NamedTuple):
    """What a client got, and what the gateway learned."""

    out: bytes
    usage: Usage
    finish_reason: str | None
    error: bytes | None
    is_done: bool
    fault: Kind | None = None


def run(*chunks, wants_usage=False, cost_of=None, operation="chat"):
    """Feed chunks as the relay does: until the stream has ended, or to upstream's end."""
    stream, out, fault = Stream(operation, wants_usage=wants_usage, cost_of=cost_of), b"", None
    try:
        for chunk in chunks:
            out += stream.feed(chunk)
            if stream.has_ended:
                break
        else:
            out += stream.finish()
    except Fault as raised:
        fault = raised.kind
    usage = msgspec.structs.replace(stream.usage, raw=b"")
    return Seen(out, usage, stream.finish_reason, stream.error, stream.is_done, fault)


def events_in(out):
    return [event.data for event in Reader().feed(out)]


def test_a_stream_goes_through_as_it_came():
    data = stream_of(b": comment\n\n", HELLO, STOP, DONE)
    assert run(data) == Seen(data, UNKNOWN_USAGE, "stop", None, is_done=True)


USAGE_PLACES = {
    "a chunk of its own": (STOP, USAGE_CHUNK),
    "the finish chunk": (STOP | {"usage": USAGE},),
    "x_groq": (STOP | {"x_groq": {"id": "req", "usage": USAGE}},),
    "every chunk, rising": (
        HELLO | {"usage": {"prompt_tokens": 10, "completion_tokens": 1}},
        STOP | {"usage": USAGE},
    ),
    "every chunk, null before": (HELLO | {"usage": None}, STOP | {"usage": None}, USAGE_CHUNK),
    "with spaces in the JSON": (
        b'data: {"choices": [ ], "usage": { "prompt_tokens" : 10, "completion_tokens" : 4 } }\n\n',
        STOP,
    ),
}


@pytest.mark.parametrize("place", USAGE_PLACES)
@pytest.mark.parametrize("wants_usage", [True, False])
def test_usage_is_found_in_every_place(place, wants_usage):
    seen = run(stream_of(HELLO, *USAGE_PLACES[place], DONE), wants_usage=wants_usage)
    assert (seen.usage, seen.is_done) == (Usage(10, 4), True)


def test_the_usage_chunk_is_hidden_from_a_client_that_did_not_ask():
    seen = run(stream_of(HELLO, STOP, USAGE_CHUNK, DONE))
    assert seen.out == stream_of(HELLO, STOP, DONE)


def test_the_usage_chunk_is_shown_to_a_client_that_asked():
    data = stream_of(HELLO, STOP, USAGE_CHUNK, DONE)
    assert run(data, wants_usage=True).out == data


def test_a_chunk_with_an_answer_in_it_is_never_hidden():
    data = stream_of(HELLO | {"usage": USAGE}, STOP | {"usage": USAGE}, DONE)
    assert run(data).out == data


def test_a_chunk_without_choices_that_counts_nothing_is_not_hidden():
    azure = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    data = stream_of(azure, HELLO, STOP, DONE)
    assert run(data).out == data


def test_cost_is_added_to_usage_for_a_client_that_asked():
    seen = run(stream_of(STOP, USAGE_CHUNK, DONE), wants_usage=True, cost_of=lambda usage: 1500)
    told = msgspec.json.decode(events_in(seen.out)[1])
    assert told["usage"] == USAGE | {"cost": 0.0000015}


def test_cost_is_not_added_for_a_client_that_did_not_ask():
    data = stream_of(STOP | {"usage": USAGE}, DONE)
    assert run(data, cost_of=lambda usage: 1500).out == data


def test_the_upstreams_own_cost_is_not_overwritten():
    data = stream_of(STOP | {"usage": USAGE | {"cost": 0.5}}, DONE)
    seen = run(data, wants_usage=True, cost_of=lambda usage: 1500)
    assert (seen.out, seen.usage.cost_nanodollars) == (data, 5 * 10**8)


def test_an_unknown_cost_is_not_told_as_zero():
    data = stream_of(STOP, USAGE_CHUNK, DONE)
    assert run(data, wants_usage=True, cost_of=lambda usage: None).out == data


def test_adding_the_cost_keeps_comments_ids_and_line_ends():
    data = b": keep\r\nid: 7\r\ndata: " + json.dumps(USAGE_CHUNK).encode() + b"\r\n\r\n"
    out = run(data, DONE, wants_usage=True, cost_of=lambda usage: 1500).out
    assert out.startswith(b": keep\r\nid: 7\r\ndata: {")
    assert out.endswith(b"}\r\n\r\n" + DONE)


@pytest.mark.parametrize(
    "raw",
    [
        event({"error": {"code": 429, "message": "rate limited"}}),
        event({"error": "text"}),
        event({"choices": [{"finish_reason": "error"}], "error": {"code": 400}}),
        event({"message": "tool_use_failed"}, "error"),
        b'event:error\ndata:{"message":"x"}\n\n',
        event("plain words", "error"),
    ],
)
def test_an_error_event_is_shown_and_ends_the_stream(raw):
    # case J11: what comes later is dropped
    seen = run(stream_of(HELLO, raw, STOP, DONE))
    assert seen.out.startswith(stream_of(HELLO, raw))
    assert seen.error is not None
    assert b"stop" not in seen.out


def test_after_an_error_no_client_waits_for_more():
    seen = run(stream_of(HELLO, {"error": {"code": 429}}))
    assert seen.out.endswith(DONE)


@pytest.mark.parametrize("error", [None, {}, ""])
def test_an_error_that_is_none_ends_nothing(error):
    data = stream_of(HELLO | {"error": error}, STOP, DONE)
    assert run(data).out == data
    assert run(data).error is None


def test_the_word_error_in_an_answer_is_no_error():
    text = {"choices": [{"delta": {"content": '{"error": {"code": 1}} [DONE] "_tokens"'}}]}
    data = stream_of(text, STOP, DONE)
    seen = run(data)
    assert (seen.out, seen.error, seen.is_done) == (data, None, True)


def test_what_follows_done_is_dropped():
    assert run(stream_of(STOP, DONE, HELLO), HELLO and event(HELLO)).out == stream_of(STOP, DONE)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((STOP,), "stop"),
        (({"choices": [{"finish_reason": "eos_token"}]},), "eos_token"),
        (({"choices": [{"finish_reason": ""}]}, STOP), "stop"),
        (({"choices": [{"index": 0, "finish_reason": "length"}]}, STOP), "stop"),
    ],
)
def test_a_missing_done_is_added_when_the_answer_is_finished(ends, expected):
    seen = run(stream_of(HELLO, *ends))
    assert seen.out == stream_of(HELLO, *ends, DONE)
    assert (seen.finish_reason, seen.fault) == (expected, None)


def test_usage_alone_also_tells_that_the_answer_is_finished():
    assert run(stream_of(HELLO, USAGE_CHUNK)).out == stream_of(HELLO, DONE)


def test_a_stream_that_just_stops_is_a_disconnect():
    assert run(stream_of(HELLO, HELLO)).fault is Kind.UPSTREAM_DISCONNECT


@pytest.mark.parametrize("body", [b"", b"\n\n", b"  \r\n", b": only comments\n\n"])
def test_an_empty_stream_is_garbage(body):
    assert run(body).fault is Kind.UPSTREAM_GARBAGE


@pytest.mark.parametrize(
    "body", [b"<html>Bad gateway</html>", b'{"id":1}', b"plain", b"[1]", b"\xff\xfe"]
)
def test_what_is_no_stream_is_garbage(body):
    assert run(body).fault is Kind.UPSTREAM_GARBAGE


@pytest.mark.parametrize("space", [b"", b"\n", b"\n\n   \n"])
def test_a_plain_json_error_instead_of_a_stream_is_an_error(space):
    seen = run(space + b'{"error":{"code":400,"message":"bad"}}')
    assert seen.error == b'{"code":400,"message":"bad"}'
    assert not seen.out.strip()


def test_a_last_event_without_its_blank_line_counts():
    assert run(stream_of(STOP) + b"data: [DONE]").out == stream_of(STOP, DONE)
    assert run(stream_of(HELLO) + event(STOP).rstrip()).out == stream_of(HELLO, STOP, DONE)


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4, 20])
def test_a_byte_order_mark_is_not_passed_on(cut):
    data = b"\xef\xbb\xbf" + stream_of(STOP, DONE)
    assert run(data[:cut], data[cut:]).out == stream_of(STOP, DONE)


def test_a_byte_order_mark_before_a_single_unfinished_event_is_no_garbage():
    assert run(b"\xef\xbb\xbf" + event(STOP).rstrip()).out == stream_of(STOP, DONE)


def test_an_event_that_is_no_json_goes_through():
    data = stream_of(b"data: ping\n\n", STOP, DONE)
    assert run(data).out == data


def test_a_guess_for_a_cut_stream_is_at_least_one_token_an_event():
    stream = Stream("chat", wants_usage=False)
    assert stream.estimated_output_tokens() == 0
    for _ in range(7):
        stream.feed(event(HELLO))
    assert stream.estimated_output_tokens() == 7


def test_a_guess_for_large_events_counts_their_text():
    stream = Stream("chat", wants_usage=False)
    stream.feed(event({"choices": [{"delta": {"content": "word" * 1000}}]}))
    assert 900 <= stream.estimated_output_tokens() <= 1100


def test_our_own_error_event_is_shown_by_every_client_and_ends_the_stream():
    fault = Fault(Kind.UPSTREAM_TIMEOUT, "It took too long.", detail="private")
    first, last = events_in(error_event(fault, "req_1"))
    body = msgspec.json.decode(first)
    assert last == b"[DONE]"
    assert body["error"]["message"] == "It took too long."
    assert (body["error"]["code"], body["error"]["type"]) == (503, "timeout")
    assert body["choices"][0]["finish_reason"] == "error"
    assert b"private" not in first
    assert Stream("chat", wants_usage=False).feed(error_event(fault, "r")) == error_event(
        fault, "r"
    )


def test_a_keep_alive_is_no_event():
    assert Reader().feed(keep_alive()) == []


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
contents = texts.map(lambda text: {"choices": [{"index": 0, "delta": {"content": text}}]})
comments = texts.map(lambda text: ": " + text.replace("\r", "").replace("\n", "") + "\n\n").map(
    str.encode
)
ends = st.sampled_from(
    [
        *[(*parts, DONE) for parts in USAGE_PLACES.values()],
        *[(HELLO, *parts) for parts in USAGE_PLACES.values()],
        (STOP, DONE),
        (STOP,),
        (),
        ({"error": {"code": 429, "message": "é"}}, STOP, DONE),
        (STOP, DONE, HELLO, USAGE_CHUNK),
    ]
)


@st.composite
def upstream_streams(draw):
    """A stream as some server might send it: comments, line ends, perhaps the last blank line missing."""
    ascii_only, line_end = draw(st.booleans()), draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    data = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    for content in draw(st.lists(contents, max_size=4)):
        data += draw(st.sampled_from([b"", b": PROCESSING\n\n"]) | comments)
        data += f"data: {json.dumps(content, ensure_ascii=ascii_only)}\n\n".encode()
    data += stream_of(*draw(ends))
    data = data.replace(b"\n", line_end)
    return data.removesuffix(line_end) if draw(st.booleans()) else data


@given(
    upstream_streams(),
    st.lists(st.integers(0, 2000), max_size=15),
    st.booleans(),
    st.booleans(),
)
def test_every_chunking_gives_the_same_output(data, cuts, wants_usage, is_priced):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]
    options = {"wants_usage": wants_usage, "cost_of": (lambda usage: 1500) if is_priced else None}
    assert run(*chunks, **options) == run(data, **options)


@given(upstream_streams())
def test_byte_by_byte_gives_the_same_output(data):
    assert run(*[bytes([byte]) for byte in data]) == run(data)


@given(upstream_streams())
def test_what_a_client_gets_ends_with_done_or_the_relay_hears_of_a_fault(data):
    seen = run(data)
    if seen.fault is None:
        assert events_in(seen.out)[-1] == b"[DONE]"


@given(st.lists(st.binary(max_size=40)))
def test_no_bytes_whatsoever_raise_anything_but_a_fault(chunks):
    seen = run(*chunks)
    assert seen.fault in {None, Kind.UPSTREAM_GARBAGE, Kind.UPSTREAM_DISCONNECT}


SECRETS = "key sk-abcdefgh12345678 of org-ABCdef123456789 at http://10.1.2.3:8000/v1 failed"
HIDDEN = "key *** of *** at *** failed"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (
            event({"error": {"message": SECRETS, "code": 500}}),
            event({"error": {"message": HIDDEN, "code": 500}}),
        ),
        (event({"error": SECRETS}), event({"error": HIDDEN})),
        (event({"message": SECRETS}, "error"), event({"message": HIDDEN}, "error")),
        (event(SECRETS, "error"), event(HIDDEN, "error")),
        (
            f'event: error\r\ndata: {{"error":"{SECRETS}"}}\r\n\r\n'.encode(),
            f'event: error\r\ndata: {{"error":"{HIDDEN}"}}\r\n\r\n'.encode(),
        ),
        (
            f'data: {{"error":\ndata: "{SECRETS}"}}\n\n'.encode(),
            event({"error": HIDDEN}),
        ),
        (
            f"event: error\ndata: one\ndata: {SECRETS}\n\n".encode(),
            f"event: error\ndata: one\ndata: {HIDDEN}\n\n".encode(),
        ),
    ],
)
def test_an_errors_secrets_do_not_reach_the_client(raw, shown):
    seen = run(stream_of(HELLO) + raw)
    assert seen.out == stream_of(HELLO) + shown + DONE
    assert seen.error is not None


def test_an_answer_may_hold_what_an_error_may_not():
    data = stream_of({"choices": [{"delta": {"content": SECRETS}}]}, STOP, DONE)
    assert run(data).out == data


def test_an_error_beyond_all_measure_is_told_in_our_words():
    seen = run(stream_of(HELLO, {"error": {"message": "x" * 70_000 + SECRETS}}))
    assert b"sk-" not in seen.out
    assert len(seen.out) < 500
    body = json.loads(events_in(seen.out)[1])
    assert (body["error"]["type"], body["error"]["code"]) == ("provider_error", 502)


def test_a_usage_chunk_without_choices_gets_an_empty_list():
    told = run(stream_of(HELLO, STOP, {"usage": USAGE}, DONE), wants_usage=True).out
    assert json.loads(events_in(told)[2]) == USAGE_CHUNK
    assert b"usage" not in run(stream_of(HELLO, STOP, {"usage": USAGE}, DONE)).out
