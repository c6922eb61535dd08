"""Guard: the limits of one listening server, and which of its connections are arriving, idle or stuck."""

from collections.abc import Callable, Coroutine
from email.utils import formatdate
from typing import Any, Protocol

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge.faults import answer
from kilo_gateway.edge.reply import WireReply, status_line
from kilo_gateway.edge.request import Inbound
from kilo_gateway.upstreams.outbox import Outbox


class Application(Protocol):
    """What serves requests."""

    def __call__(self, inbound: Inbound, reply: WireReply) -> Coroutine[Any, Any, None]:
        """Answer one request; never raises."""
        ...


class Connection(Protocol):
    """What a guard does to a client connection."""

    def refuse(self, kind: Kind, message: str) -> None:
        """Answer with an error, if no answer has begun, and close."""
        ...

    def close(self) -> None:
        """Close when what is written has gone out."""
        ...

    def close_after_answer(self) -> None:
        """Close now, or after the answer that is being written."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Guard:
    """Limits of one listening server, its application, and its connections.

    `max_head_bytes` bounds a request's head. `client_timeout_s` is the longest that a request may take to arrive (from
    connecting, or from its first byte, to its last), and that a client may leave its bytes untaken; `keep_alive_s` the
    longest that a connection may be idle.
    """

    def __init__(  # noqa: PLR0913 - limits of one server, by name
        self,
        app: Application,
        monotonic: Callable[[], float],
        *,
        outbox: Outbox | None = None,
        new_id: Callable[[], str] = lambda: "unknown",
        max_head_bytes: int = 65_536,
        client_timeout_s: float = 60.0,
        keep_alive_s: float = 75.0,
    ) -> None:
        self.app = app
        self.monotonic = monotonic
        self.outbox = outbox or Outbox()
        self._new_id = new_id
        self.max_head_bytes = max_head_bytes
        self.client_timeout_s = client_timeout_s
        self.keep_alive_s = keep_alive_s
        self.connections: set[Connection] = set()
        self.arriving: dict[Connection, float] = {}
        self.idle: dict[Connection, float] = {}
        self.stuck: dict[Connection, float] = {}
        self.is_closing = False
        self.date_line = b""
        self.renew_date()

    def renew_date(self) -> None:
        """Make the `Date` line of all answers that are written until the next sweep."""
        self.date_line = f"date: {formatdate(usegmt=True)}\r\n".encode()

    def refusal(self, fault: Fault) -> bytes:
        """A whole answer to a request that does not reach the application, after which the connection is closed."""
        status, headers, body = answer(fault, f"req_{self._new_id()}")
        return b"%b%b%bcontent-length: %d\r\nconnection: close\r\n\r\n%b" % (
            status_line(status),
            self.date_line,
            headers,
            len(body),
            body,
        )

    def sweep(self) -> int:
        """Close what has taken too long; about once a second. Gives how many."""
        self.renew_date()
        now = self.monotonic()
        late = _older(self.arriving, now - self.client_timeout_s)
        for connection in late:
            connection.refuse(Kind.CLIENT_TIMEOUT, "The request took too long to arrive.")
        stuck = _older(self.stuck, now - self.client_timeout_s)
        for connection in stuck:
            connection.abort()
        idle = _older(self.idle, now - self.keep_alive_s)
        for connection in idle:
            connection.close()
        return len(late) + len(stuck) + len(idle)

    def close_idle(self) -> None:
        """The server ends: idle connections are closed now, the others after their answer."""
        self.is_closing = True
        for connection in list(self.connections):
            connection.close_after_answer()

    def abort_all(self) -> None:
        """Close every connection at once."""
        for connection in list(self.connections):
            connection.abort()


def _older(since: dict[Connection, float], than: float) -> list[Connection]:
    return [connection for connection, at in since.items() if at < than]
