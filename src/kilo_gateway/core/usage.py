"""Usage: token counts of one reply, in inclusive buckets. Unknown is None, never 0."""

from typing import Literal

import msgspec

Source = Literal["reported", "estimated"]


def _plus(left: int | None, right: int | None) -> int | None:
    if left is None:
        return right
    return left if right is None else left + right


class Usage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a reply used. `input_tokens` includes cache reads and writes; `output_tokens` includes reasoning.

    `cache_write_1h_tokens` are those of the cache writes that are kept for an hour, which cost more. Every count is in tokens and None where the upstream did not say. `cost_nanodollars` is what the upstream itself
    charged, if it told. `raw` keeps the upstream's own usage object, byte for byte.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    cost_nanodollars: int | None = None
    source: Source = "reported"
    raw: bytes = b""
    cache_write_1h_tokens: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether at least one of the two main buckets is known."""
        return self.input_tokens is not None or self.output_tokens is not None

    def __add__(self, other: "Usage") -> "Usage":
        """Sum of two usages (associative); estimated if either is; `raw` is dropped, since it describes one reply."""
        return Usage(
            input_tokens=_plus(self.input_tokens, other.input_tokens),
            output_tokens=_plus(self.output_tokens, other.output_tokens),
            cache_read_tokens=_plus(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens=_plus(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens=_plus(self.reasoning_tokens, other.reasoning_tokens),
            audio_input_tokens=_plus(self.audio_input_tokens, other.audio_input_tokens),
            audio_output_tokens=_plus(self.audio_output_tokens, other.audio_output_tokens),
            cost_nanodollars=_plus(self.cost_nanodollars, other.cost_nanodollars),
            cache_write_1h_tokens=_plus(self.cache_write_1h_tokens, other.cache_write_1h_tokens),
            source="estimated" if "estimated" in {self.source, other.source} else "reported",
        )


UNKNOWN_USAGE = Usage()
