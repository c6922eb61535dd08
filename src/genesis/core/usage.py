"""Usage: tokens of one reply and what they cost. Unknown is None, never 0."""

import msgspec


def _plus(left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return left if right is None else right
    return left + right


class Usage(msgspec.Struct, frozen=True, rename="camel"):
    """Tokens: `input` without cached ones, `output` with reasoning in it; `cost_usd` in US dollars."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cost_usd: float | None = None

    @property
    def total(self) -> int:
        """All tokens that are known."""
        parts = (self.input, self.output, self.cache_read, self.cache_write)
        return sum(part for part in parts if part is not None)

    def __add__(self, other: "Usage") -> "Usage":
        """The sum; what one of them does not know is taken from the other."""
        sums = (_plus(getattr(self, name), getattr(other, name)) for name in self.__struct_fields__)
        return Usage(*sums)  # type: ignore[arg-type]  # the fields, in their order
