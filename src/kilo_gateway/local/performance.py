"""Sends a reply as its scenario says: when, how fast, and how broken."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

import msgspec

from kilo_gateway.local.chunks import (
    DONE,
    FAILED_ERROR,
    MALFORMED_EVENT,
    OVERFLOW_ERROR,
    event,
    status_error,
)
from kilo_gateway.local.connection import reply_head, whole_reply
from kilo_gateway.local.scenario import Scenario

STALL_S = 600.0
GARBAGE = b"SIM/0.0 these bytes are not HTTP, as asked\r\n\r\n"
# How many chunks without a delay may follow one another before others get their turn.
CHUNKS_IN_A_ROW = 32

_LAST_CHUNK = b"0\r\n\r\n"


class Wire(Protocol):
    """Where a reply goes."""

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when they have left."""
        ...

    def reset(self) -> None:
        """End with a reset."""
        ...

    def close(self) -> None:
        """End in good order."""
        ...


async def play_whole(
    wire: Wire, body: bytes, tokens: int, scenario: Scenario, headers: dict[str, str]
) -> None:
    """Send a reply that is not streamed; it takes as long as the stream of so many tokens would."""
    delay_ms = 0 if _is_refusal(scenario) else scenario.delay_ms * tokens
    await _pause(scenario.first_ms + delay_ms)
    if await _refuse(wire, scenario, headers):
        return
    match scenario.breach:
        case "error-in-200" | "error-in-stream":
            await wire.write(whole_reply(200, msgspec.json.encode(FAILED_ERROR), headers))
        case "malformed":
            await wire.write(whole_reply(200, body[: len(body) // 2], headers))
        case "stall" | "cut" | "close":
            whole = whole_reply(200, body, headers)
            if scenario.after:
                await wire.write(whole[: len(whole) - len(body) // 2])
            await _break_off(wire, scenario)
        case _:
            await wire.write(whole_reply(200, body, headers))


async def play_stream(
    wire: Wire, events: Iterator[bytes], scenario: Scenario, headers: dict[str, str]
) -> None:
    """Send a stream; if it is over before the breach is due, it ends well."""
    await _pause(scenario.first_ms)
    if await _refuse(wire, scenario, headers):
        return
    own = {"content-type": "text/event-stream", "cache-control": "no-cache"}
    unsent = reply_head(200, own | {"transfer-encoding": "chunked"} | headers)
    breach_at = _breach_at(scenario)
    for number, data in enumerate(events):
        if number == breach_at:
            await _breach_stream(wire, scenario, unsent)
            return
        if number and scenario.delay_ms:
            await _pause(scenario.delay_ms)
        elif number % CHUNKS_IN_A_ROW == CHUNKS_IN_A_ROW - 1:
            await asyncio.sleep(0)
        await wire.write(unsent + _framed(data))
        unsent = b""
    await wire.write(unsent + _LAST_CHUNK)


def _breach_at(scenario: Scenario) -> int | None:
    if scenario.breach is None:
        return None
    return 0 if scenario.breach == "error-in-200" else scenario.after


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _pause(duration_ms: int) -> None:
    if duration_ms:
        await asyncio.sleep(duration_ms / 1_000)


def _is_refusal(scenario: Scenario) -> bool:
    return scenario.breach in {"status", "overflow", "garbage"}


async def _refuse(wire: Wire, scenario: Scenario, headers: dict[str, str]) -> bool:
    """Send what takes the place of a reply, if the scenario wants that."""
    if scenario.breach == "garbage":
        await wire.write(GARBAGE)
        wire.close()
    elif scenario.breach == "overflow":
        await wire.write(whole_reply(400, msgspec.json.encode(OVERFLOW_ERROR), headers))
    elif scenario.breach == "status":
        retry = scenario.retry_after_s
        more = {} if retry is None else {"retry-after": str(retry)}
        body = msgspec.json.encode(status_error(scenario.status))
        await wire.write(whole_reply(scenario.status, body, headers | more))
    return _is_refusal(scenario)


async def _breach_stream(wire: Wire, scenario: Scenario, unsent: bytes) -> None:
    """What happens in place of the next chunk; `unsent` is the head if nothing was sent so far."""
    match scenario.breach:
        case "malformed":
            await wire.write(unsent + _framed(MALFORMED_EVENT) + _framed(DONE) + _LAST_CHUNK)
        case "error-in-200" | "error-in-stream":
            await wire.write(unsent + _framed(event(FAILED_ERROR)) + _LAST_CHUNK)
        case _:
            await _break_off(wire, scenario)


async def _break_off(wire: Wire, scenario: Scenario) -> None:
    if scenario.breach == "close":
        wire.close()
        return
    if scenario.breach == "stall":
        await asyncio.sleep(STALL_S)
    wire.reset()
