"""HTTP/1.1 requests out of bytes, bounded; it touches no socket."""

from collections.abc import Callable, Mapping

import httptools
import msgspec

from kilo_gateway.core.fault import Fault, Kind

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 32 * 1024 * 1024

Headers = Mapping[str, str]


class Request(msgspec.Struct, frozen=True):
    """One request. Header names are lower case, the last of equal ones counts; `path` is without its query.

    `body` is empty if the request was not admitted.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    is_admitted: bool
    keeps_alive: bool


class RequestReader:
    """Reads the requests of one connection; `admits` sees the headers before any of the body is kept."""

    def __init__(self, admits: Callable[[Headers], bool]) -> None:
        self._admits = admits
        self._parser = httptools.HttpRequestParser(self)
        self._complete: list[Request] = []
        self._fault: Fault | None = None
        self._head_bytes = 0
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._is_admitted = False
        self._in_head = True

    def feed(self, data: bytes) -> list[Request]:
        """The requests that these bytes complete; Fault if they are not HTTP or too large (then stop reading)."""
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            unreadable = Fault(Kind.INVALID_REQUEST, "The request is not readable as HTTP/1.1.")
            raise self._fault or unreadable from error
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            raise Fault(Kind.BODY_TOO_LARGE, f"The head is larger than {MAX_HEAD_BYTES} bytes.")
        complete, self._complete = self._complete, []
        return complete

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The body follows."""
        self._in_head = False
        self._head_bytes = 0
        self._is_admitted = self._admits(self._headers)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(data)
        if self._body_bytes > MAX_BODY_BYTES:
            self._fault = Fault(
                Kind.BODY_TOO_LARGE, f"The body is larger than {MAX_BODY_BYTES} bytes."
            )
            raise self._fault
        if self._is_admitted:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_head = True
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=self._target.decode("latin-1").partition("?")[0],
            headers=self._headers,
            body=b"".join(self._body),
            is_admitted=self._is_admitted,
            keeps_alive=self._parser.should_keep_alive(),
        )
        self._complete.append(request)
