"""Hard constraints: why a deployment may not serve a call, each with a code and a sentence."""

from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.plan import Rejection
from kilo_gateway.router.health import Health

_TRANSLATED: frozenset[Operation] = frozenset({"chat", "embeddings"})


def rejection(
    deployment: Deployment,
    operation: Operation,
    grant: Grant,
    health: Health,
    now: float,
    dialect: str = "",
) -> Rejection | None:
    """The first constraint that the deployment breaks, or None. `now` is monotonic seconds, `dialect` the client's
    ("" = any will do). Only chat and embeddings are translated.
    """
    if operation not in deployment.operations:
        return Rejection(
            deployment.id,
            "operation",
            f"does not serve {operation}, only {', '.join(deployment.operations)}",
        )
    if (
        operation not in _TRANSLATED
        and dialect
        and deployment.spoken(dialect, operation) != dialect
    ):
        return Rejection(deployment.id, "operation", f"does not serve {operation} in {dialect}")
    if grant.models and not grant.may_use(deployment.model.lower()):
        return Rejection(deployment.id, "not_allowed", "the key may not use this model")
    until = health.closed_until(deployment.id, now)
    if until is not None:
        return Rejection(
            deployment.id,
            "breaker_open",
            f"failed lately; is asked again in {max(0.0, until - now):.1f} s",
        )
    return None
