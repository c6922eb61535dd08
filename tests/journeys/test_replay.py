"""Every recorded exchange of this wire format, through a running gateway: nothing changes but what must.

The gateway is a process of its own; upstream and client are this test's, on raw sockets. Whole replies are sent once,
streams under five chunkings, and once more without asking for usage where the recorded client asked. The rules by which an answer may
differ are in expectations.py. Run with `-s` to see the counts.
"""

import itertools
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.journeys import expectations, replay, verdicts
from tests.journeys.expectations import Expected, expected_answer
from tests.journeys.replay import CHUNKINGS, FILES, TRAFFIC, Asked, Exchange, exchanges
from tests.journeys.replays import WHOLE, Replays, check, check_ledger, opened

# Exchange id -> why it is not replayed as it should be. Exact: a difference that is gone fails the test too.
KNOWN_DIFFERENCES: dict[str, str] = {}

UNASKED = "usage unasked"
STREAMED = [file for file in FILES if file != "embeddings"]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not TRAFFIC.is_dir(), reason=f"no recorded traffic: {TRAFFIC} is absent"),
]


class Chat:
    """The OpenAI-compatible formats."""

    wrong_in_request = staticmethod(replay.wrong_in_request)
    wrong_in_head = staticmethod(verdicts.wrong_in_head)
    wrong_in_answer = staticmethod(verdicts.wrong_in_answer)
    wrong_in_refusal = staticmethod(verdicts.wrong_in_refusal)
    told_usage = staticmethod(expectations.told_usage)

    def asked(self, exchange: Exchange, upstream: str) -> Asked:
        return replay.asked(exchange, upstream)

    def target(self, exchange: Exchange, upstream: str, call: str, key: str) -> str:
        del upstream, key
        return f"/v1{exchange.path}?call={call}"

    def headers(self, exchange: Exchange, key: str) -> dict[str, str]:
        del exchange
        return {"authorization": f"Bearer {key}"}

    def expected(self, exchange: Exchange) -> Expected:
        return expected_answer(exchange)

    def is_of_this_format(self, exchange: Exchange) -> bool:
        return exchange.is_of_this_format


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replays(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replays]:
    names = upstream_names()
    upstreams: dict[str, dict[str, object]] = {}
    for (model, is_router), name in names.items():
        # A router is told what clients wish of its providers; others are not.
        row: dict[str, object] = {"vendor": "openrouter", "prefix": name} if is_router else {}
        models = upstreams.setdefault(name, row | {"base": "/v1", "models": []})["models"]
        assert isinstance(models, list)
        models.append(model)
    home = tmp_path_factory.mktemp("replay") / "home"
    wire = Chat()
    async with opened(home, upstreams) as (gateway, upstream):
        yield Replays(
            gateway,
            upstream,
            lambda _: wire,
            chosen_exchanges,
            lambda exchange: names[exchange.model, is_routed(exchange)],
        )


def chosen_exchanges(file: str, chunking: str) -> list[Exchange]:
    """Whole replies or streams of a file; for UNASKED the streams whose client asked for usage, as if it had not."""
    chosen = [e for e in exchanges(file) if e.is_streamed is (chunking != WHOLE)]
    return (
        [e.without_asking_usage() for e in chosen if e.wants_usage]
        if chunking == UNASKED
        else chosen
    )


def upstream_names() -> dict[tuple[str, bool], str]:
    """Recorded model, and whether a router served it -> upstream that serves it. Case does not matter in names: models that
    differ in nothing else are served by different upstreams."""
    names: dict[tuple[str, bool], str] = {}
    taken: Counter[tuple[str, bool]] = Counter()
    for file in FILES:
        for exchange in exchanges(file):
            served = exchange.model, is_routed(exchange)
            if served not in names:
                key = exchange.model.strip().lower(), is_routed(exchange)
                names[served] = f"{'routed' if is_routed(exchange) else 'replay'}{taken[key] or ''}"
                taken[key] += 1
    return names


def is_routed(exchange: Exchange) -> bool:
    """Whether OpenRouter served it, which takes wishes about its providers."""
    return exchange.file == "openrouter-chat"


@pytest.mark.parametrize("file", FILES)
async def test_whole_replies_pass_through(replays: Replays, file: str) -> None:
    check(file, WHOLE, await replays.of(file, WHOLE), KNOWN_DIFFERENCES)


@pytest.mark.parametrize("chunking", CHUNKINGS)
@pytest.mark.parametrize("file", STREAMED)
async def test_streams_pass_through(replays: Replays, file: str, chunking: str) -> None:
    check(file, chunking, await replays.of(file, chunking), KNOWN_DIFFERENCES)


@pytest.mark.parametrize("file", [file for file in STREAMED if file != "openai-completions"])
async def test_a_client_that_did_not_ask_for_usage_does_not_see_its_chunk(
    replays: Replays, file: str
) -> None:
    check(file, UNASKED, await replays.of(file, UNASKED), KNOWN_DIFFERENCES)


@pytest.mark.parametrize("file", FILES)
async def test_the_ledger_has_the_usage_that_the_reply_told(replays: Replays, file: str) -> None:
    chunkings = (WHOLE, *CHUNKINGS, UNASKED) if file in STREAMED else (WHOLE,)
    check_ledger(await replays.wrong_in_ledger(file, chunkings), KNOWN_DIFFERENCES)


async def test_every_known_difference_is_still_one(replays: Replays) -> None:
    stale = set(KNOWN_DIFFERENCES)
    for file, chunking in itertools.product(FILES, (WHOLE, *CHUNKINGS)):
        if stale:
            stale -= {v.exchange.id for v in await replays.of(file, chunking) if v.wrong}
    assert not stale
