"""Seals: a vendor's signature or sealed thought, carried through a dialect of another vendor.

Each dialect has a field for such marks of its own vendor. Where a mark of another vendor is put there, it is wrapped with
that vendor's name, so that it is known for what it is when it comes back, and never shown to a vendor that did not make it.
"""

from typing import get_args

from kilo_gateway.dialects.conversation import Vendor

_PREFIX = "kg1."
_VENDORS = frozenset(get_args(Vendor))


def wrap(mark: str, vendor: Vendor, home: Vendor) -> str:
    """The mark as it stands in a dialect whose own vendor is `home`: unchanged if it is of that vendor."""
    return mark if vendor == home or not mark else f"{_PREFIX}{vendor or 'unknown'}.{mark}"


def unwrap(mark: str, home: Vendor) -> tuple[str, Vendor]:
    """The mark itself, and whose it is: that of `home` unless it is wrapped."""
    if not mark.startswith(_PREFIX):
        return mark, home
    vendor, dot, rest = mark[len(_PREFIX) :].partition(".")
    if not dot:
        return mark, home
    for known in _VENDORS:
        if known == vendor:
            return rest, known
    return rest, ""
