"""Attempt: one try at one deployment, with its times and outcome. Mutable while it runs; the relay owns it."""

import msgspec

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.ledger.entry import Opening


class Attempt(msgspec.Struct, eq=False):
    """One try. `opening` is what the journal holds of it.

    `is_sent` once upstream may have got it: before that it cannot have cost anything. `started`, `first_byte` and
    `ended` are monotonic seconds; the last is set by its settlement and 0 before.
    `usage` is what upstream told, `cost_nanodollars` its price if that was worked out on the way, `streamed_tokens`
    a guess of what a cut stream let through. `dropped` names what its dialect has no place for, `mended` the repair
    rules that changed its request.
    """

    opening: Opening
    deployment: Deployment
    started: float
    number: int = 1
    first_byte: float | None = None
    ended: float = 0.0
    status: int | None = None
    is_sent: bool = False
    fault: Fault | None = None
    usage: Usage = UNKNOWN_USAGE
    cost_nanodollars: int | None = None
    finish_reason: str | None = None
    streamed_tokens: int | None = None
    upstream_request_id: str | None = None
    dropped: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()

    def sent(self) -> None:
        """The request is on its way."""
        self.is_sent = True
