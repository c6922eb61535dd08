"""Replays: exchanges go through a running gateway, between a client and an upstream on raw sockets, and are judged.

What a wire format says of an exchange is told by a `Wire`; everything else is here.
"""

import asyncio
import contextlib
import itertools
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kilo_gateway.dialects.rules.table import NAMES
from tests.gateways import Running, process, wait_for_entries
from tests.journeys.expectations import Expected
from tests.journeys.replay import CHUNKINGS, Asked, Exchange, pieces
from tests.journeys.verdicts import UPSTREAM_KEY, leaks, shown, wrong_in_entry
from tests.journeys.wire import FRAMINGS, Answer, Client, Heard, Script, Upstream

CLIENTS = 16
WHOLE = "not streamed"
_OUTCOMES = ("exact", "by rule", "failed")


class Wire(Protocol):
    """What a wire format says of an exchange. The `wrong_*` give a sentence, or None."""

    def asked(self, exchange: Exchange, upstream: str) -> Asked:
        """What the client sends, for a model of an upstream of the gateway's."""
        ...

    def target(self, exchange: Exchange, upstream: str, call: str, key: str) -> str:
        """Path and query that the client asks; its key stands there for some."""
        ...

    def headers(self, exchange: Exchange, key: str) -> dict[str, str]:
        """The client's headers, its key among them."""
        ...

    def expected(self, exchange: Exchange) -> Expected:
        """What the client must get."""
        ...

    def is_of_this_format(self, exchange: Exchange) -> bool:
        """Whether the request is what the path takes."""
        ...

    def wrong_in_request(self, exchange: Exchange, sent: Asked, got: bytes) -> str | None:
        """Of the body that upstream got."""
        ...

    def wrong_in_head(
        self, heard: Heard, exchange: Exchange, call: str, client_key: str
    ) -> str | None:
        """Of the path and headers that upstream got."""
        ...

    def wrong_in_answer(
        self, exchange: Exchange, expected: Expected, answer: Answer, call: str
    ) -> str | None:
        """Of what the client got."""
        ...

    def wrong_in_refusal(self, answer: Answer) -> str | None:
        """Of an answer of the gateway's own, for which upstream was not asked."""
        ...

    def told_usage(self, exchange: Exchange) -> Mapping[str, int | None]:
        """What the reply says was used, by the ledger's columns."""
        ...


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
    """The gateway and both its ends; each (file, chunking) is replayed once, when it is first asked for.

    `chosen` gives the exchanges of a file for a chunking, `upstream_of` the name of the upstream that serves one.
    """

    gateway: Running
    upstream: Upstream
    wire_of: Callable[[str], Wire]
    chosen: Callable[[str, str], Sequence[Exchange]]
    upstream_of: Callable[[Exchange], str]
    done: dict[tuple[str, str], list[Verdict]] = field(default_factory=dict)

    async def of(self, file: str, chunking: str) -> list[Verdict]:
        if (file, chunking) not in self.done:
            waiting = enumerate(self.chosen(file, chunking))
            verdicts: list[Verdict] = []
            async with asyncio.TaskGroup() as group:
                for _ in range(CLIENTS):
                    group.create_task(self._client(self.wire_of(file), waiting, chunking, verdicts))
            self.done[file, chunking] = verdicts
            sys.stdout.write(table(file, chunking, verdicts) + "\n")
        return self.done[file, chunking]

    async def _client(
        self,
        wire: Wire,
        waiting: Iterator[tuple[int, Exchange]],
        chunking: str,
        verdicts: list[Verdict],
    ) -> None:
        client = await Client.connect(self.gateway.port)
        try:
            for number, exchange in waiting:
                call = f"{exchange.id}/{chunking.replace(' ', '-')}"
                verdicts.append(await self._replay(wire, client, exchange, call, chunking, number))
        finally:
            await client.close()

    async def _replay(
        self,
        wire: Wire,
        client: Client,
        exchange: Exchange,
        call: str,
        chunking: str,
        number: int,
    ) -> Verdict:
        cut = pieces(exchange, chunking if chunking in CHUNKINGS else "random")
        framing = FRAMINGS[(number + len(chunking)) % len(FRAMINGS)]
        is_watched = chunking == "events" and "event-stream" in exchange.content_type
        seen = asyncio.Event() if is_watched else None
        script = Script(exchange.status, exchange.content_type, cut, framing, seen)
        self.upstream.scripts[call] = script
        name = self.upstream_of(exchange)
        sent = wire.asked(exchange, name)
        headers = wire.headers(exchange, self.gateway.key)
        headers |= {"content-type": "application/json", "x-request-id": call}
        answer = await client.post(
            wire.target(exchange, name, call, self.gateway.key), headers, sent.body, seen
        )
        heard = self.upstream.heard.pop(call, None)
        if heard is None and (not wire.is_of_this_format(exchange) or exchange.status >= 400):
            return Verdict(exchange, call, wire.wrong_in_refusal(answer), frozenset({"refused"}))
        if heard is None:
            return Verdict(exchange, call, f"upstream was not asked: {shown(answer)}")
        if script.is_held:
            return Verdict(exchange, call, "the first event was held back until the second came")
        expected = wire.expected(exchange)
        expected.may_be_fault &= not is_watched  # its first event was passed on
        secrets = (self.gateway.key, str(self.upstream_port), str(self.gateway.home))
        wrong = (
            wire.wrong_in_request(exchange, sent, heard.body)
            or wire.wrong_in_head(heard, exchange, call, self.gateway.key)
            or wire.wrong_in_answer(exchange, expected, answer, call)
            or leaks(answer, secrets)
        )
        return Verdict(exchange, call, wrong, frozenset(rules(exchange, expected, answer)))

    async def wrong_in_ledger(self, file: str, chunkings: Sequence[str]) -> dict[str, str]:
        """By call, how its entry differs from what its reply told."""
        verdicts = [v for chunking in chunkings for v in await self.of(file, chunking)]
        verdicts = [v for v in verdicts if "refused" not in v.rules and not v.wrong]
        calls = [verdict.call for verdict in verdicts]
        entries = await asyncio.to_thread(wait_for_entries, self.gateway.home, calls)
        wire = self.wire_of(file)
        wrong = {
            v.call: wrong_in_entry(
                v.exchange, entries[v.call], wire.told_usage(v.exchange), wire.expected(v.exchange)
            )
            for v in verdicts
        }
        return {call: why for call, why in wrong.items() if why}

    @property
    def upstream_port(self) -> int:
        assert self.upstream.server is not None
        return int(self.upstream.server.sockets[0].getsockname()[1])


