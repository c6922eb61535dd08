"""Every recorded exchange of Messages, Responses and Gemini, through a running gateway, between a client and an upstream of that dialect.

Nothing changes but what must: the rules are in wires.py. Whole replies are sent once, streams under five chunkings, Gemini's
once more to a client that wants an array. Run with `-s` to see the counts.
"""

import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import pytest
import pytest_asyncio

from tests.journeys.native.wires import ARRAY, Gemini, Messages, Responses, is_count
from tests.journeys.replay import CHUNKINGS, TRAFFIC, Exchange, exchanges
from tests.journeys.replays import WHOLE, Replays, check, check_ledger, opened

# Exchange id -> why it is not replayed as it should be. Exact: a difference that is gone fails the test too.
KNOWN_DIFFERENCES: dict[str, str] = {}


class Source(NamedTuple):
    """Exchanges of one kind: the file that holds them, their api, and their wire format."""

    file: str
    api: str
    wire: Messages


MESSAGES, RESPONSES, GEMINI = Messages(), Responses(), Gemini()
SOURCES = {
    "anthropic-messages": Source("anthropic-messages", "anthropic-messages", MESSAGES),
    "anthropic-count-tokens": Source("misc", "anthropic-count-tokens", MESSAGES),
    "openai-responses": Source("openai-responses", "openai-responses", RESPONSES),
    "openai-responses-count": Source("openai-responses", "openai-responses-aux", RESPONSES),
    "gemini-generate": Source("gemini-generate", "gemini-generate", GEMINI),
    "gemini-stream": Source("gemini-stream", "gemini-stream", GEMINI),
    "gemini-count-tokens": Source("gemini-aux", "gemini-count-tokens", GEMINI),
}
STREAMED = ("anthropic-messages", "openai-responses", "gemini-stream")
AS_ARRAY = "as an array"

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not TRAFFIC.is_dir(), reason=f"no recorded traffic: {TRAFFIC} is absent"),
]


@cache
def of_source(name: str) -> tuple[Exchange, ...]:
    """Its exchanges; of those beside Responses proper only the counts, which are all that the gateway serves."""
    source = SOURCES[name]
    found = exchanges(source.file, source.api)
    if name.endswith(("-count", "-count-tokens")):
        return tuple(one for one in found if is_count(one))
    return tuple(as_events(one) for one in found)


def as_events(exchange: Exchange) -> Exchange:
    """A stream that was recorded as an array, as upstream sends it to one who asks for events."""
    if not (exchange.is_streamed and exchange.reply.startswith(b"[")):
        return exchange
    rows = [json.dumps(row, ensure_ascii=False).encode() for row in json.loads(exchange.reply)]
    reply = b"".join(b"data: %b\r\n\r\n" % row for row in rows)
    return replace(exchange, reply=reply, content_type="text/event-stream")


def chosen_exchanges(name: str, chunking: str) -> list[Exchange]:
    """Whole replies or streams."""
    chosen = [e for e in of_source(name) if e.is_streamed is (chunking != WHOLE)]
    return [replace(e, api=ARRAY) for e in chosen] if chunking == AS_ARRAY else chosen


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replays(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replays]:
    names = upstream_names()
    upstreams: dict[str, dict[str, object]] = {}
    for (source, model), name in names.items():
        wire = SOURCES[source].wire
        row: dict[str, object] = {"base": wire.base, "dialect": wire.dialect, "models": []}
        if source == "openai-responses-count":  # servers of that dialect do not count as a rule
            row |= {"vendor": "openai", "prefix": name}
        models = upstreams.setdefault(name, row)["models"]
        assert isinstance(models, list)
        models.append(model)
    served = {(e.id): names[source, e.model] for source in SOURCES for e in of_source(source)}
    home = tmp_path_factory.mktemp("native") / "home"
    async with opened(home, upstreams) as (gateway, upstream):
        yield Replays(
            gateway,
            upstream,
            lambda name: SOURCES[name].wire,
            chosen_exchanges,
            lambda exchange: served[exchange.id],
        )


def upstream_names() -> dict[tuple[str, str], str]:
    """(source, recorded model) -> upstream that serves it. Models that differ in case alone are served by different ones."""
    names: dict[tuple[str, str], str] = {}
    taken: Counter[tuple[str, str]] = Counter()
    for source in SOURCES:
        for model in dict.fromkeys(exchange.model for exchange in of_source(source)):
            key = source, model.strip().lower()
            names[source, model] = f"{source}-{taken[key]}"
            taken[key] += 1
    return names


@pytest.mark.parametrize("name", SOURCES)
async def test_whole_replies_pass_through(replays: Replays, name: str) -> None:
    check(name, WHOLE, await replays.of(name, WHOLE), KNOWN_DIFFERENCES)


@pytest.mark.parametrize("chunking", CHUNKINGS)
@pytest.mark.parametrize("name", STREAMED)
async def test_streams_pass_through(replays: Replays, name: str, chunking: str) -> None:
    check(name, chunking, await replays.of(name, chunking), KNOWN_DIFFERENCES)


async def test_a_client_of_gemini_that_asked_for_no_events_gets_an_array(replays: Replays) -> None:
    verdicts = await replays.of("gemini-stream", AS_ARRAY)
    check("gemini-stream", AS_ARRAY, verdicts, KNOWN_DIFFERENCES)


@pytest.mark.parametrize("name", SOURCES)
async def test_the_ledger_has_the_usage_that_the_reply_told(replays: Replays, name: str) -> None:
    chunkings = [WHOLE]
    chunkings += CHUNKINGS if name in STREAMED else ()
    chunkings += [AS_ARRAY] if name == "gemini-stream" else ()
    check_ledger(await replays.wrong_in_ledger(name, chunkings), KNOWN_DIFFERENCES)


async def test_every_known_difference_is_still_one(replays: Replays) -> None:
    stale = set(KNOWN_DIFFERENCES)
    for name, chunking in itertools.product(SOURCES, (WHOLE, *CHUNKINGS)):
        if stale:
            stale -= {v.exchange.id for v in await replays.of(name, chunking) if v.wrong}
    assert not stale
