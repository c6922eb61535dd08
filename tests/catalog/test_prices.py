"""The price table agrees with genai-prices to the last digit."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices import types as genai
from genai_prices.data import providers

from kilo_gateway.catalog.price_table import dump, load
from kilo_gateway.catalog.prices import make_table

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
VENDORS = (
    "openai",
    "anthropic",
    "google",
    "mistral",
    "groq",
    "deepseek",
    "x-ai",
    "azure",
    "perplexity",
)
TABLE = make_table(VENDORS)


def dollars(price: genai.ModelPrice, field: str) -> int | None:
    value = getattr(price, field)
    value = value.base if isinstance(value, genai.TieredPrices) else value
    return None if value is None else int(value * Decimal(1_000_000_000))


def test_only_the_wanted_vendors_and_their_fallbacks_are_kept():
    assert set(VENDORS) <= set(TABLE.providers)
    assert set(TABLE.providers) - set(VENDORS) == {"moonshotai"}
    assert "together" in make_table().providers


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_model_costs_what_the_package_says(vendor):
    (provider,) = (row for row in providers if row.id == vendor)
    for model in provider.models:
        found = provider.find_model(model.id, all_providers=providers)
        if found is None:
            continue
        expected = found.get_prices(NOON)
        numbers = [
            dollars(expected, f"{name}_mtok")
            for name in ("input", "output", "cache_read", "cache_write", "cache_write_1h")
        ]
        price = TABLE.price_of(vendor, model.id, NOON)
        if price is None:
            assert numbers[:2] == [None, None], model.id
        else:
            if "claude" in model.id and numbers[4] is None:
                numbers[4] = 2 * numbers[0]  # what Anthropic asks for every model
            known = [price.input, price.output, price.cache_read, price.cache_write]
            assert [*known, price.cache_write_1h] == numbers, model.id


def test_tiers_are_kept():
    price = TABLE.price_of("google", "gemini-2.5-pro", date(2026, 11, 1))
    assert price is not None
    assert (price.at(200_000).input, price.at(200_001).input) == (1_250_000_000, 2_500_000_000)
    assert (price.at(200_000).output, price.at(200_001).output) == (10_000_000_000, 15_000_000_000)
    assert price.source == "genai-prices 0.2.3" or price.source.startswith("genai-prices ")


def test_a_price_per_request_is_kept():
    price = TABLE.price_of("perplexity", "sonar-pro", date(2026, 11, 1))
    assert price is not None
    assert price.request == 14_000_000


def test_the_whole_table_fits_a_cache_file():
    data = dump(TABLE)
    assert len(data) < 1_000_000
    assert load(data) == TABLE
