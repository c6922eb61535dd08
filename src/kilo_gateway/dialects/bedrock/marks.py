"""Signatures and sealed thoughts. On Bedrock, Claude alone leaves them.

A signature stands as it is. Sealed thoughts are `redactedContent`, base64 of the text that Anthropic's own API has as `data`: the hub
form holds that text, so that both ways to the same vendor take what the other gave. Bytes that are no text keep their base64
behind a prefix.
"""

import base64
import binascii

from kilo_gateway.dialects.conversation import Vendor
from kilo_gateway.dialects.seal import unwrap, wrap

HOME: Vendor = "anthropic"
_BYTES = "base64:"


def read_signature(mark: str) -> tuple[str, Vendor]:
    """A signature and whose it is; nobody's if there is none."""
    return unwrap(mark, HOME) if mark else ("", "")


def write_signature(mark: str, vendor: Vendor) -> str:
    """A signature in its field."""
    return wrap(mark, vendor, HOME)


def read_sealed(wire: str) -> tuple[str, Vendor]:
    """`redactedContent` as sealed thoughts, and whose they are."""
    return unwrap(text_of_blob(wire), HOME)


def write_sealed(data: str, vendor: Vendor) -> str:
    """Sealed thoughts as `redactedContent`."""
    mark = wrap(data, vendor, HOME)
    if mark.startswith(_BYTES):
        return mark.removeprefix(_BYTES)
    return base64.b64encode(mark.encode(errors="replace")).decode()


def text_of_blob(wire: str) -> str:
    """What base64 holds, if that is text; else the base64 itself behind its prefix."""
    try:
        return base64.b64decode(wire, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return _BYTES + wire
