"""Reply: the bytes of one connection become a status, headers and body pieces. Does no I/O.

The rules, on top of llhttp's strict ones (RFC 9112):
- A head has at most 64 KiB and 256 headers, its 1xx predecessors (at most 16, skipped) included. 101 is garbage.
- The only transfer coding is `chunked`, once. Content-length twice, or beside chunked, is garbage.
- Without either, and where the status allows a body, the body ends with the connection.
- Trailers are dropped. More than 64 KiB of framing without a byte of body (chunk extensions, trailers) is garbage.
- Bytes after the end of a reply leave that reply intact, but its connection must not be used again.
"""

from typing import Final, final

import httptools

IDLE: Final = 0  # no request was sent since the last reply
HEAD: Final = 1  # a request was sent, its reply's head is not complete
BODY: Final = 2
DONE: Final = 3
CUT: Final = 4  # the connection ended first
GARBAGE: Final = 5  # what came is not HTTP as we accept it

_MAX_HEAD_BYTES: Final = 64 * 1024
_MAX_HEADERS: Final = 256
_MAX_INFORMATIONAL: Final = 16
_MAX_FRAMING_BYTES: Final = 64 * 1024


@final
class Reply:
    """The reader's side of one connection, used for one reply after the other.

    `state` is one of the constants above; `status` is 0 until the final head is complete. `chunks` holds the body's
    pieces that nobody has taken yet, `buffered_bytes` their size. `problem` says what was wrong in state CUT or
    GARBAGE. `keep_alive` holds once DONE.
    """

    __slots__ = (
        "_feed",
        "_framing_bytes",
        "_head_bytes",
        "_informational",
        "_parser",
        "_received",
        "_repeats",
        "buffered_bytes",
        "chunks",
        "headers",
        "keep_alive",
        "problem",
        "state",
        "status",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self.problem = ""
        self._informational = 0
        self._repeats = 0
        self.chunks: list[bytes] = []
        self.expect()
        self.state = IDLE

    @property
    def has_bytes(self) -> bool:
        """Whether anything of this reply came."""
        return self._received > 0

    def expect(self) -> None:
        """A request is being sent: forget the reply before and wait for the next."""
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        if self.chunks:
            self.chunks = []
        self.buffered_bytes = 0
        self.keep_alive = False
        self._framing_bytes = 0  # received since the last byte of body
        self._head_bytes = 0  # received of a head that is not complete
        self._received = 0  # with the last feed
        if self._informational or self._repeats:
            self._informational = self._repeats = 0
        self.state = HEAD

    def feed(self, data: bytes) -> None:
        """Take in what the connection received; never raises, look at `state`."""
        self._received = len(data)
        before = self.buffered_bytes
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self.state == DONE:
                self.keep_alive = False
            else:
                self._spoil(str(error))
        if self.state == DONE:
            return
        if self.state == HEAD:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._spoil("the head is too large")
        elif self.state == BODY:
            self._count_framing(len(data), self.buffered_bytes - before)

    def take(self) -> bytes:
        """The body bytes that came since the last time, as one piece; b"" if there are none."""
        self.buffered_bytes = 0
        chunks = self.chunks
        if len(chunks) == 1:
            return chunks.pop()
        self.chunks = []
        return b"".join(chunks)

    def end(self, error: Exception | None) -> None:
        """The connection ended: cleanly (None), which may be the body's end, or with an error."""
        if self.state == BODY and error is None and self._is_until_close():
            self.state = DONE
        elif self.state in {HEAD, BODY}:
            self.state = CUT
            self.problem = str(error or "end of stream")
        self.keep_alive = False

    def _is_until_close(self) -> bool:
        return b"content-length" not in self.headers and b"transfer-encoding" not in self.headers

    def _spoil(self, problem: str) -> None:
        if self.state != GARBAGE:
            self.state = GARBAGE
            self.problem = problem

    def _count_framing(self, received: int, body: int) -> None:
        self._framing_bytes = 0 if body else self._framing_bytes + received
        if self._framing_bytes > _MAX_FRAMING_BYTES:
            self._spoil("too much framing without a body")

    # Called by httptools, inside feed().

    def on_message_begin(self) -> None:
        """A second reply starts where none was asked for."""
        if self.state == DONE:
            self.keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of a head, or a trailer (dropped)."""
        if self.state == HEAD:
            key, headers = name.lower(), self.headers
            if key in headers:
                self._repeated(key, headers[key], value)
            else:
                headers[key] = value

    def on_headers_complete(self) -> None:
        """The head is complete: skip it if it is informational, else the body follows."""
        if self.state != HEAD:
            return
        headers, status = self.headers, self._parser.get_status_code()
        if status < 200:
            self._informed(status)
            return
        coding = headers.get(b"transfer-encoding")
        if len(headers) + self._repeats > _MAX_HEADERS or (
            self._received > _MAX_HEAD_BYTES and _size_of(headers) > _MAX_HEAD_BYTES
        ):
            self._spoil("the head is too large")
        elif coding is not None and coding.lower() != b"chunked":
            self._spoil(f"transfer-encoding {coding[:80]!r} is not supported")
        else:
            self.status = status
            self.state = BODY

    def _informed(self, status: int) -> None:
        """A head that another one follows."""
        self._informational += 1
        self.headers = {}
        if status < 100 or status == 101:
            self._spoil(f"status {status} was not asked for")
        elif self._informational > _MAX_INFORMATIONAL:
            self._spoil("too many informational replies")

    def _repeated(self, name: bytes, first: bytes, value: bytes) -> None:
        self._repeats += 1
        if name == b"transfer-encoding":
            self._spoil("transfer-encoding is given twice")
        elif name == b"content-encoding":  # a list over two lines; all of it must be undone
            self.headers[name] = first + b"," + value

    def on_body(self, data: bytes) -> None:
        """A piece of the body, framing removed."""
        if self.state == BODY:
            self.chunks.append(data)
            self.buffered_bytes += len(data)

    def on_message_complete(self) -> None:
        """The reply is complete, as its framing says."""
        if self.state == BODY:
            self.state = DONE
            self.keep_alive = self._parser.should_keep_alive()


def _size_of(headers: dict[bytes, bytes]) -> int:
    return sum(len(name) + len(value) for name, value in headers.items())
