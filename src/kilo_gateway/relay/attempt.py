"""Attempt: one try at one deployment, with its times and outcome. Mutable while it runs; the relay owns it."""

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault
from kilo_gateway.ledger.entry import Opening


class Attempt:
    """`is_sent` once upstream may have got it: before that it cannot have cost anything. Times are monotonic seconds. `opening` is what the journal holds of it; `ended` is set by its settlement."""

    __slots__ = (
        "deployment",
        "ended",
        "fault",
        "first_byte",
        "is_sent",
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
        self.is_sent = False
        self.fault: Fault | None = None

    def sent(self) -> None:
        """The request is on its way."""
        self.is_sent = True
