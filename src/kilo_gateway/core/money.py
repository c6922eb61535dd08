"""Money in whole nanodollars (1 USD = 1,000,000,000) and the Price of a model. No floats after the border."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

import msgspec

NANODOLLARS_PER_DOLLAR = 1_000_000_000
NANODOLLARS_PER_MICRODOLLAR = 1_000
TOKENS_PER_QUOTE = 1_000_000


def nanodollars_from_usd(dollars: float | str | Decimal) -> int:
    """Dollars as nanodollars, half up. A float is taken by its shortest decimal text (0.1 is one tenth)."""
    amount = Decimal(str(dollars)) * NANODOLLARS_PER_DOLLAR
    return int(amount.to_integral_value(ROUND_HALF_UP))


def microdollars(nanodollars: int) -> int:
    """Nanodollars as microdollars, half up (towards plus infinity at the half, as JavaScript's Math.round)."""
    return (nanodollars + NANODOLLARS_PER_MICRODOLLAR // 2) // NANODOLLARS_PER_MICRODOLLAR


@lru_cache(maxsize=1024)
def usd_text(nanodollars: int) -> str:
    """Nanodollars as plain decimal dollars without exponent or trailing zeros: 1500 -> "0.0000015"."""
    if 0 < nanodollars < NANODOLLARS_PER_DOLLAR:  # what a call costs, as a rule
        return f"0.{nanodollars:09d}".rstrip("0")
    sign = "-" if nanodollars < 0 else ""
    whole, rest = divmod(abs(nanodollars), NANODOLLARS_PER_DOLLAR)
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"


class Price(msgspec.Struct, frozen=True):
    """Prices of one model at one upstream, in nanodollars per million tokens; None where unknown.

    `cache_write_1h` is for what the prompt cache keeps for an hour instead of minutes.
    `tiers` holds (input tokens above which it holds, the price then); they are in rising order. `source` says where
    the numbers come from ("config", "genai-prices 0.2.3", "upstream") and `since` from which date they hold.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    request: int = 0
    tiers: tuple[tuple[int, "Price"], ...] = ()
    source: str = ""
    since: str = ""
    cache_write_1h: int | None = None

    @property
    def is_free(self) -> bool:
        """Whether everything that is known costs nothing, and input and output are known."""
        return self.input == 0 and self.output == 0 and not self.request

    def at(self, input_tokens: int) -> "Price":
        """The price that holds for a request of that many input tokens."""
        chosen = self
        for above, price in self.tiers:
            if input_tokens > above:
                chosen = price
        return chosen

    def with_hour_writes(self) -> "Price":
        """With twice the input price for cache writes of an hour where none is known, as Anthropic has it for every model."""
        hour = self.cache_write_1h
        if hour is None and self.input is not None:
            hour = 2 * self.input
        tiers = tuple((above, price.with_hour_writes()) for above, price in self.tiers)
        return msgspec.structs.replace(self, cache_write_1h=hour, tiers=tiers)


def keeps_for_an_hour(model: str) -> bool:
    """Whether a model's prompt cache can be asked to keep for an hour, at a price of its own: Claude, wherever it is served."""
    return "claude" in model.lower()


FREE = Price(input=0, output=0, source="free")
