"""Affinity: a conversation stays at the deployment that answered it last while its prompt is in that one's cache.

Staying is priced: another deployment is better only if it costs less with a cold cache. What is forgotten costs a cache read,
nothing else, so the table is bounded and in memory. Times are monotonic seconds, passed in.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from kilo_gateway.core.deployment import Deployment

WARM_S: Final = 300.0
MOST_CONVERSATIONS: Final = 20_000
MOST_DEPLOYMENTS: Final = 4


class Warm(msgspec.Struct, frozen=True):
    """A prompt in a deployment's cache: so many tokens, sent at that time; `was_read`: the answer told of a cache hit."""

    deployment_id: str
    tokens: int
    at: float
    was_read: bool = False


class Affinity:
    """Which deployments answered which conversations. Not for several threads: one event loop uses it."""

    __slots__ = ("_conversations", "_most")

    def __init__(self, most: int = MOST_CONVERSATIONS) -> None:
        self._most = most
        self._conversations: OrderedDict[str, tuple[Warm, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._conversations)

    def warm(self, conversation: str, now: float) -> tuple[Warm, ...]:
        """Where a conversation's prompt is still in a cache, the latest first."""
        known = self._conversations.get(conversation, ())
        return tuple(warm for warm in known if now - warm.at <= WARM_S)

    def answered(
        self,
        conversation: str,
        deployment_id: str,
        tokens: int,
        now: float,
        *,
        was_read: bool = False,
    ) -> None:
        """A deployment answered: it has that prompt in its cache now."""
        before = self._conversations.get(conversation, ())
        others = [warm for warm in before if warm.deployment_id != deployment_id]
        warm = Warm(deployment_id, tokens, now, was_read)
        self._conversations[conversation] = (warm, *others[: MOST_DEPLOYMENTS - 1])
        self._conversations.move_to_end(conversation)
        if len(self._conversations) > self._most:
            self._conversations.popitem(last=False)


def stay(
    candidates: Sequence[Deployment],
    warm: Sequence[Warm],
    cost: Callable[[Deployment], int | None],
) -> tuple[Deployment, ...]:
    """The candidates with the one first that answered last, unless the first one of them costs less all the same; where prices
    are not known, unless its priority is better.

    `warm` is the latest first. A candidate that is ill is none, so nobody stays there.
    """
    known = {candidate.id: candidate for candidate in candidates}
    last = next((one for one in warm if one.deployment_id in known), None)
    if last is None:
        return tuple(candidates)
    here = known[last.deployment_id]
    if here is candidates[0] or not _caches(here, last):
        return tuple(candidates)
    there_costs, here_costs = cost(candidates[0]), cost(here)
    if there_costs is None or here_costs is None:
        is_better = candidates[0].priority < here.priority
    else:
        is_better = there_costs < here_costs
    if is_better:
        return tuple(candidates)
    return (here, *(candidate for candidate in candidates if candidate is not here))


def _caches(deployment: Deployment, warm: Warm) -> bool:
    """Whether staying is worth something: a known price for cached input, a cache that was seen to work, or no price to
    compare by (servers of one's own keep prompts, and answer sooner for it)."""
    price = deployment.price
    return price is None or price.is_free or price.cache_read is not None or warm.was_read
