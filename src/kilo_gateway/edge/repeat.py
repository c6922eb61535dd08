"""Repeat: the head that a client sends with every request on a connection, parsed once.

Client libraries keep a connection and send the same bytes each time, but for the digits of `content-length`. A request that
begins with exactly those bytes and is here whole needs no parser: what the strict one made of them holds again. Whatever
differs by one byte, or has not come whole, goes to the parser as if there were no memory of the last one.
"""

import re
from bisect import bisect
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from kilo_gateway.edge.caller import Caller, read_caller
from kilo_gateway.edge.request import Inbound

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})\r\n", re.IGNORECASE)
# From how many bytes on, digits and body together, there is one digit, are two, three: 101 bytes are two and 99.
_DIGITS_FROM: Final = (1, *(10 ** (digits - 1) + digits for digits in range(2, 10)))
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH_NAME: Final = b"\r\ncontent-length:"
# Each of them makes a request one of a kind.
_NEVER_AGAIN: Final = (b"transfer-encoding", b"expect", b"upgrade", b"content-encoding")


class Repeat(msgspec.Struct, frozen=True):
    """A head whose next coming is recognised: its bytes `before` and `after` the digits of its content-length.

    `headers` are those of the first coming without the length.
    """

    before: bytes
    after: bytes
    path: str
    query: bytes
    headers: dict[bytes, bytes]
    caller: Caller

    def request_in(
        self, data: bytes, arrived: float, wait: Callable[[Inbound], Awaitable[None]]
    ) -> Inbound | None:
        """The request that these bytes are, if they are one with this head."""
        body = self.body_in(data)
        if body is None:
            return None
        return Inbound(
            "POST",
            self.path,
            self.query,
            self.headers,
            arrived,
            wait,
            True,  # keeps the connection
            True,  # takes chunks
            True,  # is complete
            [body],
            len(body),
            self,
        )

    def body_in(self, data: bytes) -> bytes | None:
        """The body of a request that is this head and all of its body, and nothing else; None for anything else.

        If it is, its size tells what the digits must be: then all of the head is compared at once.
        """
        before, after = self.before, self.after
        size = len(data)
        rest = size - len(before) - len(after)  # digits and body
        body_bytes = rest - bisect(_DIGITS_FROM, rest)
        head = b"%b%d%b" % (before, body_bytes, after)
        at = len(head)
        return data[at:] if at + body_bytes == size and data.startswith(head) else None


def repeat_of(head: bytes, inbound: Inbound) -> Repeat | None:
    """What is to be recognised of a POST that was parsed from exactly these bytes; None if its like will not come again."""
    if inbound.method != "POST" or any(name in inbound.headers for name in _NEVER_AGAIN):
        return None
    if head.find(_HEAD_END) != len(head) - len(_HEAD_END):
        return None  # there is more than a head here
    found = _LENGTH.search(head)
    if found is None or head.lower().count(_LENGTH_NAME) != 1:
        return None
    start, end = found.span(1)
    if head[end + 2 : end + 3] in {b" ", b"\t"}:  # a folded line
        return None
    headers = dict(inbound.headers)
    del headers[b"content-length"]
    return Repeat(
        head[:start], head[end:], inbound.path, inbound.query, headers, read_caller(headers)
    )