@contextlib.asynccontextmanager
async def opened(
    home: Path, upstreams: Mapping[str, Mapping[str, Any]]
) -> AsyncIterator[tuple[Running, Upstream]]:
    """One gateway for all exchanges: one attempt a call, a breaker that never opens, no log line a call, no repairs, no costs
    in the answers.

    `upstreams` are tables of settings by name; the path of their base URL is given as `base`.
    """
    upstream = Upstream()
    port = await upstream.start()
    lines = [
        "[server]",
        "cost_in_body = false",
        "[routing]",
        "max_attempts = 1",
        "breaker_failures = 1000",
        "[telemetry]",
        "call_log = false",
        "[rules]",  # what they mend is told in their own tests
        *(f"{name} = false" for name in NAMES),
    ]
    for name, row in upstreams.items():
        given = {"name": name, "api_key": UPSTREAM_KEY} | {k: row[k] for k in row if k != "base"}
        given["base_url"] = f"http://127.0.0.1:{port}{row['base']}"
        lines.append("[[upstreams]]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in given.items()]
    with process(home, "\n".join(lines)) as gateway:
        yield gateway, upstream
    await upstream.stop()


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


def check(file: str, chunking: str, verdicts: list[Verdict], known: Mapping[str, str]) -> None:
    """Fail for every difference that is not known, and if there was nothing to differ."""
    assert verdicts, f"{file} holds nothing for {chunking}"
    wrong = {v.exchange.id: v.wrong for v in verdicts if v.wrong}
    unknown = {key: why for key, why in wrong.items() if key not in known}
    told = "\n".join(f"  {key}: {why}" for key, why in unknown.items())
    assert not unknown, f"{table(file, chunking, verdicts)}\n{told}"


def check_ledger(wrong: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Fail for every entry that is not as it should be, of exchanges that are not known to differ."""
    told = {call: why for call, why in wrong.items() if call.partition("/")[0] not in known}
    assert not told, f"{len(told)}:\n" + "\n".join(f"  {call}: {why}" for call, why in told.items())
