"""Marks: what stands in `thoughtSignature`, which is base64 on this wire.

A signature of Google's stands there as it is. One of another vendor, or a sealed thought, is wrapped with its vendor's name
and written in base64, since clients decode the field and encode it again (in either alphabet of base64).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from kilo_gateway.dialects.conversation import Vendor
from kilo_gateway.dialects.seal import unwrap, wrap

HOME: Vendor = "google"
_SEALED = "sealed."
_WRAPPED = "a2cx"  # how base64 of a wrapped mark begins


class Mark(NamedTuple):
    """What a `thoughtSignature` holds. `is_sealed`: no signature but a whole thought."""

    text: str
    vendor: Vendor
    is_sealed: bool = False


def written(mark: str, vendor: Vendor, *, is_sealed: bool = False) -> str:
    """A mark as this wire takes it."""
    if not mark or vendor == HOME:
        return mark
    whole = wrap(f"{_SEALED}{mark}" if is_sealed else mark, vendor, HOME)
    return urlsafe_b64encode(whole.encode()).decode()


def read(signature: str) -> Mark:
    """The mark that a `thoughtSignature` holds."""
    if not signature.startswith(_WRAPPED):
        return Mark(signature, HOME)
    try:
        padded = signature.rstrip("=") + "=" * (-len(signature.rstrip("=")) % 4)
        whole = urlsafe_b64decode(padded.replace("+", "-").replace("/", "_")).decode()
    except ValueError:
        return Mark(signature, HOME)
    mark, vendor = unwrap(whole, HOME)
    if mark == whole:
        return Mark(signature, HOME)
    if mark.startswith(_SEALED):
        return Mark(mark.removeprefix(_SEALED), vendor, is_sealed=True)
    return Mark(mark, vendor)
