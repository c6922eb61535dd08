"""The questions of onboarding, the look for a gateway on this machine, and the try of a key. Loads its libraries late."""

import getpass
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from genesis.auth.texts import clean_paste, normalise, preview
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret

LOCAL_GATEWAY = "http://127.0.0.1:4000"
LOCAL_BASE = f"{LOCAL_GATEWAY}/api/gateway/"
_LOOK_S = 0.5
_CHECK_S = 15.0
_SLOWEST_POLL_S = 30.0


def confirm_risk(*, known: bool) -> None:
    """The one thing that must be understood. Raises GenesisError if it is not accepted."""
    if known:
        return
    sys.stdout.write(
        "Genesis is an agent: it can read and change files of its workspace and run commands there.\n"
        "It asks before it does (settings: tools.approval). Its keys stay in ~/.genesis, where it may not look.\n"
    )
    if not _yes("Go on?"):
        raise GenesisError("Nothing was changed.")


def ask_place(base_url: str | None, choice: str | None) -> Mapping[str, Any]:
    """Which gateway: the one given, one that runs on this machine, or the public one. Gives changes of the wishes."""
    chosen = {"choice": choice or "kilocode-api-key"}
    if base_url is not None or not _gateway_runs_here():
        return chosen
    if _yes(f"A Kilo Gateway runs on this machine ({LOCAL_GATEWAY}). Use it?"):
        return chosen | {"base_url": LOCAL_BASE}
    return chosen


def ask_key(prompt: str, variable: str, in_environ: str, *, has_stored: bool) -> str:
    """The key that the person gives; "" to keep the stored one."""
    if in_environ and _yes(f"Use existing {variable} (env: {variable}, {preview(in_environ)})?"):
        return in_environ
    if has_stored and _yes("Keep the key that is stored?"):
        return ""
    while True:
        key = normalise(clean_paste(getpass.getpass(f"{prompt}: ")))
        if key:
            return key
        sys.stdout.write("Required\n")


def check_key(base_url: str, key: Secret, *, is_strict: bool) -> str:
    """Try the key; a sentence about it. Raises GenesisError if the gateway refuses it (and `is_strict`)."""
    import httpx

    body = {"model": "kilo/auto", "max_tokens": 1, "messages": []}
    try:
        answer = httpx.post(
            f"{base_url}chat/completions",
            json=body,
            headers={"Authorization": f"Bearer {key.reveal()}"},
            timeout=_CHECK_S,
            follow_redirects=False,
        )
    except httpx.HTTPError as error:
        return f"The gateway {base_url} cannot be reached now ({type(error).__name__}): the key is stored, and not tried."
    if answer.status_code in {401, 403}:
        text = f"The gateway {base_url} refuses this key (HTTP {answer.status_code}). Get a new one and run `genesis onboard` again."
        if is_strict:
            raise GenesisError(text)
        return text
    # Nothing to answer was sent: any other status means that the key was let in.
    return f"The key works at {base_url}."


def device_login(base_url: str, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """Log in without typing a key: open a page, confirm a code (RFC 8628). The key that the gateway gives."""
    import httpx

    begun = _post(httpx, f"{base_url}device/code", {"client_id": "genesis"})
    if begun.status_code == 404:
        raise GenesisError(
            f"The gateway {base_url} has no device login. Use --auth-choice kilocode-api-key."
        )
    asked = _object(begun)
    code, user_code = asked.get("device_code"), asked.get("user_code")
    page = asked.get("verification_uri_complete") or asked.get("verification_uri")
    if not (isinstance(code, str) and isinstance(user_code, str) and isinstance(page, str)):
        raise GenesisError(
            f"The gateway {base_url} answered its device login in a form that Genesis does not know."
        )
    sys.stdout.write(f"Open {page}\nand confirm the code {user_code}\n")
    wait_s = float(asked.get("interval") or 5)
    left_s = float(asked.get("expires_in") or 900)
    while left_s > 0:
        sleep(wait_s)
        left_s -= wait_s
        grant = {
            "client_id": "genesis",
            "device_code": code,
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        }
        answer = _object(_post(httpx, f"{base_url}device/token", grant))
        token = answer.get("access_token") or answer.get("token")
        if isinstance(token, str) and token:
            return normalise(token)
        problem = answer.get("error")
        if problem == "slow_down":
            wait_s = min(wait_s + 5, _SLOWEST_POLL_S)
        elif problem != "authorization_pending":
            raise GenesisError(f"The login was not confirmed ({problem}). Run the command again.")
    raise GenesisError("The code has expired before it was confirmed. Run the command again.")


def _post(httpx: Any, url: str, form: Mapping[str, str]) -> Any:
    try:
        return httpx.post(url, data=dict(form), timeout=_CHECK_S, follow_redirects=False)
    except httpx.HTTPError as error:
        raise GenesisError(
            f"The gateway cannot be reached at {url} ({type(error).__name__})."
        ) from None


def _object(response: Any) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _gateway_runs_here() -> bool:
    import httpx

    try:
        return bool(httpx.get(f"{LOCAL_GATEWAY}/health/live", timeout=_LOOK_S).status_code == 200)
    except httpx.HTTPError:
        return False


def _yes(question: str) -> bool:
    while True:
        sys.stdout.write(f"{question} [Y/n] ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise GenesisError(
                "No answer: the input has ended. Use --non-interactive with options instead."
            )
        word = line.strip().lower()
        if word in {"", "y", "yes"}:
            return True
        if word in {"n", "no"}:
            return False
