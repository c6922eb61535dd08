"""Login without typing a key: the person opens a page and confirms a code there (OAuth 2.0 device flow, RFC 8628).

    POST {base}device/code   -> device_code, user_code, verification_uri, interval, expires_in
    POST {base}device/token  -> access_token, or an error: authorization_pending and slow_down mean "ask again"

No network and no clock of its own: they are passed in.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genesis.auth.texts import normalise
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret

CLIENT = "genesis"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL_S = 5.0
DEFAULT_EXPIRY_S = 900.0
LONGEST_EXPIRY_S = 3600.0
SLOWER_BY_S = 5.0
LONGEST_WAIT_S = 60.0
_AGAIN = " Run the command again."
_REFUSALS = {
    "access_denied": "The login was refused on the page.",
    "expired_token": "The code has expired before it was confirmed.",
}


@dataclass(frozen=True)
class Answered:
    """What the gateway said: its status, and its JSON object ({} for anything else)."""

    status: int
    content: Mapping[str, Any]


# Sends a form; None when the gateway could not be reached.
Post = Callable[[str, Mapping[str, str]], Answered | None]
# Shows the page to open and the code to confirm.
Show = Callable[[str, str], None]


@dataclass(frozen=True)
class Time:
    """A monotonic clock in seconds, and a wait."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class _Begun:
    code: str
    user_code: str
    page: str
    interval_s: float
    expires_s: float


def device_login(base_url: str, post: Post, show: Show, time: Time) -> Secret:
    """The key that the gateway gives once the person has confirmed. Raises GenesisError."""
    begun = _begin(base_url, post)
    show(begun.page, begun.user_code)
    ends = time.now() + begun.expires_s
    wait_s = begun.interval_s
    form = {"client_id": CLIENT, "device_code": begun.code, "grant_type": GRANT}
    while True:
        time.sleep(wait_s)
        answer = post(f"{base_url}device/token", form)
        key = _key_of(answer)
        if key is not None:
            return key
        problem = _problem_of(answer)
        # RFC 8628 3.5: also when there was no answer, ask less often.
        if problem == "slow_down" or answer is None:
            wait_s = min(wait_s + SLOWER_BY_S, LONGEST_WAIT_S)
        elif problem != "authorization_pending":
            raise GenesisError(_refusal(answer, problem) + _AGAIN)
        if time.now() + wait_s > ends:
            raise GenesisError(_REFUSALS["expired_token"] + _AGAIN)


def _begin(base_url: str, post: Post) -> _Begun:
    answer = post(f"{base_url}device/code", {"client_id": CLIENT})
    if answer is None:
        raise GenesisError(
            f"The gateway at {base_url} cannot be reached. Check that it runs, and its address (--base-url)."
        )
    content = answer.content
    code, user_code = content.get("device_code"), content.get("user_code")
    # The page alone comes first: the person should see that the code is the one shown here.
    page = content.get("verification_uri") or content.get("verification_url")
    if answer.status == 200 and all(isinstance(one, str) for one in (code, user_code, page)):
        if not str(page).startswith(("https://", "http://")):
            raise GenesisError(
                f"The gateway at {base_url} named a page that is no web address. Use --auth-choice kilocode-api-key."
            )
        return _Begun(
            str(code),
            str(user_code),
            str(page),
            _seconds(content.get("interval"), DEFAULT_INTERVAL_S, LONGEST_WAIT_S),
            _seconds(content.get("expires_in"), DEFAULT_EXPIRY_S, LONGEST_EXPIRY_S),
        )
    if answer.status in {400, 404, 405, 501} or answer.status == 200:
        raise GenesisError(
            f"The gateway at {base_url} has no device login. Use --auth-choice kilocode-api-key and give its key."
        )
    raise GenesisError(
        f"The gateway at {base_url} did not begin a device login (HTTP {answer.status}). "
        "Try again later, or use --auth-choice kilocode-api-key."
    )


def _key_of(answer: Answered | None) -> Secret | None:
    if answer is None or answer.status != 200:
        return None
    key = normalise(answer.content.get("access_token"))
    return Secret(key) if key else None


def _problem_of(answer: Answered | None) -> str:
    if answer is None:
        return ""
    if answer.status in {429, 502, 503, 504}:
        return "slow_down"
    problem = answer.content.get("error")
    return problem if isinstance(problem, str) else ""


def _refusal(answer: Answered | None, problem: str) -> str:
    told = _REFUSALS.get(problem)
    status = answer.status if answer is not None else 0
    return told or f"The gateway ended the login (HTTP {status})."


def _seconds(value: object, otherwise: float, limit: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    return min(float(value), limit) if math.isfinite(value) and value > 0 else otherwise
