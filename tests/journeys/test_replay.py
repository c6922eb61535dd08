"""Every recorded exchange of this wire format, through a running gateway: nothing changes but what must.

The gateway is a process of its own; upstream and client are this test's, on raw sockets. Whole replies are sent once,
streams under five chunkings, and once more without asking for usage where the recorded client asked. The rules by which an answer may
differ are in expectations.py. Run with `-s` to see the counts.
"""

import asyncio
import itertools
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from kilo_gateway.dialects.rules.table import NAMES
from tests.gateways import Running, process, wait_for_entries
from tests.journeys.expectations import Expected, expected_answer
from tests.journeys.replay import (
    CHUNKINGS,
    FILES,
    TRAFFIC,
    Exchange,
    asked,
    exchanges,
    pieces,
    wrong_in_request,
)
from tests.journeys.verdicts import (
    UPSTREAM_KEY,
    leaks,
    shown,
    wrong_in_answer,
    wrong_in_entry,
    wrong_in_head,
    wrong_in_refusal,
)
from tests.journeys.wire import FRAMINGS, Answer, Client, Script, Upstream

# Exchange id -> why it is not replayed as it should be. Exact: a difference that is gone fails the test too.
KNOWN_DIFFERENCES: dict[str, str] = {}

CLIENTS = 16
WHOLE = "not streamed"
UNASKED = "usage unasked"
STREAMED = [file for file in FILES if file != "embeddings"]
_OUTCOMES = ("exact", "by rule", "failed")

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not TRAFFIC.is_dir(), reason=f"no recorded traffic: {TRAFFIC} is absent"),
]


@dataclass
class Verdict:
    """How one exchange went: what was wrong, or the rules that explain the difference (none: byte for byte)."""

    exchange: Exchange
    call: str
    wrong: str | None
    rules: frozenset[str] = frozenset()

    @property
    def outcome(self) -> str:
        return "failed" if self.wrong else "by rule" if self.rules else "exact"


@dataclass
class Replays:
    """The gateway and both its ends; each (file, chunking) is replayed once, when it is first asked for."""

    gateway: Running
    upstream: Upstream
    upstream_names: dict[str, str]
    done: dict[tuple[str, str], list[Verdict]] = field(default_factory=dict)

    async def of(self, file: str, chunking: str) -> list[Verdict]:
        if (file, chunking) not in self.done:
            waiting = enumerate(chosen_exchanges(file, chunking))
            verdicts: list[Verdict] = []
            async with asyncio.TaskGroup() as group:
                for _ in range(CLIENTS):
                    group.create_task(self._client(waiting, chunking, verdicts))
            self.done[file, chunking] = verdicts
            sys.stdout.write(table(file, chunking, verdicts) + "\n")
        return self.done[file, chunking]

    async def _client(
        self, waiting: Iterator[tuple[int, Exchange]], chunking: str, verdicts: list[Verdict]
    ) -> None:
        client = await Client.connect(self.gateway.port)
        try:
            for number, exchange in waiting:
                call = f"{exchange.id}/{chunking.replace(' ', '-')}"
                verdicts.append(await self._replay(client, exchange, call, chunking, number))
        finally:
            await client.close()

    async def _replay(
        self, client: Client, exchange: Exchange, call: str, chunking: str, number: int
    ) -> Verdict:
        cut = pieces(exchange, chunking if chunking in CHUNKINGS else "random")
        framing = FRAMINGS[(number + len(chunking)) % len(FRAMINGS)]
        is_watched = chunking == "events" and "event-stream" in exchange.content_type
        seen = asyncio.Event() if is_watched else None
        script = Script(exchange.status, exchange.content_type, cut, framing, seen)
        self.upstream.scripts[call] = script
        sent = asked(exchange, self.upstream_names[exchange.model])
        headers = {**self.gateway.headers, "content-type": "application/json", "x-request-id": call}
        answer = await client.post(f"/v1{exchange.path}?call={call}", headers, sent.body, seen)
        heard = self.upstream.heard.pop(call, None)
        if heard is None and (not exchange.is_of_this_format or exchange.status >= 400):
            return Verdict(exchange, call, wrong_in_refusal(answer), frozenset({"refused"}))
        if heard is None:
            return Verdict(exchange, call, f"upstream was not asked: {shown(answer)}")
        if script.is_held:
            return Verdict(exchange, call, "the first event was held back until the second came")
        expected = expected_answer(exchange)
        expected.may_be_fault &= not is_watched  # its first event was passed on
        secrets = (self.gateway.key, str(self.upstream_port), str(self.gateway.home))
        wrong = (
            wrong_in_request(exchange, sent, heard.body)
            or wrong_in_head(heard, exchange, call, self.gateway.key)
            or wrong_in_answer(exchange, expected, answer, call)
            or leaks(answer, secrets)
        )
        return Verdict(exchange, call, wrong, frozenset(rules(exchange, expected, answer)))

    @property
    def upstream_port(self) -> int:
        assert self.upstream.server is not None
        return int(self.upstream.server.sockets[0].getsockname()[1])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replays(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replays]:
    """One gateway for all exchanges: one attempt a call, a breaker that never opens, no log line a call."""
    upstream = Upstream()
    port = await upstream.start()
    names = upstream_names()
    lines = [
        "[routing]",
        "max_attempts = 1",
        "breaker_failures = 1000",
        "[telemetry]",
        "call_log = false",
        "[rules]",  # what they mend is told in their own tests
        *(f"{name} = false" for name in NAMES),
    ]
    for name in sorted(set(names.values())):
        models = [model for model in names if names[model] == name]
        lines += [
            "[[upstreams]]",
            f'name = "{name}"',
            f'base_url = "http://127.0.0.1:{port}/v1"',
            f'api_key = "{UPSTREAM_KEY}"',
            f"models = {json.dumps(models)}",
        ]
    home = tmp_path_factory.mktemp("replay") / "home"
    with process(home, "\n".join(lines)) as gateway:
        yield Replays(gateway, upstream, names)
    await upstream.stop()


