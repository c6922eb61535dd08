"""What a server or the network says went wrong, as a ProviderError: raw text for classification, never a key."""

import errno
import socket
import ssl
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from genesis.core.fault import GenesisError, ProviderError

_BODY_CHARACTERS = 4_000
_LONGEST_WAIT_S = 86_400.0
_DEEPEST = 12
_SHORTEST_SECRET = 4
_NO_BODY = "status code (no body)"
_NEEDS_SCHEME = "it begins with http:// or https://"


def refused(response: httpx.Response, body: bytes, *, provider: str, model: str) -> ProviderError:
    """An answer with another status than 200."""
    text = body.decode("utf-8", "replace").strip()[:_BODY_CHARACTERS]
    message, code = _told(body)
    if response.is_redirect:
        message = _redirect(response)
    return ProviderError(
        f"{response.status_code} {message or text or _NO_BODY}",
        provider=provider,
        model=model,
        status=response.status_code,
        code=code,
        retry_after_s=retry_after(response.headers),
    )


def error_in_stream(error: object, *, provider: str, model: str) -> ProviderError:
    """An error object inside an answer with status 200."""
    message, code = _message_of(error)
    status = error.get("code") if isinstance(error, dict) else None
    return ProviderError(
        message or "The provider reported an error in the middle of its answer.",
        provider=provider,
        model=model,
        status=status if isinstance(status, int) and 400 <= status < 600 else None,
        code=code,
    )


def from_network(
    error: httpx.HTTPError | httpx.InvalidURL, *, provider: str, model: str
) -> GenesisError:
    """The network failed, the server was too slow, or what the settings say cannot be sent."""
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return GenesisError(
            f'The base URL of the provider "{provider}" is not usable: {_NEEDS_SCHEME}. '
            f"Set models.providers.{provider}.baseUrl."
        )
    if isinstance(error, httpx.LocalProtocolError):
        # Its own text would quote the header, and with it the key.
        return GenesisError(
            f'A header for the provider "{provider}" has characters that cannot be sent. '
            f"Look at its key and at models.providers.{provider}.headers."
        )
    text, code = _network(error)
    return ProviderError(text, provider=provider, model=model, code=code)


def without_secrets(error: ProviderError, secrets: Iterable[str]) -> ProviderError:
    """The error without what was sent in confidence, which some servers quote. The longest goes first: one may be in another."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            error.message = error.message.replace(secret, "***")
            error.code = error.code.replace(secret, "***") if error.code else error.code
    error.args = (error.message,)
    return error


def retry_after(headers: httpx.Headers) -> float | None:
    """For how many seconds a server asks to wait: in milliseconds, seconds or as a date (by the server's own clock)."""
    wait = _number(headers.get("retry-after-ms"), 1000)
    if wait is None:
        wait = _number(headers.get("retry-after"), 1)
    if wait is None:
        wait = _until(headers.get("retry-after"), headers.get("date"))
    return wait if wait is not None and 0 <= wait <= _LONGEST_WAIT_S else None


def _network(error: Exception) -> tuple[str, str | None]:
    """A sentence with the symbolic code that says what happened."""
    if isinstance(error, httpx.TimeoutException):
        what = "connect ETIMEDOUT" if isinstance(error, httpx.ConnectTimeout) else "no data came"
        return f"Request timed out: {what}", "ETIMEDOUT"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            told = (getattr(cause, name, None) for name in ("verify_message", "reason"))
            reason = next((one for one in told if one), "the handshake failed")
            return f"network error: no trusted TLS connection ({reason})", None
        if isinstance(cause, socket.gaierror):
            code = "EAI_AGAIN" if cause.errno == socket.EAI_AGAIN else "ENOTFOUND"
            return f"getaddrinfo {code}: {cause.strerror}", code
        symbol = errno.errorcode.get(cause.errno or 0) if isinstance(cause, OSError) else None
        if symbol is not None:
            verb = "connect" if isinstance(error, httpx.ConnectError) else "socket hang up"
            return f"{verb} {symbol}", symbol
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return f"socket hang up: {error}", "ECONNRESET"
    return f"network error: {error}", None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What is behind an error, the nearest first."""
    waiting: list[BaseException] = [error]
    for _ in range(_DEEPEST):
        if not waiting:
            return
        one = waiting.pop(0)
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        waiting += [inner for inner in (one.__cause__, one.__context__) if inner is not None]


def _redirect(response: httpx.Response) -> str:
    target = response.headers.get("location", "").partition("?")[0][:200]
    return f"the server redirects to {target or 'another place'}: set that as the baseUrl"


def _told(body: bytes) -> tuple[str, str | None]:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", None
    if isinstance(content, list) and content:  # Google's servers wrap errors in a list
        content = content[0]
    if not isinstance(content, dict):
        return "", None
    return _message_of(content.get("error") or content)


def _message_of(error: object) -> tuple[str, str | None]:
    if isinstance(error, str):
        return error, None
    if not isinstance(error, dict):
        return "", None
    message = error.get("message")
    codes = (error.get(name) for name in ("code", "status", "type"))
    code = next((one for one in codes if isinstance(one, str) and one), None)
    return (message if isinstance(message, str) else ""), code


def _number(text: str | None, per_second: float) -> float | None:
    try:
        return float(text) / per_second if text else None
    except ValueError:
        return None


def _until(until: str | None, now: str | None) -> float | None:
    try:
        wait = parsedate_to_datetime(until or "") - parsedate_to_datetime(now or "")
    except (ValueError, TypeError):  # no dates, or one with a zone and one without
        return None
    return max(0.0, wait.total_seconds())
