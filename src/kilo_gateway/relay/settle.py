"""What an ended attempt leaves behind, exactly once: entry, health, metrics, log line."""

from collections.abc import Callable
from dataclasses import dataclass

from kilo_gateway.core.call import Call
from kilo_gateway.core.clock import Clock
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.ledger.entry import Entry, Opening
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.ledger.pricing import cost
from kilo_gateway.relay.attempt import Attempt
from kilo_gateway.router.health import Health
from kilo_gateway.telemetry.log import AttemptLine, Log
from kilo_gateway.telemetry.metrics import Metrics

_BYTES_PER_TOKEN = 4
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


class Outcome:
    """How an attempt ended: usage as told (or unknown) and its cost if that was worked out, finish reason, and the tokens that a cut stream let through."""

    __slots__ = (
        "cost_nanodollars",
        "finish_reason",
        "streamed_tokens",
        "upstream_request_id",
        "usage",
    )

    def __init__(
        self,
        usage: Usage = UNKNOWN_USAGE,
        finish_reason: str | None = None,
        streamed_tokens: int | None = None,
        upstream_request_id: str | None = None,
    ) -> None:
        self.usage = usage
        self.cost_nanodollars: int | None = None
        self.finish_reason = finish_reason
        self.streamed_tokens = streamed_tokens
        self.upstream_request_id = upstream_request_id


@dataclass(slots=True, kw_only=True)
class Books:
    """Opens and settles attempts: the one place where the ledger, health, metrics and the call log meet."""

    journal: Journal
    health: Health
    metrics: Metrics
    log: Log
    clock: Clock
    new_id: Callable[[], str]
    logs_calls: bool = True

    def open(self, call: Call, grant: Grant, number: int, deployment: Deployment) -> Attempt:
        """Begin an attempt: it is in the journal before anything is sent. Raises Fault store_unavailable."""
        opening = _opening(self.new_id(), call, grant, number, deployment, self.clock.wall())
        self.journal.open(opening)
        started = self.clock.monotonic()
        self.health.started(deployment.id, started)
        return Attempt(opening, deployment, started)

    def settle(self, call: Call, attempt: Attempt, outcome: Outcome) -> int | None:
        """End an attempt. Gives its cost in nanodollars, None while unknown."""
        attempt.ended = self.clock.monotonic()
        usage = self._usage(call, attempt, outcome)
        spent = outcome.cost_nanodollars
        if spent is None:
            spent = cost(usage, attempt.deployment.price)
        entry = self._entry(attempt, outcome, usage, spent)
        self.journal.close(entry)
        self._count(attempt, entry)
        if self.logs_calls:
            self._log_call(call, attempt, entry)
        return entry.cost_nanodollars

    def _usage(self, call: Call, attempt: Attempt, outcome: Outcome) -> Usage:
        """What was used: as told; else, where it may have cost money, an estimate that says so."""
        fault = attempt.fault
        if outcome.usage.is_known or fault is None or not attempt.is_sent:
            return outcome.usage
        if fault.kind not in _MAY_HAVE_COST and not outcome.streamed_tokens:
            return outcome.usage
        return Usage(
            input_tokens=call.body_bytes // _BYTES_PER_TOKEN,
            output_tokens=outcome.streamed_tokens or 0,
            source="estimated",
        )

    def _entry(self, attempt: Attempt, outcome: Outcome, usage: Usage, spent: int | None) -> Entry:
        fault, price = attempt.fault, attempt.deployment.price
        first_byte = attempt.first_byte
        ended = attempt.ended or attempt.started
        if (
            spent is None
            and fault is not None
            and (fault.kind not in _MAY_HAVE_COST or not attempt.is_sent)
            and not usage.is_known
        ):
            spent = 0  # it was refused before any model worked on it
        return Entry(
            opening=attempt.opening,
            closed_at=self.clock.wall(),
            outcome="ok" if fault is None else fault.kind.value,
            status=attempt.status,
            usage=usage,
            cost_nanodollars=spent,
            price_source=price.source if price is not None else "",
            price_since=price.since if price is not None else "",
            first_byte_ms=None
            if first_byte is None
            else round((first_byte - attempt.started) * 1000),
            duration_ms=round((ended - attempt.started) * 1000),
            upstream_request_id=outcome.upstream_request_id,
            finish_reason=outcome.finish_reason,
            has_error=fault is not None or outcome.finish_reason in _BAD_ENDS,
        )

    def _count(self, attempt: Attempt, entry: Entry) -> None:
        deployment, fault = attempt.deployment, attempt.fault
        opening = entry.opening
        series = self.metrics.attempt(opening.operation, deployment.model, deployment.upstream)
        series.outcomes[entry.outcome] += 1
        series.duration.observe((attempt.ended or attempt.started) - attempt.started)
        self.metrics.used(series, entry.usage, entry.cost_nanodollars)
        if attempt.first_byte is not None:
            first_byte_s = attempt.first_byte - attempt.started
            series.first_byte.observe(first_byte_s)
        else:
            first_byte_s = 0.0
        if fault is None:
            self.health.succeeded(deployment.id, first_byte_s)
        elif fault.kind in {Kind.CLIENT_DISCONNECT, Kind.DRAINING}:
            self.health.abandoned(deployment.id)
        elif self.health.failed(deployment.id, fault, attempt.ended or attempt.started):
            self.metrics.breaker_openings[deployment.id] += 1
            self.log.write(
                "warning",
                "breaker opened",
                deployment=deployment.id,
                kind=fault.kind.value,
                detail=fault.detail or fault.message,
            )

    def _log_call(self, call: Call, attempt: Attempt, entry: Entry) -> None:
        fault, usage = attempt.fault, entry.usage
        cost_usd = None if entry.cost_nanodollars is None else usd_text(entry.cost_nanodollars)
        line = AttemptLine(
            call.id,
            entry.opening.key_id,
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
            cost_usd,
            fault.detail or None if fault is not None else None,
        )
        self.log.write_attempt("info" if fault is None else "warning", line)


def _opening(
    ident: str, call: Call, grant: Grant, number: int, deployment: Deployment, opened_at: float
) -> Opening:
    hints = call.hints
    return Opening(
        id=ident,
        call_id=call.id,
        attempt=number,
        key_id=grant.key_id,
        owner=grant.owner,
        requested_model=call.model,
        model=deployment.model,
        upstream=deployment.upstream,
        upstream_model=deployment.upstream_model,
        dialect=call.dialect,
        operation=call.operation,
        is_streamed=call.stream,
        opened_at=opened_at,
        estimated_input_tokens=call.body_bytes // _BYTES_PER_TOKEN,
        feature=hints.feature,
        session=hints.session,
        mode=hints.mode,
        project=hints.project,
        client_version=hints.client_version,
        message=hints.message,
        editor=hints.editor,
        machine=hints.machine,
    )
