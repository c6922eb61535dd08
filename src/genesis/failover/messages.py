"""The sentences that people read when no model answered (genesis.md 9.6). No key is ever in one.

The order of the questions is that of the functions in `_SENTENCES`: the first one that has a sentence speaks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec

from genesis.core.fault import AuthMissingError, GenesisError, ProviderError
from genesis.core.secret import Secret
from genesis.core.text import printable
from genesis.failover import rules
from genesis.failover.chain import FailoverError
from genesis.failover.classify import is_billing_text, leading_status, verdict
from genesis.failover.redact import redacted

MISSING_KEY = "⚠️ Missing API key for the selected provider on the gateway. Configure provider auth, then try again."  # fmt: skip
RATE_LIMITED = "⚠️ API rate limit reached. Please try again later."
ALL_RATE_LIMITED = "⚠️ All models are temporarily rate-limited. Please try again in a few minutes."
OVERLOADED = "The AI service is temporarily overloaded. Please try again in a moment."
AT_CAPACITY = "⚠️ Selected model is at capacity. Try a different model, or wait and retry."
TIMED_OUT = "LLM request timed out."
SCHEMA = "LLM request failed: provider rejected the request schema or tool payload."
OVERFLOW = (
    "Context overflow: prompt too large for the model. "
    "Try /reset (or /new) to start a fresh session, or use a larger-context model."
)
REASONING = "Reasoning is required by this model: it cannot be switched off. Use /think minimal (or a higher level) and try again."  # fmt: skip
SESSION_EXPIRED = "The provider no longer knows this session. Use /new to start a fresh one."
SOMETHING = (
    "⚠️ Something went wrong while processing your request. "
    "Please try again, or use /new to start a fresh session."
)
BILLING = (
    "⚠️ {who} returned a billing error — your API key has run out of credits or has an insufficient balance. "
    "Check your {whose} billing dashboard and top up or switch to a different API key."
)

NETWORK: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "connection refused by the provider endpoint.",
        re.compile(r"econnrefused|connection refused|connect call failed"),
    ),
    (
        "DNS lookup for the provider endpoint failed.",
        re.compile(
            r"enotfound|eai_again|getaddrinfo|name or service not known|name resolution|nodename nor servname|\bdns\b"
        ),
    ),
    (
        "the provider endpoint is unreachable from this host.",
        re.compile(
            r"ehostunreach|ehostdown|enetunreach|no route to host|network is unreachable|host is down"
        ),
    ),
    (
        "network connection was interrupted.",
        re.compile(
            r"econnreset|econnaborted|epipe|enetreset|socket hang up|server disconnected|broken pipe|peer closed"
            r"|connection (?:was )?(?:reset|aborted|closed|lost|interrupted)|incomplete (?:chunked|message)"
        ),
    ),
    (
        "network connection error.",
        re.compile(r"network (?:connection )?error|fetch failed|connection error|connecterror"),
    ),
)
_PAGE = re.compile(r"<!doctype html|<html[\s>]", re.IGNORECASE)
_SCHEMA = re.compile(
    r"string should match|schema|tool_use\.|tool_call_id|roles must alternate|unexpected role|tools?\.\d"
)
_NAMES_A_RESET = re.compile(
    r"reset|quota|retry[ -]after|(?:try again|ready|wait|retry)[^\n]{0,20}\d|(?:hourly|daily|weekly|monthly)", re.IGNORECASE
)  # fmt: skip
_REASONING = re.compile(
    r"reasoning[^\n]{0,30}(?:mandatory|required|cannot be disabled|can't be disabled)"
)
_REQUEST_ID = re.compile(r"[\s(,;]*\brequest[_ -]?id[\"']?\s*[:=]?\s*[\w-]+\)?", re.IGNORECASE)
LONGEST = 600
LONGEST_LIMIT_TEXT = 300


@dataclass(frozen=True)
class _Case:
    """One failure as the questions see it. `text` is the provider's, `words` lower-case text with the code in front."""

    text: str
    words: str
    status: int | None
    reason: str | None
    is_overflow: bool
    body: "_Body | None"
    provider: str
    model: str

    @property
    def plain(self) -> str:
        """The provider's own sentence, without status and request id."""
        text = self.body.message if self.body else rules.LEADING_STATUS.sub("", self.text)
        return _REQUEST_ID.sub("", text).strip()


@dataclass(frozen=True)
class _Body:
    """A JSON error as providers write it."""

    message: str
    type: str


def user_message(
    error: BaseException | str, provider: str = "", model: str = "", *, secrets: tuple[Secret, ...] = ()
) -> str:  # fmt: skip
    """The sentence for the person whose request failed so."""
    text = _sentence(error, provider, model)
    shown = printable(redacted(text, *secrets))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def all_rate_limited(ready_in_s: float | None) -> str:
    """The sentence for a chain of which every model is limited."""
    if ready_in_s is None:
        return ALL_RATE_LIMITED
    if ready_in_s <= 60:
        return f"⚠️ Rate-limited — ready in ~{max(1, ceil(ready_in_s))}s. Please wait a moment."
    return f"⚠️ Rate-limited — ready in ~{ceil(ready_in_s / 60)} min. Please try again shortly."


def _sentence(error: BaseException | str, provider: str, model: str) -> str:
    if isinstance(error, AuthMissingError):
        return MISSING_KEY
    if isinstance(error, FailoverError) and error.attempts:
        return _of_chain(error)
    if isinstance(error, GenesisError) and not isinstance(error, ProviderError):
        return error.message
    case = _case(error, provider, model)
    return next((found for ask in _SENTENCES if (found := ask(case))), SOMETHING)


