"""Arrays: a stream as one JSON array, for clients that did not ask for events.

    empty --element--> open --element--> open --close--> closed
      '------------------close---------------------------^

Elements stand as Google writes them: `[{...}`, then `\\n,\\r\\n{...}` for each further one, then `\\n]`.
"""

from kilo_gateway.dialects.sse import Event, Reader, event_bytes


class Framing:
    """Writes chunks as events, or as the elements of an array."""

    __slots__ = ("_is_array", "_is_closed", "_is_open")

    def __init__(self, *, is_array: bool) -> None:
        self._is_array = is_array
        self._is_open = False
        self._is_closed = False

    def chunk(self, data: bytes) -> bytes:
        """One chunk of the answer."""
        if not self._is_array:
            # A model's own JSON may stand over several lines; inside an event there must be one.
            if b"\n" in data or b"\r" in data:
                data = data.replace(b"\n", b" ").replace(b"\r", b" ")
            return event_bytes(data)
        comma = b"\n,\r\n" if self._is_open else b"["
        self._is_open = True
        return comma + data

    def close(self) -> bytes:
        """The end of the stream: nothing more in events, the closing bracket of an array (once)."""
        if not self._is_array or self._is_closed:
            return b""
        self._is_closed = True
        return b"\n]" if self._is_open else b"[]"


class Regrouped:
    """Events that pass by, given again as elements of an array."""

    __slots__ = ("_events", "_framing")

    def __init__(self) -> None:
        self._events = Reader()
        self._framing = Framing(is_array=True)

    def feed(self, block: bytes) -> bytes:
        """Whole events in, elements out; comments become a space."""
        return b"".join(self._element(event) for event in self._events.feed(block))

    def close(self) -> bytes:
        """The last event, and the end."""
        rest = b"".join(self._element(event) for event in self._events.close())
        return rest + self._framing.close()

    def _element(self, event: Event) -> bytes:
        return b"" if event.data.strip() == b"[DONE]" else self._framing.chunk(event.data)
