"""`kilo-gateway explain`: which deployments would be tried for a model, in which order, and why not the others."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from kilo_gateway.cli.database import ask_store
from kilo_gateway.cli.explain_request import show_renditions
from kilo_gateway.cli.home import ConfigOption, home_path, loaded_settings
from kilo_gateway.cli.tables import (
    PROBLEM,
    JsonOption,
    count_text,
    dollars_text,
    fail,
    print_json,
    show_table,
)
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.plan import Plan, Rejection
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.preferences import read_preferences
from kilo_gateway.router.planner import Asked

if TYPE_CHECKING:
    from kilo_gateway.store.store import Store

POLICIES = {
    "priority": "lower priority number first; equals share by weight, at random",
    "weighted": "by weight, at random",
    "cheapest": "by what the request is expected to cost; unknown prices last",
    "fastest": "by the time that answers take; as long as none is known, by priority",
    "least-busy": "by attempts under way, in relation to the weight",
    "price": "the client wants the cheapest first",
    "latency": "the client wants the shortest time to the first byte first",
    "throughput": "the client wants the most tokens a second first",
    "auto": "by [auto] preference; within a group lower priority first, equals share by weight",
}


_EVERYTHING = Grant("", "")
# Prices are compared for a request of that size.
_USUAL_TOKENS = 2_000


class ShownCandidate(msgspec.Struct, frozen=True):
    """One deployment in the order of trying, as printed for programs. Prices are exact US dollars per million tokens."""

    number: int
    deployment: str
    model: str
    upstream: str
    priority: int
    weight: int
    context: int | None
    input_usd: str | None
    output_usd: str | None
    reason: str


class ShownPlan(msgspec.Struct, frozen=True):
    """The whole answer, as printed for programs."""

    model: str
    operation: str
    policy: str
    candidates: list[ShownCandidate]
    rejected: tuple[Rejection, ...]


def explain(
    model: Annotated[
        str, typer.Argument(help="What a client would ask for, such as kilo/auto.")
    ] = "",
    *,
    request: Annotated[
        Path | None,
        typer.Option(help="A request as JSON: show what it would become, and which rules mend it."),
    ] = None,
    dialect: Annotated[
        str, typer.Option(help="The request's dialect, such as anthropic_messages.")
    ] = "openai_chat",
    operation: Annotated[Operation, typer.Option(help="What it would ask it to do.")] = "chat",
    provider: Annotated[
        str,
        typer.Option(help="Wishes about upstreams, as a request's `provider` tells them: JSON."),
    ] = "",
    key: Annotated[
        str | None, typer.Option(help="Plan for this key (id or name) and its rights.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which deployments would be tried for a model, in order, and why not the others.

    With --request it shows what the request would become for each of them: the repair rules that change it, what the
    upstream's dialect has no place for, and the body that would be sent (with --json).

    With a configuration file this is the plan of `serve`; `up` adds the upstreams that it finds and runs itself.
    """
    from kilo_gateway.app import explain as plan_of  # noqa: PLC0415 - start time

    loaded = loaded_settings(config, os.environ)
    home = home_path(os.environ, loaded.settings.state.home)
    grant = _EVERYTHING if key is None else _grant(key, config)
    if request is not None:
        show_renditions(loaded, home, dialect, request, grant, as_json=as_json)
        return
    if not model:
        fail("name a model, or give a request with --request FILE", PROBLEM)
    try:
        asked = Asked((model,), operation, wishes=_wishes(provider), input_tokens=_USUAL_TOKENS)
        plan = asyncio.run(plan_of(loaded, os.environ, home, asked, grant))
    except Fault as fault:
        fail(fault.message, PROBLEM)
    if as_json:
        print_json(_shown(plan, operation))
    else:
        _show(_shown(plan, operation))


def _wishes(provider: str) -> Preferences | None:
    """What --provider wishes. Raises Fault for what is no JSON, or no such object."""
    return read_preferences(read_fields(b'{"provider":%b}' % (provider.encode() or b"null")))


def _grant(key: str, config: Path | None) -> Grant:
    async def read(store: "Store") -> Grant | None:
        rows = [row for row in await store.list_keys() if row.revoked_at is None]
        fitting = [row for row in rows if key in {row.id, row.name}]
        return fitting[0].grant if fitting else None

    grant = ask_store(config, read)
    if grant is None:
        fail(f'there is no key "{key}" in force: `kilo-gateway keys list` shows all', PROBLEM)
    return grant


def _shown(plan: Plan, operation: str) -> ShownPlan:
    candidates = []
    before: Deployment | None = None
    for number, item in enumerate(plan.candidates, 1):
        price = item.price
        candidates.append(
            ShownCandidate(
                number=number,
                deployment=item.id,
                model=item.model,
                upstream=item.upstream,
                priority=item.priority,
                weight=item.weight,
                context=item.limits.context,
                input_usd=dollars_text(price.input if price else None),
                output_usd=dollars_text(price.output if price else None),
                reason=_reason(item, before, plan.policy),
            )
        )
        before = item
    return ShownPlan(plan.model, operation, plan.policy, candidates, plan.rejected)


def _reason(item: Deployment, before: Deployment | None, policy: str) -> str:
    """Why it stands where it stands, in relation to the one tried before it."""
    if before is None:
        return "tried first"
    if item.model != before.model:
        return f"if {before.model} cannot answer"
    if item.place != before.place:
        return "a later target of the alias"
    if policy not in {"priority", "auto"}:
        return f"comes after {before.upstream} by the policy {policy}"
    if item.priority == before.priority:
        return f"same priority as {before.upstream}: chosen by weight"
    if item.priority > before.priority:
        return f"priority {item.priority} comes after {before.priority}"
    return f"comes after {before.upstream} by the client's wishes or its window"


def _show(plan: ShownPlan) -> None:
    typer.echo(f"{plan.model}, {plan.operation}: {POLICIES.get(plan.policy, plan.policy)}")
    if plan.candidates:
        numeric = ("#", "priority", "weight", "context", "input $/M", "output $/M")
        show_table(
            ("#", "deployment", "model", *numeric[1:], "reason"),
            [_row(candidate) for candidate in plan.candidates],
            numeric=numeric,
        )
    if plan.rejected:
        typer.echo("Not tried:")
        show_table(
            ("deployment", "code", "reason"),
            [(item.deployment_id, item.code, item.reason) for item in plan.rejected],
        )


def _row(candidate: ShownCandidate) -> tuple[str, ...]:
    return (
        str(candidate.number),
        candidate.deployment,
        candidate.model,
        str(candidate.priority),
        str(candidate.weight),
        count_text(candidate.context),
        candidate.input_usd or "unknown",
        candidate.output_usd or "unknown",
        candidate.reason,
    )
