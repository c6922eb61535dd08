"""What a server or the network says went wrong, as a ProviderError: raw text for classification, never a key."""

import httpx
import msgspec

from genesis.core.fault import ProviderError

_BODY_CHARACTERS = 4_000
_LONGEST_WAIT_S = 86_400.0


def refused(response: httpx.Response, body: bytes, *, provider: str, model: str) -> ProviderError:
    """An answer with an error status."""
    text = body.decode("utf-8", "replace").strip()[:_BODY_CHARACTERS]
    message, code = _told(body)
    return ProviderError(
        f"{response.status_code} {message or text or response.reason_phrase or 'status code (no body)'}",
        provider=provider,
        model=model,
        status=response.status_code,
        code=code,
        retry_after_s=_retry_after(response.headers),
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


def from_network(error: httpx.HTTPError, *, provider: str, model: str) -> ProviderError:
    """The network failed, or the server was too slow."""
    code: str | None
    if isinstance(error, httpx.TimeoutException):
        text, code = "Request timed out", "ETIMEDOUT"
    elif isinstance(error, httpx.ConnectError):
        refused_text = (
            "connect ECONNREFUSED" if "refused" in str(error).lower() else "connect failed"
        )
        text, code = (
            f"{refused_text}: {error}",
            "ECONNREFUSED" if "refused" in str(error).lower() else None,
        )
    elif isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        text, code = f"socket hang up: {error}", "ECONNRESET"
    else:
        text, code = f"network error: {error}", None
    return ProviderError(text, provider=provider, model=model, code=code)


def _told(body: bytes) -> tuple[str, str | None]:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", None
    if not isinstance(content, dict):
        return "", None
    return _message_of(content.get("error", content))


def _message_of(error: object) -> tuple[str, str | None]:
    if isinstance(error, str):
        return error, None
    if not isinstance(error, dict):
        return "", None
    message, code = error.get("message"), error.get("code") or error.get("type")
    return (message if isinstance(message, str) else ""), (code if isinstance(code, str) else None)


def _retry_after(headers: httpx.Headers) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= _LONGEST_WAIT_S else None
