"""What an ended attempt leaves behind, exactly once: entry, health, metrics, log line."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kilo_gateway.core.call import Call
from kilo_gateway.core.clock import Clock
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import Attribution, Entry, Opening, sealed
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.ledger.pricing import cost
from kilo_gateway.relay.attempt import Attempt
from kilo_gateway.relay.marks import Marks
from kilo_gateway.router.affinity import Affinity
from kilo_gateway.router.health import Health
from kilo_gateway.telemetry.log import AttemptLine, Log
from kilo_gateway.telemetry.metrics import Metrics

BYTES_PER_TOKEN = 4
_KEPT = 1024
# The upstream may have worked, and charged, although no whole answer arrived.
_MAY_HAVE_COST = frozenset(
    {
        Kind.UPSTREAM_DISCONNECT,
        Kind.UPSTREAM_TIMEOUT,
        Kind.UPSTREAM_GARBAGE,
        Kind.CLIENT_DISCONNECT,
        Kind.DRAINING,
    }
)
# The attempt ended without telling anything of its deployment.
_SAYS_NOTHING = frozenset({Kind.CLIENT_DISCONNECT, Kind.DRAINING})
# Finish reasons that mean the answer is not what was asked for (gateway.md 10.4).
_BAD_ENDS = frozenset(
    {
        "length",
        "max_tokens",
        "content_filter",
        "content-filter",
        "error",
        "network_error",
        "failed",
        "model_context_window_exceeded",
        "engine_overloaded",
        "refusal",
        "incomplete",
        "in_progress",
    }
)


@dataclass(slots=True, kw_only=True)
class Books:
    """Opens and settles attempts: the one place where the ledger, health, metrics and the call log meet.

    What ends is written up in batches: `later` is asked to call `write_up` in a moment (milliseconds), and without it
    every attempt is written up at once. Many in a row cost a third of what each costs between two other calls.
    """

    journal: Journal
    health: Health
    metrics: Metrics
    log: Log
    clock: Clock
    new_id: Callable[[], str]
    logs_calls: bool = True
    marks: Marks = field(default_factory=Marks)
    affinity: Affinity = field(default_factory=Affinity)
    later: Callable[[Callable[[], None]], object] | None = None
    _ended: list[tuple[Call, Attempt]] = field(default_factory=list)
    _attributions: dict[tuple[object, ...], bytes] = field(default_factory=dict)

    def open(self, call: Call, grant: Grant, number: int, deployment: Deployment) -> Attempt:
        """Begin an attempt: it is in the journal before anything is sent. Raises Fault store_unavailable."""
        if number == 1:
            ident, opened_at = call.entry_id or self.new_id(), call.received_at
        else:
            ident, opened_at = self.new_id(), self.clock.wall()
        hints = call.hints
        opening = Opening(
            ident,
            call.id,
            number,
            opened_at,
            call.body_bytes // BYTES_PER_TOKEN,
            hints.session,
            hints.message,
            self._attribution(call, grant, deployment),
        )
        self.journal.open(opening)
        started = self.clock.monotonic()
        self.health.started(deployment.id, started)
        return Attempt(opening, deployment, started, number)

    def _attribution(self, call: Call, grant: Grant, deployment: Deployment) -> bytes:
        """Who asks for what: mostly the same as with the call before, and then known."""
        kind = (
            grant.key_id,
            grant.owner,
            call.model,
            deployment.model,
            deployment.id,
            call.dialect,
            call.operation,
            call.stream,
            call.hints,
        )
        seal = self._attributions.get(kind)
        if seal is None:
            seal = sealed(_attribution(call, grant, deployment))
            if len(self._attributions) >= _KEPT:
                self._attributions.clear()
            self._attributions[kind] = seal
        return seal

    def settle(self, call: Call, attempt: Attempt) -> None:
        """End an attempt: what routing must know is known at once, the rest is written up in a moment."""
        attempt.ended = self.clock.monotonic()
        if attempt.fault is None:
            first_byte = attempt.first_byte
            first_byte_s = 0.0 if first_byte is None else first_byte - attempt.started
            self.health.succeeded(attempt.deployment.id, first_byte_s)
            if attempt.streamed_tokens is not None and first_byte is not None:
                # A whole answer comes at once: only streams tell how fast a model speaks.
                tokens = attempt.usage.output_tokens or attempt.streamed_tokens
                self.health.spoke(attempt.deployment.id, tokens, attempt.ended - first_byte)
            if call.conversation:
                self._remember(call, attempt)
        else:
            self._tell_failure(attempt.deployment, attempt.fault, attempt.ended)
        ended = self._ended
        ended.append((call, attempt))
        if self.later is None:
            self.write_up()
        elif len(ended) == 1:
            self.later(self.write_up)

    def write_up(self) -> None:
        """Bring what has ended into the journal, the metrics and the log. One that fails does not keep the others."""
        ended, self._ended = self._ended, []
        written: list[tuple[Call, Attempt, Entry]] = []
        for call, attempt in ended:
            try:
                entry = _entry(call, attempt)
                self.journal.close(entry)
            except Exception as error:  # noqa: BLE001 - each entry stands for itself; the log tells of the lost one
                self.log.write("error", "attempt not written up", call=call.id, detail=repr(error))
            else:
                written.append((call, attempt, entry))
        # One loop for each: a short loop over many is cheaper than a long one.
        self._count(written)
        if self.logs_calls and written:
            self.log.write_attempts([_line(*one) for one in written])

    def _remember(self, call: Call, attempt: Attempt) -> None:
        """The conversation's prompt is in that deployment's cache now."""
        usage = attempt.usage
        self.affinity.answered(
            call.conversation,
            attempt.deployment.id,
            usage.input_tokens or call.body_bytes // BYTES_PER_TOKEN,
            attempt.ended,
            was_read=bool(usage.cache_read_tokens),
        )

    def _tell_failure(self, deployment: Deployment, fault: Fault, ended: float) -> None:
        if fault.kind in _SAYS_NOTHING:
            self.health.abandoned(deployment.id)
        elif self.health.failed(deployment.id, fault, ended):
            self.metrics.breaker_openings[deployment.id] += 1
            self.log.write(
                "warning",
                "breaker opened",
                deployment=deployment.id,
                kind=fault.kind.value,
                detail=fault.detail or fault.message,
            )

    def _count(self, written: list[tuple[Call, Attempt, Entry]]) -> None:
        metrics = self.metrics
        metrics.overhead.observe(
            *[one.started - call.arrived for call, one, _ in written if one.number == 1]
        )
        kinds: dict[tuple[str, str, str], list[tuple[Attempt, Entry]]] = {}
        for call, attempt, entry in written:
            deployment = attempt.deployment
            kind: tuple[str, str, str]
            kind = (call.operation, deployment.model, deployment.upstream)
            alike = kinds.get(kind)
            if alike is None:
                alike = kinds[kind] = []
            alike.append((attempt, entry))
        for kind, alike in kinds.items():
            series = metrics.attempt(*kind)
            series.outcomes.update([entry.outcome for _, entry in alike])
            series.duration.observe(*[attempt.ended - attempt.started for attempt, _ in alike])
            series.first_byte.observe(
                *[
                    attempt.first_byte - attempt.started
                    for attempt, _ in alike
                    if attempt.first_byte is not None
                ]
            )
            series.use([entry.usage for _, entry in alike])
            series.spend([entry.cost_nanodollars for _, entry in alike])


def _line(call: Call, attempt: Attempt, entry: Entry) -> AttemptLine:
    fault, usage, spent = attempt.fault, entry.usage, entry.cost_nanodollars
    return AttemptLine(
        call.id,
        entry.opening.about.key_id,
        call.operation,
        call.model,
        attempt.deployment.id,
        attempt.number,
        entry.outcome,
        entry.duration_ms,
        attempt.status,
        entry.first_byte_ms,
        usage.input_tokens,
        usage.output_tokens,
        None if spent is None else usd_text(spent),
        None if fault is None else fault.detail or None,
    )


def _usage(call: Call, attempt: Attempt) -> Usage:
    """What a failed attempt used: as told; else, where it may have cost money, an estimate that says so."""
    fault, told = attempt.fault, attempt.usage
    if fault is None or told.is_known or not attempt.is_sent:
        return told
    if fault.kind not in _MAY_HAVE_COST and not attempt.streamed_tokens:
        return told
    return Usage(
        input_tokens=call.body_bytes // BYTES_PER_TOKEN,
        output_tokens=attempt.streamed_tokens or 0,
        source="estimated",
    )


def _entry(call: Call, attempt: Attempt) -> Entry:
    fault, price = attempt.fault, attempt.deployment.price
    usage = attempt.usage if fault is None else _usage(call, attempt)
    spent = attempt.cost_nanodollars
    if spent is None:
        spent = 0 if call.operation == "count_tokens" else cost(usage, price)
    opening, first_byte = attempt.opening, attempt.first_byte
    took_s = attempt.ended - attempt.started
    if (
        spent is None
        and fault is not None
        and (fault.kind not in _MAY_HAVE_COST or not attempt.is_sent)
        and not usage.is_known
    ):
        spent = 0  # it was refused before any model worked on it
    return Entry(
        opening,
        opening.opened_at + took_s,
        "ok" if fault is None else fault.kind.value,
        attempt.status,
        usage,
        spent,
        price.source if price is not None else "",
        price.since if price is not None else "",
        None if first_byte is None else round((first_byte - attempt.started) * 1000),
        round(took_s * 1000),
        attempt.upstream_request_id,
        attempt.finish_reason,
        fault is not None or attempt.finish_reason in _BAD_ENDS,
    )


def _attribution(call: Call, grant: Grant, deployment: Deployment) -> Attribution:
    hints = call.hints
    return Attribution(
        grant.key_id,
        grant.owner,
        call.model,
        deployment.model,
        deployment.upstream,
        deployment.upstream_model,
        call.dialect,
        call.operation,
        call.stream,
        hints.feature,
        hints.mode,
        hints.project,
        hints.client_version,
        hints.editor,
        hints.machine,
    )