def _of_chain(error: FailoverError) -> str:
    if all(one.reason == "rate_limit" for one in error.attempts):
        return all_rate_limited(error.ready_in_s)
    # The model that was asked for says most about what to do; one that nobody understood says least.
    known = [one for one in error.attempts if one.reason != "unknown"]
    told = (known or error.attempts)[0]
    nominal = {**rules.REASON_STATUS}.get(told.reason)  # type: ignore[call-overload]  # "unknown" has none
    failure = told.failure or ProviderError("", status=nominal)
    return _sentence(failure, told.ref.provider, told.ref.model)


def _case(error: BaseException | str, provider: str, model: str) -> _Case:
    text = (error if isinstance(error, str) else str(error)).strip()
    found = verdict(error, provider=provider)
    told = error if isinstance(error, ProviderError) else ProviderError("")
    return _Case(
        text=text,
        words=f"{told.code or ''} {text}".lower(),
        status=told.status or leading_status(text),
        reason=found.reason,
        is_overflow=found.is_context_overflow,
        body=_body(text),
        provider=provider or told.provider,
        model=model or told.model,
    )


def _body(text: str) -> _Body | None:
    """The error of the JSON in the text, if there is one."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        parsed = msgspec.json.decode(text[start:])
    except msgspec.DecodeError:
        return None
    inner: Any = parsed.get("error", parsed) if isinstance(parsed, dict) else None
    if isinstance(inner, str):
        return _Body(inner, "")
    if not isinstance(inner, dict) or not isinstance(inner.get("message"), str):
        return None
    kind = inner.get("type") or inner.get("code")
    return _Body(inner["message"], kind if isinstance(kind, str) else "")


def _overflow(case: _Case) -> str | None:
    return OVERFLOW if case.is_overflow else None


def _reasoning(case: _Case) -> str | None:
    return REASONING if _REASONING.search(case.words) else None


def _page(case: _Case) -> str | None:
    if not _PAGE.search(case.text):
        return None
    is_passing = case.status is None or case.status >= 500 or case.status == 429
    if is_passing:
        code = f" (HTTP {case.status})" if case.status else ""
        return f"The AI service is temporarily unavailable{code}. Please try again in a moment."
    return (
        f"HTTP {case.status}: the address of {case.provider or 'the provider'} answered with a web page, not with an API's error. "
        "Check its baseUrl with `genesis config get models.providers`."
    )


def _billing(case: _Case) -> str | None:
    if case.reason != "billing" and not (case.reason is None and is_billing_text(case.text)):
        return None
    if not case.provider:
        return BILLING.format(who="API provider", whose="provider's")
    model = f" ({case.model})" if case.model else ""
    return BILLING.format(who=case.provider + model, whose=case.provider)


def _rate_limit(case: _Case) -> str | None:
    if case.reason != "rate_limit":
        return None
    says_when = _NAMES_A_RESET.search(case.plain) and len(case.plain) <= LONGEST_LIMIT_TEXT
    return f"⚠️ {case.plain}" if says_when else RATE_LIMITED


def _overloaded(case: _Case) -> str | None:
    if case.reason != "overloaded":
        return None
    return AT_CAPACITY if "at capacity" in case.words else OVERLOADED


def _network(case: _Case) -> str | None:
    # An answer with a status came over a network that worked.
    if case.status is not None or case.body is not None:
        return None
    for words, rule in NETWORK:
        if rule.search(case.words):
            return f"LLM request failed: {words}"
    return None


def _auth(case: _Case) -> str | None:
    if case.reason not in {"auth", "auth_permanent"}:
        return None
    who = case.provider or "The provider"
    what = "does not accept this API key any more" if case.reason == "auth_permanent" else "refused the API key"  # fmt: skip
    code = f" (HTTP {case.status})" if case.status else ""
    target = f" --provider {case.provider}" if case.provider else ""
    return (
        f"⚠️ {who} {what}{code}. See which key is used with `genesis models status`, "
        f"set another with `genesis models auth login{target}`."
    )


def _not_found(case: _Case) -> str | None:
    if case.reason != "model_not_found":
        return None
    name = f'"{case.model}" ' if case.model else ""
    listing = f"/models {case.provider}" if case.provider else "/models"
    return f"⚠️ Model {name}was not found at {case.provider or 'the provider'}. Use {listing} to see what there is, then /model to switch."  # fmt: skip


def _expired(case: _Case) -> str | None:
    return SESSION_EXPIRED if case.reason == "session_expired" else None


def _schema(case: _Case) -> str | None:
    return SCHEMA if case.reason == "format" and _SCHEMA.search(case.words) else None


def _json(case: _Case) -> str | None:
    if case.body is None:
        return None
    head = f"HTTP {case.status}" if case.status else "LLM error"
    kind = f" {case.body.type}" if case.body.type else ""
    return f"{head}{kind}: {case.plain}"


def _timed_out(case: _Case) -> str | None:
    is_wait = case.status in {None, 408, 499, 504}
    return TIMED_OUT if case.reason == "timeout" and is_wait else None


def _status_line(case: _Case) -> str | None:
    if case.status is None or not 400 <= case.status <= 599:
        return None
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"HTTP {case.status}: {case.plain or known.get(case.status, 'error of the provider')}"


_SENTENCES: tuple[Callable[[_Case], str | None], ...] = (
    _overflow,
    _reasoning,
    _page,
    _billing,
    _rate_limit,
    _overloaded,
    _network,
    _auth,
    _not_found,
    _expired,
    _schema,
    _json,
    _timed_out,
    _status_line,
)
