"""Plan: the deployments to try for one call, in order, and why."""

import msgspec

from kilo_gateway.core.deployment import Deployment


class Rejection(msgspec.Struct, frozen=True):
    """A deployment that was not taken, and the reason as a code and as a sentence."""

    deployment_id: str
    code: str
    reason: str


class Plan(msgspec.Struct, frozen=True):
    """Ordered candidates, never empty (an empty one is a Fault instead). Same inputs and dice give the same plan."""

    model: str
    candidates: tuple[Deployment, ...]
    policy: str
    rejected: tuple[Rejection, ...] = ()
