"""Sources are plain values: unknown is None, and equal facts are equal."""

from kilo_gateway.catalog.source import Listed, Override, Source


def test_what_an_upstream_does_not_say_is_unknown():
    listed = Listed("m")
    assert (listed.price, listed.context, listed.capabilities, listed.operations) == (None,) * 4


def test_an_override_changes_nothing_by_itself():
    assert Override() == Override(name=None, price=None, capabilities=None)
    assert Source("u", (Listed("m"),)) == Source("u", (Listed("m"),))
