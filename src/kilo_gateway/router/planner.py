"""Model names -> Plan: every deployment that may serve the call, in the order in which it will be tried."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.plan import Plan, Rejection
from kilo_gateway.router.eligibility import rejection
from kilo_gateway.router.health import Health
from kilo_gateway.router.policies import Dice, ordered

# One preference serves all of them so far; the names are those that clients of the public gateway ask for.
AUTO_MODELS = frozenset(
    {
        "auto",
        "kilo/auto",
        "kilo-auto/frontier",
        "kilo-auto/balanced",
        "kilo-auto/efficient",
        "kilo-auto/free",
        "kilo-auto/small",
    }
)


class World(Protocol):
    """What the planner must know of the catalog; `catalog.Snapshot` fulfils it."""

    def candidates(self, name: str) -> tuple[Deployment, ...]:
        """Every deployment that a name stands for; empty if the name is unknown."""
        ...

    def auto_candidates(self) -> tuple[tuple[Deployment, ...], ...]:
        """The deployments of `kilo/auto`, group after group, the preferred first and the last resort last."""
        ...

    def nearest(self, name: str) -> tuple[str, ...]:
        """Known names that look like an unknown one."""
        ...


class Asked(msgspec.Struct, frozen=True):
    """What a call asks of the planner: model names in the client's order, the operation, and its dialect ("" = any)."""

    models: tuple[str, ...]
    operation: Operation
    dialect: str = ""


class Circumstances(msgspec.Struct, frozen=True):
    """What holds at this moment: health, monotonic seconds, and dice that give numbers in [0, 1)."""

    health: Health
    now: float
    dice: Dice


def sole(  # noqa: PLR0913 - what a plan is made of, without the objects that hold it
    name: str,
    operation: Operation,
    grant: Grant,
    world: World,
    health: Health,
    now: float,
    dialect: str = "",
) -> tuple[Deployment, ...] | None:
    """The candidates of a name that has one, if nothing speaks against it: most calls, and nothing to weigh.

    None means: ask `plan`, which would give the same.
    """
    only = world.candidates(name)
    if len(only) != 1 or rejection(only[0], operation, grant, health, now, dialect) is not None:
        return None
    return only


def plan(asked: Asked, grant: Grant, world: World, at: Circumstances) -> Plan:
    """The plan of a call. Same inputs and dice give the same plan.

    Raises Fault model_not_found, model_not_allowed, api_kind_not_supported or upstream_overloaded (every deployment's
    breaker is open; retry_after tells when the first is asked again).
    """
    candidates: list[Deployment] = []
    rejected: list[Rejection] = []
    policy = "ordered"
    for name in asked.models:
        if name.lower() in AUTO_MODELS:
            policy = "auto"
        for group in _groups(name, world):
            fit: list[Deployment] = []
            for deployment in group:
                broken = rejection(
                    deployment, asked.operation, grant, at.health, at.now, asked.dialect
                )
                if broken is None:
                    fit.append(deployment)
                else:
                    rejected.append(broken)
            candidates.extend(ordered(fit, at.dice))
    if not candidates:
        raise _no_route(asked, rejected, world, at)
    return Plan(asked.models[0], _willing_first(_distinct(candidates), at), policy, tuple(rejected))


def _groups(name: str, world: World) -> Sequence[tuple[Deployment, ...]]:
    if name.lower() in AUTO_MODELS:
        return world.auto_candidates()
    return (world.candidates(name),)


def _distinct(candidates: list[Deployment]) -> tuple[Deployment, ...]:
    if len(candidates) == 1:
        return (candidates[0],)
    return tuple({deployment.id: deployment for deployment in candidates}.values())


def _willing_first(candidates: tuple[Deployment, ...], at: Circumstances) -> tuple[Deployment, ...]:
    """Deployments that asked to be left alone for a while come after the others; alone, they are asked all the same."""
    if len(candidates) == 1:
        return candidates
    return tuple(sorted(candidates, key=lambda one: at.health.is_rate_limited(one.id, at.now)))


def _no_route(asked: Asked, rejected: list[Rejection], world: World, at: Circumstances) -> Fault:
    name = asked.models[0]
    codes = {broken.code for broken in rejected}
    if "breaker_open" in codes:
        waits = _waits(rejected, at)
        return Fault(
            Kind.UPSTREAM_OVERLOADED,
            f"Every upstream of {name} failed lately and is left alone for a moment: try again shortly.",
            retry_after=max(1.0, min(waits, default=1.0)),
        )
    if "not_allowed" in codes:
        return Fault(
            Kind.MODEL_NOT_ALLOWED,
            f"This API key may not use the model {name}. GET /v1/models with this key lists those it may use.",
            param="model",
        )
    if "operation" in codes:
        is_fim = asked.operation == "fim"
        return Fault(
            Kind.UNSUPPORTED_FIM_MODEL if is_fim else Kind.API_KIND_NOT_SUPPORTED,
            f"The model {name} does not serve {asked.operation}.",
            param="model",
        )
    return Fault(Kind.MODEL_NOT_FOUND, _unknown(name, world), param="model")


def _waits(rejected: list[Rejection], at: Circumstances) -> Iterator[float]:
    for broken in rejected:
        if broken.code != "breaker_open":
            continue
        until = at.health.closed_until(broken.deployment_id, at.now)
        if until is not None:
            yield until - at.now


def _unknown(name: str, world: World) -> str:
    if name.lower() in AUTO_MODELS:
        return (
            "No upstream serves kilo/auto yet: set a vendor's key (such as OPENAI_API_KEY) and restart, add an "
            "[[upstreams]] table, or let `kilo-gateway up` run the built-in model."
        )
    near = world.nearest(name)
    shown = name if len(name) <= 200 else name[:200] + "…"
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"There is no model {shown!r} here.{hint} GET /v1/models lists all models."
