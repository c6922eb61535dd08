"""Tool calls as they come in pieces: which piece belongs to which call, and how much a model may send (genesis.md 6.3)."""

from collections.abc import Iterator
from typing import Any

import msgspec

from genesis.core.events import ToolCallReady

MOST_ARGUMENT_BYTES = 256_000
MOST_CALLS = 128
TOO_LARGE = "Exceeded tool-call argument buffer limit"
TOO_MANY = "Exceeded tool-call count limit"


class _Call(msgspec.Struct):
    index: int
    id: str = ""
    name: str = ""
    arguments: list[str] = []
    size: int = 0
    signature: str | None = None


class CallReader:
    """The calls of one answer, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def feed(self, wire: dict[str, Any]) -> str | None:
        """One more piece; a sentence if that is more than a model may send."""
        function = wire.get("function")
        function = function if isinstance(function, dict) else {}
        call = self._call_of(wire.get("index"), _text(wire.get("id")))
        if len(self._calls) > MOST_CALLS:
            return TOO_MANY
        call.name = call.name or _text(function.get("name"))
        call.signature = call.signature or _signature(wire, function)
        arguments = function.get("arguments")
        if isinstance(arguments, dict):  # some servers send the object itself
            arguments = msgspec.json.encode(arguments).decode()
        text = _text(arguments)
        call.arguments.append(text)
        call.size += len(text.encode("utf-8", "replace"))
        return TOO_LARGE if call.size > MOST_ARGUMENT_BYTES else None

    def ready(self, *, is_cut: bool) -> Iterator[ToolCallReady]:
        """The calls; of an answer that was cut short, those whose arguments are whole."""
        for number, call in enumerate(self._calls):
            arguments = "".join(call.arguments)
            if is_cut and not is_json(arguments):
                continue
            yield ToolCallReady(call.id or f"call_{number}", call.name, arguments, call.signature)

    def _call_of(self, index: object, ident: str) -> _Call:
        """The call that a piece belongs to. Servers number calls, name them, both, or neither; some number all with 0."""
        number = index if isinstance(index, int) else None
        for call in reversed(self._calls):
            is_same_number = number is None or call.index == number
            if is_same_number and (not ident or not call.id or call.id == ident):
                call.id = call.id or ident
                return call
        made = _Call(number if number is not None else len(self._calls), ident)
        self._calls.append(made)
        return made


def _signature(wire: dict[str, Any], function: dict[str, Any]) -> str | None:
    extra = wire.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    found = google.get("thought_signature") if isinstance(google, dict) else None
    found = found if isinstance(found, str) else function.get("thought_signature")
    return found if isinstance(found, str) else None


def is_json(text: str) -> bool:
    """Whether a call's arguments are whole."""
    try:
        msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
