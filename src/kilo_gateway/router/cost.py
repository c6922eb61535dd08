"""What an answer is expected to cost at a deployment, the warmth of its prompt cache included. Whole nanodollars."""

from typing import Final

from kilo_gateway.core.money import TOKENS_PER_QUOTE, Price

# What was sent within a vendor's time to live is nearly always still there.
_STILL_WARM: Final = 97
_SURELY: Final = 100


def expected_cost(
    price: Price | None, input_tokens: int, output_tokens: int, warm_tokens: int = 0
) -> int | None:
    """The cost of a request of so many tokens, of which some are in the cache; None if a price that counts is not known."""
    if price is None:
        return None
    at = price.at(input_tokens)
    if at.input is None or at.output is None:
        return None
    cached, read = 0, 0
    if at.cache_read is not None:
        cached, read = min(warm_tokens, input_tokens) * _STILL_WARM // _SURELY, at.cache_read
    total = (input_tokens - cached) * at.input + cached * read + output_tokens * at.output
    return (total + TOKENS_PER_QUOTE // 2) // TOKENS_PER_QUOTE + (at.request or price.request)
