"""Upstreams as they are now: opened, discovered, kept over a reload."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from kilo_gateway.app.home import CachedList
from kilo_gateway.app.signers import signer_of
from kilo_gateway.catalog.facts import load_facts
from kilo_gateway.catalog.source import Listed, Source
from kilo_gateway.config.compile import CUSTOM, UpstreamPlan
from kilo_gateway.core.clock import Clock
from kilo_gateway.core.fault import Fault
from kilo_gateway.telemetry.log import Log
from kilo_gateway.upstreams.dialer import Dialer
from kilo_gateway.upstreams.discovery import discover
from kilo_gateway.upstreams.outbox import Outbox
from kilo_gateway.upstreams.pool import Pool
from kilo_gateway.upstreams.signing import Renewable
from kilo_gateway.upstreams.upstream import Account, Gate, Upstream

LIST_TIMEOUT_S = 10.0
_LISTS_AT_ONCE = 8


def open_upstream(
    plan: UpstreamPlan,
    dialer: Dialer,
    clock: Clock,
    outbox: Outbox | None = None,
    gate: Gate | None = None,
) -> Upstream:
    """An upstream ready to be asked; nothing is connected yet.

    Raises ValueError for what cannot be used: a credential that no header carries, a proxy of the wrong kind, a library that
    is not installed.
    """
    pool = Pool(
        plan.target,
        dialer=dialer,
        clock=clock,
        timeouts=plan.timeouts,
        max_connections=plan.max_connections,
        outbox=outbox,
    )
    secrets = (plan.aws.secret_key, plan.aws.session_token) if plan.aws is not None else ()
    account = Account(plan.name, plan.profile, plan.key, plan.headers, signer_of(plan), secrets)
    return Upstream(account, pool, gate)


async def list_models(upstream: Upstream, clock: Clock) -> tuple[Listed, ...]:
    """The models that an upstream lists now. Raises Fault."""
    deadline = clock.monotonic() + LIST_TIMEOUT_S
    return await discover(lambda: upstream.list_models(deadline))


class Member(msgspec.Struct):
    """One upstream of the fleet. `listed` is None until a list came; the last good one is kept."""

    plan: UpstreamPlan
    upstream: Upstream
    listed: tuple[Listed, ...] | None = None
    problem: str = ""

    @property
    def asks_for_models(self) -> bool:
        """Whether its models are discovered rather than named by the settings or known."""
        return self.plan.models is None and "no_models_list" not in self.plan.profile.quirks

    def source(self) -> Source:
        """What the catalog learns from it."""
        plan, profile = self.plan, self.plan.profile
        listed = self.listed
        if plan.models is not None:
            # What a server of one's own can do with a model, its operator knows and a name does not tell.
            knows = profile.name == CUSTOM or "built_in" in profile.quirks
            can = profile.operations if knows else None
            listed = tuple(Listed(id=name, operations=can) for name in plan.models)
        elif "no_models_list" in profile.quirks:
            listed = load_facts().models_of(profile.name)
        return Source(
            upstream=plan.name,
            listed=listed or (),
            dialect=profile.dialect,
            prefix=plan.prefix,
            strip=profile.id_strip,
            ids_have_vendor="ids_have_vendor" in profile.quirks,
            operations=profile.operations,
            also=tuple(profile.also.items()),
            only=tuple(profile.only.items()),
            vendor=profile.name,
            price_provider=profile.price_provider,
            is_self_hosted="free" in profile.quirks,
            is_free="free" in profile.quirks,
            priority=plan.priority,
            weight=plan.weight,
            site=plan.site,
        )


class Fleet:
    """All upstreams. Changed by one task at a time; `upstreams` is replaced whole, so that calls keep theirs."""

    def __init__(
        self,
        dialer: Dialer,
        clock: Clock,
        log: Log,
        cached: Mapping[str, CachedList],
        gates: Mapping[str, Gate] | None = None,
    ) -> None:
        self._dialer = dialer
        self._clock = clock
        self._log = log
        self._cached = dict(cached)
        self._gates = gates or {}
        self.outbox = Outbox()
        self._left_out: dict[str, str] = {}
        self._unsigned: dict[str, str] = {}
        self.members: dict[str, Member] = {}
        self.upstreams: Mapping[str, Upstream] = MappingProxyType({})

    def set(self, plans: Iterable[UpstreamPlan]) -> list[Upstream]:
        """Make the fleet what the plans say. An unchanged upstream keeps its connections; gives those that left.

        An upstream that cannot be used is left out and told in the log: it must not take the others with it.
        """
        before, now = self.members, dict[str, Member]()
        left_out: dict[str, str] = {}
        for plan in plans:
            if plan.name in now:
                continue
            old = before.get(plan.name)
            try:
                now[plan.name] = (
                    old if old is not None and old.plan == plan else self._open(plan, old)
                )
            except ValueError as error:
                left_out[plan.name] = str(error)
        self._tell(left_out)
        kept = {id(member.upstream) for member in now.values()}
        self.members = now
        self.upstreams = MappingProxyType({name: member.upstream for name, member in now.items()})
        return [member.upstream for member in before.values() if id(member.upstream) not in kept]

    def _tell(self, left_out: dict[str, str]) -> None:
        """Say once which upstreams are not served, and why."""
        for name, problem in left_out.items():
            if self._left_out.get(name) != problem:
                self._log.write("error", "upstream left out", upstream=name, problem=problem)
        self._left_out = left_out

    def _open(self, plan: UpstreamPlan, old: Member | None) -> Member:
        cached = self._cached.get(plan.name)
        listed = cached.listed if cached is not None and cached.origin == _origin(plan) else None
        if listed is None and old is not None and old.plan.target == plan.target:
            listed = old.listed
        return Member(plan, self._ready(plan), listed)

    def _ready(self, plan: UpstreamPlan) -> Upstream:
        gate = self._gates.get(plan.name) if plan.origin == "built-in" else None
        return open_upstream(plan, self._dialer, self._clock, self.outbox, gate)

    async def refresh(self, names: Iterable[str] | None = None) -> bool:
        """Ask upstreams for their models, several at a time; gives whether anything changed. Never raises Fault."""
        members = [
            member
            for name, member in self.members.items()
            if member.asks_for_models and (names is None or name in names)
        ]
        gate = asyncio.Semaphore(_LISTS_AT_ONCE)

        async def ask(member: Member) -> bool:
            async with gate:
                return await self._ask(member)

        return any(await asyncio.gather(*(ask(member) for member in members)))

    async def _ask(self, member: Member) -> bool:
        try:
            listed = await list_models(member.upstream, self._clock)
        except Fault as fault:
            if member.problem != fault.message:
                member.problem = fault.message
                kept = "none yet" if member.listed is None else f"the last {len(member.listed)}"
                self._log.write(
                    "warning",
                    "models not listed",
                    upstream=member.plan.name,
                    problem=fault.message,
                    detail=fault.detail or None,
                    kept=kept,
                )
            return False
        member.problem = ""
        changed = listed != member.listed
        member.listed = listed
        return changed

    async def renew_tokens(self) -> None:
        """Fetch what signers need and is about to end, off the path of calls. What fails is told once."""
        due = [(member, signer) for member, signer in self._renewable() if signer.is_due()]
        await asyncio.gather(*(self._renew(member, signer) for member, signer in due))

    def _renewable(self) -> Iterator[tuple[Member, Renewable]]:
        for member in self.members.values():
            signer: object = member.upstream.account.signer
            if isinstance(signer, Renewable):
                yield member, signer

    async def _renew(self, member: Member, signer: Renewable) -> None:
        name, problem = member.plan.name, ""
        try:
            await asyncio.to_thread(signer.renew)
        except (OSError, ValueError) as error:
            problem = str(error)
        if problem and self._unsigned.get(name) != problem:
            self._log.write("error", "no credential", upstream=name, problem=problem)
        self._unsigned[name] = problem

    def cache(self) -> bytes:
        """The lists, for the next start."""
        lists = {
            name: CachedList(_origin(member.plan), member.listed)
            for name, member in self.members.items()
            if member.asks_for_models
            and member.listed is not None
            and member.plan.origin != "built-in"
        }
        return msgspec.msgpack.encode(lists)

    def connections(self) -> dict[str, float]:
        """Connections by upstream and state, for the metrics."""
        numbers: dict[str, float] = {}
        for name, upstream in self.upstreams.items():
            numbers[f"{name} open"] = upstream.pool.open_count
            numbers[f"{name} idle"] = upstream.pool.idle_count
            numbers[f"{name} waiting"] = upstream.pool.waiting_count
        return numbers


def _origin(plan: UpstreamPlan) -> str:
    return f"{plan.target.origin}{plan.target.path}"
