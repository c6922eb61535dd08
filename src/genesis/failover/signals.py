"""What an error says of itself: a status, a symbolic code, a text; and the errors inside it, the outermost first."""

import errno
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from genesis.core.fault import ProviderError

Failure = BaseException | Mapping[str, Any] | str

DEEPEST = 8


@dataclass(frozen=True)
class Signal:
    """One error's own words. `is_abort`: something ended the wait, which says little of why."""

    status: int | None = None
    code: str | None = None
    text: str = ""
    is_abort: bool = False


def signals(error: object) -> Iterator[Signal]:
    """The error's signal, then those inside it. One without a status has that of the error around it."""
    yield from _walk(error, None, set(), 0)


def _walk(error: object, status: int | None, seen: set[int], depth: int) -> Iterator[Signal]:
    # An error may name itself as its cause: each is visited once.
    if id(error) in seen or depth > DEEPEST or not isinstance(error, BaseException | Mapping | str):
        return
    seen.add(id(error))
    signal = _own(error)
    if signal.status is None:
        signal = replace(signal, status=status)
    yield signal
    for inner in _inner(error):
        yield from _walk(inner, signal.status, seen, depth + 1)


def _own(error: Failure) -> Signal:
    if isinstance(error, str):
        return Signal(text=error)
    if isinstance(error, Mapping):
        return _of_mapping(error)
    if isinstance(error, ProviderError):
        return Signal(error.status, error.code, error.message, error.is_abort)
    return _of_exception(error)


def _of_mapping(error: Mapping[str, Any]) -> Signal:
    given = [error.get(name) for name in ("status", "statusCode", "code", "type")]
    status = next((value for value in given if _is_status(value)), None)
    code = next((value for value in given if isinstance(value, str) and value), None)
    message = error.get("message")
    text = message if isinstance(message, str) else ""
    return Signal(status, code, text, error.get("name") in {"AbortError", "TimeoutError"})


def _of_exception(error: BaseException) -> Signal:
    code = None
    if isinstance(error, TimeoutError):
        code = "ETIMEDOUT"
    elif isinstance(error, socket.gaierror):
        code = "EAI_AGAIN"
    elif isinstance(error, OSError) and error.errno is not None:
        code = errno.errorcode.get(error.errno)
    return Signal(code=code, text=str(error), is_abort=isinstance(error, TimeoutError))


def _is_status(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599


def _inner(error: Failure) -> tuple[object, ...]:
    if isinstance(error, Mapping):
        return (error.get("error"), error.get("cause"))
    return (error.__cause__,) if isinstance(error, BaseException) else ()
