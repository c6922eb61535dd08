"""View: what one call sees of the configuration, from its start to its end."""

import msgspec

from kilo_gateway.relay.mending import NO_MENDING, Mending
from kilo_gateway.router.planner import World
from kilo_gateway.upstreams.upstream import Upstreams


class Terms(msgspec.Struct, frozen=True):
    """Limits under which calls run.

    `max_attempts` per call; `retry_after_max_s` is the longest wait that an upstream may ask for; `max_reply_bytes` of a
    whole answer; `cost_in_body`: whether `usage.cost` is added; `comment_interval_s` of silence before a keep-alive
    comment (0 = never).
    """

    max_attempts: int = 4
    retry_after_max_s: float = 20.0
    max_reply_bytes: int = 64 * 1024 * 1024
    cost_in_body: bool = True
    comment_interval_s: float = 15.0


class View(msgspec.Struct, frozen=True):
    """The names that route, the upstreams behind them, the terms, and the repair rules in force."""

    names: World
    upstreams: Upstreams
    terms: Terms
    mending: Mending = NO_MENDING
