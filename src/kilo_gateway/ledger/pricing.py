"""Usage x Price -> whole nanodollars: exact integers, rounded half up once, at the end."""

import msgspec

from kilo_gateway.core.money import TOKENS_PER_QUOTE, Price
from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import MONEY_LIMIT_NANODOLLARS, Entry, bounded

UPSTREAM_SOURCE = "upstream"


def cost(usage: Usage, price: Price | None) -> int | None:
    """What a reply cost, in nanodollars; None where a count or a price that is needed is unknown.

    Without a price it is what the upstream itself charged, if it told. A price of 0 needs no
    count and a count of 0 needs no price. Cache buckets that the upstream did not report are part
    of the input; writes that are kept for an hour cost what other writes do where no more is known.
    """
    if price is None:
        return usage.cost_nanodollars
    total_input, output = usage.input_tokens, usage.output_tokens
    if (  # what most replies are: two counts, two prices
        not price.tiers
        and total_input is not None
        and output is not None
        and price.input is not None
        and price.output is not None
        and not usage.cache_read_tokens
        and not usage.cache_write_tokens
    ):
        total = total_input * price.input + output * price.output
        return (total + TOKENS_PER_QUOTE // 2) // TOKENS_PER_QUOTE + price.request
    if price.tiers and total_input is None:
        return None
    rate = price.at(total_input or 0)
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    hour = min(usage.cache_write_1h_tokens or 0, written)
    write_rate = rate.input if rate.cache_write is None else rate.cache_write
    parts = (
        _part(_uncached(total_input, read, written), rate.input),
        _part(read, rate.input if rate.cache_read is None else rate.cache_read),
        _part(written - hour, write_rate),
        _part(hour, write_rate if rate.cache_write_1h is None else rate.cache_write_1h),
        _part(output, rate.output),
    )
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    # A tier that names no price per request keeps the one of the model.
    per_request = rate.request or price.request
    return (total + TOKENS_PER_QUOTE // 2) // TOKENS_PER_QUOTE + per_request


def priced(entry: Entry, price: Price | None) -> Entry:
    """The entry within all limits, with its cost and the source of the price, if it had none and
    they can be known.
    """
    entry = bounded(entry)
    if entry.cost_nanodollars is not None:
        return entry
    usage = entry.usage
    if entry.opening.about.operation == "embeddings" and usage.output_tokens is None:
        usage = msgspec.structs.replace(
            usage, output_tokens=0
        )  # a vector has no tokens: known, not guessed
    amount = cost(usage, price)
    if amount is None or not 0 <= amount <= MONEY_LIMIT_NANODOLLARS:
        return entry
    return msgspec.structs.replace(
        entry,
        cost_nanodollars=amount,
        price_source=UPSTREAM_SOURCE if price is None else price.source,
        price_since="" if price is None else price.since,
    )


def _uncached(total: int | None, read: int, written: int) -> int | None:
    if total is None:
        return None
    # Some upstreams do not count cache reads as input (gateway.md 10.6): then the input is all
    # uncached.
    return total if total < read + written else total - read - written


def _part(tokens: int | None, rate: int | None) -> int | None:
    if rate == 0 or tokens == 0:
        return 0
    return None if tokens is None or rate is None else tokens * rate
