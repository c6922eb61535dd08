"""Settings of routing: the order among deployments, further attempts, the circuit breaker."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PolicyName = Literal["priority", "weighted", "cheapest", "fastest", "least-busy"]


class RoutingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is asked first, when another attempt is made, and when an upstream is left alone."""

    policy: Annotated[
        PolicyName,
        Meta(
            description="Order among the deployments of one model: by priority number and weight, by "
            "weight alone, by expected cost, by speed, or by attempts under way."
        ),
    ] = "priority"
    max_attempts: Annotated[
        int, Meta(description="Most attempts for one call, the first one included.", ge=1, le=32)
    ] = 4
    retry_after_max_s: Annotated[
        float,
        Meta(
            description="Longest Retry-After of an upstream that a call waits for, in seconds.",
            ge=0,
            le=3600,
        ),
    ] = 20.0
    breaker_failures: Annotated[
        int,
        Meta(
            description="Failures in a row after which a deployment is left alone.", ge=1, le=1000
        ),
    ] = 5
    breaker_open_s: Annotated[
        float,
        Meta(
            description="How long a failing deployment is left alone, in seconds.", gt=0, le=86_400
        ),
    ] = 15.0
