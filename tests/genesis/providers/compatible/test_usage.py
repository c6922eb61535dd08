"""Tokens and their cost."""

import pytest

from genesis.core.model import Cost
from genesis.core.usage import Usage
from genesis.providers.compatible.usage import read_usage

COST = Cost(input=3.0, output=15.0, cache_read=0.3, cache_write=3.75)
ROWS = {
    "F13": ({"prompt_tokens": 8, "completion_tokens": 10}, Usage(8, 10, None, None, 0.000174)),
    "cached apart": (
        {
            "prompt_tokens": 1000,
            "completion_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100},
        },
        Usage(300, 0, 600, 100, 0.001455),
    ),
    "more cached than sent": (
        {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}},
        Usage(0, None, 9, None, 0.0000027),
    ),
    "the server's own cost": (
        {"prompt_tokens": 8, "completion_tokens": 1, "cost": 0.5},
        Usage(8, 1, None, None, 0.5),
    ),
    "a server of another kind": (
        {"prompt_tokens": 8, "prompt_cache_hit_tokens": 3},
        Usage(5, None, 3, None, 0.0000159),
    ),
    "nothing": ({}, Usage()),
    "no numbers": ({"prompt_tokens": "8", "completion_tokens": -1, "cost": True}, Usage()),
}


@pytest.mark.parametrize(("wire", "expected"), ROWS.values(), ids=ROWS)
def test_usage_is_read(wire, expected):
    found = read_usage(wire, COST)
    assert found.cost_usd == (
        None if expected.cost_usd is None else pytest.approx(expected.cost_usd)
    )
    assert (found.input, found.output, found.cache_read, found.cache_write) == (
        expected.input,
        expected.output,
        expected.cache_read,
        expected.cache_write,
    )
