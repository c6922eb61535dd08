"""Port: a free port of 127.0.0.1 that stays ours, so that a child can come back to the same address."""

import socket
import sys

LOOPBACK = "127.0.0.1"


class Port:
    """A port number. On Linux it is held by a bound socket that never listens, so that nobody else is given it, also
    while the child is down: a call meant for the child must not reach a stranger. Elsewhere it is only remembered.
    """

    def __init__(self) -> None:
        self._holder: socket.socket | None = None
        self.number = self._claim()

    def renew(self) -> int:
        """The number to use for the next start: the same, unless somebody else took it (never, on Linux)."""
        if self._holder is None and not self._is_free():
            self.number = self._claim()
        return self.number

    def release(self) -> None:
        """Give the port back."""
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    def _claim(self) -> int:
        holder = _bound(0)
        number: int = holder.getsockname()[1]
        if sys.platform == "linux":
            self._holder = holder
        else:
            holder.close()
        return number

    def _is_free(self) -> bool:
        try:
            _bound(self.number).close()
        except OSError:
            return False
        return True


def _bound(number: int) -> socket.socket:
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Both sides set it: that is what lets the child listen where we are bound (Linux).
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, number))
    except OSError:
        holder.close()
        raise
    return holder
