"""Prices: those of the last start at once, today's as soon as their package is loaded."""

from pathlib import Path

import msgspec
import pytest

from kilo_gateway.app.pricing import Prices
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.core.money import FREE
from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import Attribution, Entry, Opening, sealed
from kilo_gateway.telemetry.log import Log

ABOUT = Attribution(
    "k", "o", "gpt-4o", "openai/gpt-4o", "openai", "gpt-4o", "openai_chat", "chat", is_streamed=False
)  # fmt: skip
OPENING = Opening("1", "c", 1, 1_780_000_000.0, 9, None, None, sealed(ABOUT))
ENTRY = Entry(
    OPENING, 2.0, "ok", 200, Usage(1, 1), None, "", "", 1, 2, None, "stop", has_error=False
)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def log(lines: list[str]) -> Log:
    return Log(lines.append, SystemClock())


async def test_prices_are_loaded_once_and_kept_for_the_next_start(tmp_path: Path, log: Log) -> None:
    cache = tmp_path / "prices.cache"
    first = Prices(cache, log)
    assert first.of_entry(ENTRY) is None
    assert await first.load()
    assert not await first.load()
    price = first.of_entry(ENTRY)
    assert price is not None
    assert price.input
    assert Prices(cache, log).of_entry(ENTRY) == price


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"\xff\xfe\x00", msgspec.json.encode({"a": 1})]
)
async def test_a_cache_that_cannot_be_read_is_made_anew(
    tmp_path: Path, log: Log, content: bytes
) -> None:
    cache = tmp_path / "prices.cache"
    cache.write_bytes(content)
    prices = Prices(cache, log)
    assert prices.of_entry(ENTRY) is None


async def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, log: Log, lines: list[str]
) -> None:
    prices = Prices(tmp_path / "no such directory" / "prices.cache", log)
    assert await prices.load()
    log.flush()
    assert "prices not kept" in "".join(lines)
    assert prices.of_entry(ENTRY) is not None


async def test_an_upstream_of_ones_own_has_no_known_price_or_is_free(
    tmp_path: Path, log: Log
) -> None:
    prices = Prices(tmp_path / "prices.cache", log)
    await prices.load()
    for name, price in (("mine", None), ("ollama", FREE), ("local", FREE)):
        about = msgspec.structs.replace(ABOUT, upstream=name)
        opening = msgspec.structs.replace(OPENING, attribution=sealed(about))
        assert prices.of_entry(msgspec.structs.replace(ENTRY, opening=opening)) == price
