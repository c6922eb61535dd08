"""Model names -> Plan: every deployment that may serve the call, in the order in which it will be tried."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Protocol

import msgspec

from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.plan import Plan, Rejection
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.router.affinity import Warm, stay
from kilo_gateway.router.cost import expected_cost
from kilo_gateway.router.eligibility import rejection
from kilo_gateway.router.health import Averages, Health
from kilo_gateway.router.policies import POLICIES, SORTS, USUAL_OUTPUT_TOKENS, Dice
from kilo_gateway.router.wishes import MEMBERS, in_wished_order, objection

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

    def is_ours(self, name: str) -> bool:
        """Whether a name of a provider is that of an upstream of ours, not of one that a router asks in turn."""
        ...

    def nearest(self, name: str) -> tuple[str, ...]:
        """Known names that look like an unknown one."""
        ...


class Asked(msgspec.Struct, frozen=True):
    """What a call asks of the planner: model names in the client's order, the operation, its dialect ("" = any), wishes about
    upstreams, about how many tokens it sends, and how many it accepts at most (None: as many as usual).
    """

    models: tuple[str, ...]
    operation: Operation
    dialect: str = ""
    wishes: Preferences | None = None
    input_tokens: int = 0
    most_output_tokens: int | None = None


class Circumstances(msgspec.Struct, frozen=True):
    """What holds at this moment: health, monotonic seconds, dice that give numbers in [0, 1), and where the conversation's
    prompt is in a cache, the latest first.
    """

    health: Health
    now: float
    dice: Dice
    warm: tuple[Warm, ...] = ()


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

    Models come in the client's order, the targets of an alias in the alias's, then the policy of each model; a conversation
    stays where it is warm; what the client wishes comes before all that. Deployments that are too small for the request, or that asked to be left
    alone for a while, come last.

    Raises Fault model_not_found, model_not_allowed, provider_not_allowed, api_kind_not_supported or upstream_overloaded (every
    deployment's breaker is open; retry_after tells when the first is asked again).
    """
    candidates: list[Deployment] = []
    rejected: list[Rejection] = []
    policy = ""
    for name in asked.models:
        if name.lower() in AUTO_MODELS:
            policy = "auto"
        for group in _groups(name, world):
            fit = _fit(group, asked, grant, world, at, rejected)
            for _, place in groupby(fit, key=lambda one: one.place):
                ordered, left = _ordered(tuple(place), asked, world, at)
                candidates.extend(ordered)
                rejected.extend(left)
    if not candidates:
        raise _no_route(asked, rejected, world, at)
    policy = policy or _policy_name(candidates[0], asked)
    return Plan(
        asked.models[0], _able_first(_distinct(candidates), asked, at), policy, tuple(rejected)
    )


def _fit(
    group: Sequence[Deployment],
    asked: Asked,
    grant: Grant,
    world: World,
    at: Circumstances,
    rejected: list[Rejection],
) -> list[Deployment]:
    """The eligible ones of a group; the others go to the rejected, each with its reason."""
    fit: list[Deployment] = []
    for deployment in group:
        broken = rejection(deployment, asked.operation, grant, at.health, at.now, asked.dialect)
        if broken is None and asked.wishes is not None:
            broken = objection(deployment, asked.wishes, world.is_ours, asked.operation)
        if broken is None:
            fit.append(deployment)
        else:
            rejected.append(broken)
    return fit


def _ordered(
    fit: tuple[Deployment, ...], asked: Asked, world: World, at: Circumstances
) -> tuple[tuple[Deployment, ...], tuple[Rejection, ...]]:
    """Eligible deployments of one target in the order of its policy, of its caches, and of the client's wishes."""
    known, wishes = _Known(asked, at), asked.wishes
    sort = wishes.sort if wishes is not None else ""
    ordered = fit
    if len(fit) > 1:
        policy = SORTS[sort] if sort else POLICIES[fit[0].policy]
        ordered = policy(fit, known, at.dice)
        if at.warm and sort not in {"latency", "throughput"}:
            ordered = stay(ordered, at.warm, known.cost)
    return (ordered, ()) if wishes is None else in_wished_order(ordered, wishes, world.is_ours)


def _policy_name(first: Deployment, asked: Asked) -> str:
    return (asked.wishes.sort if asked.wishes is not None else "") or first.policy


class _Known:
    """What policies may know of deployments at this moment, for one request. Fulfils `policies.Known`."""

    __slots__ = ("_asked", "_at")

    def __init__(self, asked: Asked, at: Circumstances) -> None:
        self._asked = asked
        self._at = at

    def cost(self, deployment: Deployment) -> int | None:
        """What the answer is expected to cost there."""
        asked, most = self._asked, self._asked.most_output_tokens
        output = USUAL_OUTPUT_TOKENS if most is None else min(most, USUAL_OUTPUT_TOKENS)
        warm = next((one for one in self._at.warm if one.deployment_id == deployment.id), None)
        tokens = 0 if warm is None else warm.tokens
        return expected_cost(deployment.price, asked.input_tokens, output, tokens)

    def averages(self, deployment: Deployment) -> Averages | None:
        """How it did lately."""
        return self._at.health.averages(deployment.id)

    def in_flight(self, deployment: Deployment) -> int:
        """Attempts that are under way there."""
        return self._at.health.in_flight(deployment.id)


def _groups(name: str, world: World) -> Sequence[tuple[Deployment, ...]]:
    if name.lower() in AUTO_MODELS:
        return world.auto_candidates()
    return (world.candidates(name),)


def _distinct(candidates: list[Deployment]) -> tuple[Deployment, ...]:
    if len(candidates) == 1:
        return (candidates[0],)
    return tuple({deployment.id: deployment for deployment in candidates}.values())


def _able_first(
    candidates: tuple[Deployment, ...], asked: Asked, at: Circumstances
) -> tuple[Deployment, ...]:
    """Deployments that are too small for the request come after the others, and so do those that asked to be left alone for
    a while; where all are so, they are asked all the same.
    """
    if len(candidates) == 1:
        return candidates

    def hope(deployment: Deployment) -> tuple[bool, bool]:
        window = deployment.limits.context
        is_too_small = window is not None and window < asked.input_tokens
        return is_too_small, at.health.is_rate_limited(deployment.id, at.now)

    return tuple(sorted(candidates, key=hope))


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
    wished = sorted({MEMBERS[code] for code in codes if code in MEMBERS})
    if wished:
        param = "provider." + wished[0] if len(wished) == 1 else "provider"
        members = ", ".join(f"provider.{member}" for member in wished)
        return Fault(
            Kind.PROVIDER_NOT_ALLOWED,
            f"No upstream of {name} is left by {members}: ask for less there, or leave it out.",
            param=param,
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
