"""The order among eligible deployments. A policy is a function of values and dice."""

from collections.abc import Callable, Sequence

from kilo_gateway.core.deployment import Deployment

Dice = Callable[[], float]


def ordered(deployments: Sequence[Deployment], dice: Dice) -> tuple[Deployment, ...]:
    """By priority, lower first; those of equal priority in random order, the heavier ones earlier.

    A deployment of weight w comes first among its equals with probability w / sum of weights (Efraimidis and
    Spirakis, weighted sampling without replacement). Weight 0 comes last.
    """
    if len(deployments) < 2:
        return tuple(deployments)

    def rank(deployment: Deployment) -> tuple[int, float]:
        weight = deployment.weight
        return deployment.priority, -(dice() ** (1.0 / weight)) if weight > 0 else 1.0

    return tuple(sorted(deployments, key=rank))
