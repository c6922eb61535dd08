"""Names of upstreams in clients' wishes."""

import pytest

from kilo_gateway.core.preferences import Preferences, fits


@pytest.mark.parametrize(
    ("name", "is_meant"),
    [("anthropic", True), ("minimax/fp8", True), ("minimax", True), ("mini", False), ("", False)],
)
def test_a_name_means_an_upstream_that_is_called_so_with_or_without_a_variant(name, is_meant):
    assert fits(name, frozenset({"anthropic", "minimax"})) is is_meant


def test_who_wishes_nothing_takes_everything():
    wishes = Preferences()
    assert (wishes.order, wishes.only, wishes.ignore) == ((), (), ())
    assert wishes.allow_fallbacks
    assert not any([wishes.no_collection, wishes.zdr, wishes.parameters, wishes.quantizations])
