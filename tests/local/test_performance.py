"""How replies are paced and broken, as seen by a recording wire."""

import asyncio

import pytest

from kilo_gateway.local.performance import play_stream, play_whole
from kilo_gateway.local.scenario import parse_scenario

EVENTS = [b"data: %d\n\n" % number for number in range(4)]
BODY = b'{"answer":"0123456789"}'


class Recorder:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.end = ""

    async def write(self, data: bytes) -> None:
        self.sent.append(data)

    def reset(self) -> None:
        self.end = "reset"

    def close(self) -> None:
        self.end = "close"

    @property
    def text(self) -> bytes:
        return b"".join(self.sent)


async def stream(scenario: str, events: list[bytes] = EVENTS) -> Recorder:
    wire = Recorder()
    await play_stream(wire, iter(events), parse_scenario(scenario), {"x-a": "b"})
    return wire


async def whole(scenario: str) -> Recorder:
    wire = Recorder()
    await play_whole(wire, BODY, 2, parse_scenario(scenario), {"x-a": "b"})
    return wire


async def test_a_stream_is_chunked_and_ends() -> None:
    wire = await stream("echo")
    assert wire.text.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
    assert b"\r\nx-a: b\r\n\r\n9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n" in wire.text
    assert wire.text.endswith(b"\r\n0\r\n\r\n")
    assert wire.end == ""


@pytest.mark.parametrize(("word", "end"), [("cut", "reset"), ("close", "close")])
@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_stream_breaks_off_after_so_many_chunks(word: str, end: str, after: int) -> None:
    wire = await stream(f"{word}-after-{after}")
    assert (wire.text.count(b"data: "), wire.end) == (after, end)
    assert bool(wire.text) == bool(after)
    assert not wire.text.endswith(b"\r\n0\r\n\r\n")


async def test_a_stream_that_ends_before_its_breach_ends_well() -> None:
    wire = await stream("cut-after-9")
    assert (wire.text.count(b"data: "), wire.end) == (4, "")


async def test_a_malformed_stream_has_broken_json_and_ends() -> None:
    wire = await stream("malformed-after-1")
    assert wire.text.count(b"data: ") == 3
    assert b'"del\n\n' in wire.text
    assert wire.text.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("scenario", "events"), [("error-in-stream-after-3", 4), ("error-in-200", 1)]
)
async def test_an_error_in_a_stream_follows_its_chunks(scenario: str, events: int) -> None:
    wire = await stream(scenario)
    assert wire.text.count(b"data: ") == events
    assert wire.text.endswith(b'"code":"server_error"}}\n\n\r\n0\r\n\r\n')


@pytest.mark.parametrize("play", [stream, whole])
async def test_a_status_takes_the_place_of_the_reply(play: object) -> None:
    wire = await (stream if play is stream else whole)("status-429-retry-3")
    assert wire.text.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"\r\nretry-after: 3\r\n" in wire.text
    assert b"rate_limit_error" in wire.text


async def test_an_unassigned_status_has_a_phrase_too() -> None:
    assert (await whole("status-529")).text.startswith(b"HTTP/1.1 529 Simulated\r\n")


async def test_overflow_says_that_the_context_is_too_long() -> None:
    wire = await stream("overflow")
    assert wire.text.startswith(b"HTTP/1.1 400 ")
    assert b"context_length_exceeded" in wire.text


async def test_garbage_is_not_http() -> None:
    wire = await whole("garbage")
    assert not wire.text.startswith(b"HTTP/")
    assert wire.end == "close"


async def test_a_whole_reply_is_sent_at_once() -> None:
    assert (await whole("echo")).text.endswith(b"content-length: 23\r\nx-a: b\r\n\r\n" + BODY)


async def test_a_whole_malformed_reply_has_the_right_length_and_broken_json() -> None:
    assert (await whole("malformed")).text.endswith(
        b'content-length: 11\r\nx-a: b\r\n\r\n{"answer":"'
    )


@pytest.mark.parametrize("scenario", ["error-in-200", "error-in-stream"])
async def test_a_whole_reply_can_be_an_error_with_status_200(scenario: str) -> None:
    wire = await whole(scenario)
    assert wire.text.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'{"error":{' in wire.text


@pytest.mark.parametrize(("after", "sent"), [(0, b""), (1, b'{"answer":"0')])
async def test_a_whole_reply_breaks_off_at_nothing_or_half(after: int, sent: bytes) -> None:
    wire = await whole(f"cut-after-{after}")
    assert wire.text.partition(b"\r\n\r\n")[2] == sent
    assert wire.end == "reset"


@pytest.mark.parametrize("play", [stream, whole])
async def test_a_stall_is_silent_until_cancelled(play: object) -> None:
    wire = Recorder()
    scenario = parse_scenario("stall-after-2")
    playing = (
        play_stream(wire, iter(EVENTS), scenario, {})
        if play is stream
        else play_whole(wire, BODY, 2, scenario, {})
    )
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await playing
    assert wire.sent
    assert wire.end == ""


class SlowLoop:
    """Notes how long each pause was meant to be, and does not wait."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def sleep(self, delay_s: float) -> None:
        self.pauses.append(round(delay_s, 6))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slow = SlowLoop()
    monkeypatch.setattr("kilo_gateway.local.performance.asyncio.sleep", slow.sleep)
    return slow.pauses


async def test_a_stream_waits_first_and_between_chunks(pauses: list[float]) -> None:
    await stream("first-2s-delay-10ms")
    assert pauses == [2, 0.01, 0.01, 0.01]


async def test_a_whole_reply_takes_as_long_as_its_stream(pauses: list[float]) -> None:
    await whole("first-2s-delay-10ms")
    assert pauses == [2.02]


async def test_an_error_waits_for_its_first_byte_only(pauses: list[float]) -> None:
    await whole("first-2s-delay-10ms-status-500")
    assert pauses == [2]


async def test_a_long_stream_without_delay_lets_others_in(pauses: list[float]) -> None:
    await stream("echo", [b"data: 1\n\n"] * 100)
    assert pauses == [0, 0, 0]
