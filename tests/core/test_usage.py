"""Usage: unknown is None and stays so; sums do not depend on their order."""

from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage

counts = st.none() | st.integers(0, 10**12)
usages = st.builds(
    Usage,
    *[counts] * 8,
    source=st.sampled_from(["reported", "estimated"]),
)


@given(usages, usages, usages)
def test_adding_is_associative(first, second, third):
    assert (first + second) + third == first + (second + third)


@given(usages)
def test_adding_nothing_known_changes_nothing(usage):
    assert usage + UNKNOWN_USAGE == usage
    assert UNKNOWN_USAGE + usage == usage


def test_unknown_and_unknown_is_unknown_not_zero():
    assert (UNKNOWN_USAGE + UNKNOWN_USAGE).input_tokens is None
    assert (Usage(input_tokens=0) + UNKNOWN_USAGE).input_tokens == 0


def test_a_sum_with_an_estimate_is_an_estimate():
    assert (Usage(1, 1) + Usage(1, 1, source="estimated")).source == "estimated"


def test_the_raw_object_describes_one_reply_and_is_not_added():
    assert (Usage(1, raw=b"{}") + Usage(1, raw=b"{}")).raw == b""


def test_it_is_known_when_a_main_bucket_is():
    assert not UNKNOWN_USAGE.is_known
    assert not Usage(cost_nanodollars=5).is_known
    assert Usage(output_tokens=0).is_known
