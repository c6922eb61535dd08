"""Preferences: what a client wishes of the upstreams that may serve its call (the `provider` object of OpenRouter's API)."""

from typing import Literal

import msgspec

Sort = Literal["", "price", "throughput", "latency"]


class Preferences(msgspec.Struct, frozen=True):
    """Wishes, as values; what was left out wishes nothing. Names are lower case.

    `order` are upstreams or vendors to ask first, `only` the only ones that may be asked, `ignore` those that may not.
    Without `allow_fallbacks` no other is asked than those of `order`, or than the first. `parameters` are the request's own
    in OpenRouter's words, if all of them must be understood. `no_collection`: nobody may keep prompts; `zdr`: nobody may
    keep anything. `max_prompt` and `max_completion` are nanodollars per million tokens, `max_request` nanodollars per
    request. `quantizations` are the precisions that will do.
    """

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    parameters: frozenset[str] = frozenset()
    no_collection: bool = False
    zdr: bool = False
    sort: Sort = ""
    max_prompt: int | None = None
    max_completion: int | None = None
    max_request: int | None = None
    quantizations: frozenset[str] = frozenset()


def fits(name: str, names: frozenset[str]) -> bool:
    """Whether a client's name for an upstream means one that is called so; `vendor/variant` means the vendor."""
    return name in names or name.partition("/")[0] in names
