"""Tokens and money add up; what is not known stays so."""

import pytest

from genesis.core.usage import Usage

KNOWN = Usage(1, 2, 3, 4, 0.5)


def test_known_parts_add_up():
    assert Usage(2, 4, 6, 8, 1.0) == KNOWN + KNOWN
    assert (KNOWN + KNOWN).total == 20


def test_what_nobody_knows_is_none_and_not_zero():
    assert Usage() + Usage() == Usage()
    assert (Usage().cost_usd, Usage().total) == (None, 0)


@pytest.mark.parametrize("pair", [(KNOWN, Usage()), (Usage(), KNOWN)])
def test_what_one_does_not_know_is_the_others(pair):
    assert pair[0] + pair[1] == KNOWN


def test_a_zero_is_known():
    assert (Usage(input=0) + Usage()).input == 0
