"""View: what one call sees of the configuration, from its start to its end."""

import msgspec

from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.dialects.detailed import DETAILED, SPOKEN
from kilo_gateway.dialects.embeddings.passage import embedding_passage, form_of
from kilo_gateway.dialects.rules.rule import Rules
from kilo_gateway.dialects.translate import Passage, passage
from kilo_gateway.relay.mending import NO_MENDING, Mending
from kilo_gateway.router.planner import World
from kilo_gateway.upstreams.upstream import Upstream, Upstreams

_KEPT = 10_000


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


class Approach(msgspec.Struct, frozen=True):
    """How calls of one dialect and operation are made at a deployment: by which upstream, spoken how, after which rules."""

    upstream: Upstream
    spoken: str
    passage: Passage
    rules: Rules | None


class View(msgspec.Struct, frozen=True):
    """The names that route, the upstreams behind them, the terms, and the repair rules in force.

    What follows from these alone is worked out once and kept in `approaches`.
    """

    names: World
    upstreams: Upstreams
    terms: Terms
    mending: Mending = NO_MENDING
    approaches: dict[tuple[str, str, str], Approach] = {}

    def approach(self, dialect: str, operation: Operation, deployment: Deployment) -> Approach:
        """How a client's call of that dialect and operation is made at the deployment."""
        key = (deployment.id, dialect, operation)
        approach = self.approaches.get(key)
        if approach is None:
            approach = self._approach(dialect, operation, deployment)
            if len(self.approaches) < _KEPT:
                self.approaches[key] = approach
        return approach

    def _approach(self, dialect: str, operation: Operation, deployment: Deployment) -> Approach:
        upstream = self.upstreams[deployment.upstream]
        spoken = deployment.spoken(dialect, operation) or deployment.dialect
        rules: Rules | None = None
        if operation == "chat":
            rules = self.mending.rules_of(dialect, deployment, upstream.quirks)
            if self.mending.tells_details and dialect == spoken == SPOKEN:
                return Approach(upstream, spoken, DETAILED, rules)
        return Approach(upstream, spoken, _passage(dialect, spoken, operation, upstream), rules)


def _passage(dialect: str, spoken: str, operation: Operation, upstream: Upstream) -> Passage:
    if operation != "embeddings":
        return passage(dialect, spoken)
    row = upstream.account.profile
    return embedding_passage(dialect, spoken, form_of(spoken, row.embeddings), row.most_inputs)
