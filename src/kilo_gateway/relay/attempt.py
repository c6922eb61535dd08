"""Attempt: one try at one deployment, with its times and outcome. Mutable while it runs; the relay owns it."""

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault
from kilo_gateway.ledger.entry import Opening


class Attempt:
    """Times are monotonic seconds. `opening` is what the journal holds of it; `ended` is set by its settlement."""

    __slots__ = (
        "deployment",
        "ended",
        "fault",
        "first_byte",
        "number",
        "opening",
        "started",
        "status",
    )

    def __init__(self, opening: Opening, deployment: Deployment, started: float) -> None:
        self.opening = opening
        self.number = opening.attempt
        self.deployment = deployment
        self.started = started
        self.first_byte: float | None = None
        self.ended: float | None = None
        self.status: int | None = None
        self.fault: Fault | None = None
