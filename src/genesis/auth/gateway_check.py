"""Asks a gateway: does it let this key in, is there one on this machine, and the forms of a device login.

Load it late: it brings httpx.
"""

import time
from collections.abc import Mapping
from typing import Any, Literal

import httpx
import msgspec

from genesis.auth.device import Answered
from genesis.core.hosts import is_local_url
from genesis.core.secret import Secret
from genesis.core.text import one_line

LOCAL_GATEWAY = "http://127.0.0.1:4000"
LOCAL_BASE = f"{LOCAL_GATEWAY}/api/gateway/"
LOOK_S = 0.5
CHECK_S = 15.0
MOST_BYTES = 16 * 1024 * 1024
_QUOTED_CHARS = 200
_JSON = {"Accept": "application/json"}
# Wire format -> where an answer is asked for, the header of the key, what stands before it there, what else is sent.
_DOORS: Mapping[str, tuple[str, bytes, str, Mapping[bytes, bytes]]] = {
    "openai-completions": ("chat/completions", b"Authorization", "Bearer ", {}),
    "anthropic-messages": ("messages", b"x-api-key", "", {b"anthropic-version": b"2023-06-01"}),
}

Kind = Literal["works", "refused", "unreachable", "unclear"]


_UNCLEAR: tuple[Kind, str] = (
    "unclear",
    "The gateway at {base} answered HTTP {status}, so the key could not be tried.",
)
_VERDICTS: Mapping[int, tuple[Kind, str]] = {
    401: (
        "refused",
        "The gateway at {base} refuses this key (HTTP 401). Check it, or get a new one.",
    ),
    402: ("works", "The key works at {base}, but its account has no credit (HTTP 402)."),
    403: ("unclear", "The gateway at {base} does not let this key use {model} (HTTP 403)."),
    429: ("works", "The key works at {base}, but its limit is reached now (HTTP 429)."),
}
_VERDICTS_BY_CLASS: Mapping[int, tuple[Kind, str]] = {
    2: ("works", "The key works at {base}."),
    3: (
        "unclear",
        "The gateway at {base} sends requests elsewhere (HTTP {status}): check the address (--base-url).",
    ),
}


class Verdict(msgspec.Struct, frozen=True):
    """What became of a try of a key; `text` is a sentence for people, without the key."""

    kind: Kind
    text: str


def check_key(
    base_url: str,
    key: Secret,
    model: str,
    *,
    api: str = "openai-completions",
    timeout_s: float = CHECK_S,
) -> Verdict:
    """Ask for one token of an answer: the list of models is public, so it says nothing of a key. Never raises."""
    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    # As bytes: a stored key may hold what ASCII has not (genesis.md 4.2).
    path, name, shown, more = _DOORS[api]
    value = f"{shown}{key.reveal()}".encode("latin-1", "replace")
    headers = {name: value, b"Accept": b"application/json", **more}
    try:
        url = f"{base_url}{path}"
        status, content = _asked("POST", url, timeout_s, json=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"no answer within {timeout_s:g} s" if _is_timeout(error) else _reason(error)
        return Verdict(
            "unreachable",
            f"The gateway at {base_url} cannot be reached now ({reason}), so the key was not tried.",
        )
    return _verdict(base_url, model, status, content)


def find_gateway(base_url: str = LOCAL_BASE) -> bool:
    """Whether a gateway serves its list of models there; what does not answer within half a second is none."""
    try:
        status, content = _asked("GET", f"{base_url}models", LOOK_S, headers=_JSON)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    # Other programs like that port too: a list of models tells that it is one of ours.
    return status == 200 and isinstance(content.get("data"), list)


def post_form(url: str, form: Mapping[str, str]) -> Answered | None:
    """Send a form; None if there was no answer."""
    try:
        return Answered(*_asked("POST", url, CHECK_S, data=dict(form), headers=_JSON))
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def _asked(method: str, url: str, timeout_s: float, **what: Any) -> tuple[int, dict[str, Any]]:
    """The status, and the JSON object of the answer ({} for anything else, also for one that is too large).

    Raises httpx.HTTPError, httpx.InvalidURL.
    """
    ends = time.monotonic() + timeout_s
    # A proxy of the environment cannot reach what only this machine knows.
    trusts = not is_local_url(url)
    body = bytearray()
    with (
        httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=trusts) as client,
        client.stream(method, url, **what) as answer,
    ):
        for piece in answer.iter_bytes():
            if time.monotonic() > ends:  # the timeout of the client is that of each piece
                raise httpx.ReadTimeout("the answer did not end in time")
            body += piece
            if len(body) > MOST_BYTES:
                return answer.status_code, {}
    return answer.status_code, _object(bytes(body))


def _verdict(base_url: str, model: str, status: int, content: Mapping[str, Any]) -> Verdict:
    if status == 404:
        return _not_found(base_url, model, content)
    kind, sentence = _VERDICTS.get(status) or _VERDICTS_BY_CLASS.get(status // 100, _UNCLEAR)
    return Verdict(kind, sentence.format(base=base_url, model=model, status=status))


def _not_found(base_url: str, model: str, content: Mapping[str, Any]) -> Verdict:
    error = content.get("error")
    if isinstance(error, dict | str):
        code = error.get("code") if isinstance(error, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        if code == "model_not_found" or "model" in str(message).lower():
            return Verdict(
                "works",
                f"The key works at {base_url}, but {model} is not served there yet: {one_line(str(message), _QUOTED_CHARS)}",
            )
    return Verdict(
        "unclear",
        f"There is no gateway at {base_url} (HTTP 404): check the address (--base-url).",
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, httpx.TimeoutException)


def _reason(error: Exception) -> str:
    # Not the error's own words: a wrong header or URL would be quoted in them.
    return "no connection" if isinstance(error, httpx.ConnectError) else type(error).__name__