def chosen_exchanges(file: str, chunking: str) -> list[Exchange]:
    """Whole replies or streams of a file; for UNASKED the streams whose client asked for usage, as if it had not."""
    chosen = [e for e in exchanges(file) if e.is_streamed is (chunking != WHOLE)]
    return (
        [e.without_asking_usage() for e in chosen if e.wants_usage]
        if chunking == UNASKED
        else chosen
    )


def upstream_names() -> dict[str, str]:
    """Recorded model -> upstream that serves it. Case does not matter in names: models that differ in nothing else are
    served by different upstreams."""
    names: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for file in FILES:
        for exchange in exchanges(file):
            if exchange.model not in names:
                key = exchange.model.strip().lower()
                names[exchange.model] = f"replay{taken[key] or ''}"
                taken[key] += 1
    return names


def rules(exchange: Exchange, expected: Expected, answer: Answer) -> set[str]:
    """The rules that were needed: none if the client got the recorded bytes."""
    if answer.status >= 400:
        return {"error"} if exchange.status >= 400 else {"fault"}
    return set() if answer.body == exchange.reply else expected.rules


def table(file: str, chunking: str, verdicts: list[Verdict]) -> str:
    """One line of counts, and one for each rule."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    used = Counter(itertools.chain.from_iterable(v.rules for v in verdicts if not v.wrong))
    told = ", ".join(f"{outcome} {counts[outcome]}" for outcome in _OUTCOMES)
    by = ", ".join(f"{rule} {count}" for rule, count in sorted(used.items()))
    return f"{file:24} {chunking:13} {len(verdicts):5}: {told}" + (f" ({by})" if by else "")


def check(verdicts: list[Verdict], summary: str) -> None:
    """Fail for every difference that is not known."""
    wrong = {v.exchange.id: v.wrong for v in verdicts if v.wrong}
    unknown = {key: why for key, why in wrong.items() if key not in KNOWN_DIFFERENCES}
    told = "\n".join(f"  {key}: {why}" for key, why in unknown.items())
    assert not unknown, f"{summary}\n{told}"


@pytest.mark.parametrize("file", FILES)
async def test_whole_replies_pass_through(replays: Replays, file: str) -> None:
    verdicts = await replays.of(file, WHOLE)
    assert verdicts
    check(verdicts, table(file, WHOLE, verdicts))


@pytest.mark.parametrize("chunking", CHUNKINGS)
@pytest.mark.parametrize("file", STREAMED)
async def test_streams_pass_through(replays: Replays, file: str, chunking: str) -> None:
    verdicts = await replays.of(file, chunking)
    assert verdicts
    check(verdicts, table(file, chunking, verdicts))


@pytest.mark.parametrize("file", [file for file in STREAMED if file != "openai-completions"])
async def test_a_client_that_did_not_ask_for_usage_does_not_see_its_chunk(
    replays: Replays, file: str
) -> None:
    verdicts = await replays.of(file, UNASKED)
    assert verdicts
    check(verdicts, table(file, UNASKED, verdicts))


@pytest.mark.parametrize("file", FILES)
async def test_the_ledger_has_the_usage_that_the_reply_told(replays: Replays, file: str) -> None:
    chunkings = (WHOLE, *CHUNKINGS, UNASKED) if file in STREAMED else (WHOLE,)
    verdicts = [v for chunking in chunkings for v in await replays.of(file, chunking)]
    verdicts = [v for v in verdicts if "refused" not in v.rules and not v.wrong]
    calls = [verdict.call for verdict in verdicts]
    entries = await asyncio.to_thread(wait_for_entries, replays.gateway.home, calls)
    wrong = {v.call: wrong_in_entry(v.exchange, entries[v.call]) for v in verdicts}
    told = {
        call: why
        for call, why in wrong.items()
        if why and call.partition("/")[0] not in KNOWN_DIFFERENCES
    }
    assert not told, f"{len(told)} of {len(verdicts)}:\n" + "\n".join(
        f"  {call}: {why}" for call, why in told.items()
    )


async def test_every_known_difference_is_still_one(replays: Replays) -> None:
    stale = set(KNOWN_DIFFERENCES)
    for file, chunking in itertools.product(FILES, (WHOLE, *CHUNKINGS)):
        if stale:
            stale -= {v.exchange.id for v in await replays.of(file, chunking) if v.wrong}
    assert not stale
