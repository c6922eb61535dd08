"""Caller: who sends a request, as its head tells."""

import msgspec

from kilo_gateway.core.call import Hints
from kilo_gateway.edge.hints import read_hints
from kilo_gateway.edge.request import HeaderMap, credential
from kilo_gateway.keys.secret import digest_of


class Caller(msgspec.Struct, frozen=True):
    """The digest of the presented key (None: no key), and the hints."""

    digest: bytes | None
    hints: Hints


def read_caller(headers: HeaderMap) -> Caller:
    """The caller of a request."""
    key = credential(headers)
    return Caller(None if key is None else digest_of(key), read_hints(headers))
