"""The Reason of an error (genesis.md 9.2): its status is asked first, then its symbolic code, then its text.

What an error wraps is asked when the error itself says nothing, says only that a wait was ended, or says that the
conversation was too long: a wrapper's word is weaker there than that of what it wraps.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from genesis.core.fault import ProviderError, Reason
from genesis.failover import rules
from genesis.failover.rules import Kind
from genesis.failover.signals import Failure, Signal, signals


@dataclass(frozen=True)
class Verdict:
    """Why it failed. `reason` None: not known, or nobody's failure. `status` as given, else the reason's own."""

    reason: Reason | None = None
    status: int | None = None
    is_context_overflow: bool = False


def classify(error: Failure, *, provider: str = "") -> Reason | None:
    """Why the model did not answer, or None."""
    return verdict(error, provider=provider).reason


def is_context_overflow(error: Failure) -> bool:
    """Was the conversation too long for the model? Such an error is mended by compaction, never by another model."""
    return verdict(error).is_context_overflow


def verdict(error: Failure, *, provider: str = "") -> Verdict:
    """Why the model did not answer, with a status for it."""
    weak = Verdict()
    for signal in signals(error):
        kind = _kind(signal, provider.strip().lower())
        if kind in {None, "none"}:
            continue
        if kind == "context_overflow":
            found = Verdict(status=signal.status, is_context_overflow=True)
        else:
            reason = cast("Reason", kind)
            found = Verdict(reason, signal.status or rules.REASON_STATUS[reason])
            if not (signal.is_abort and reason == "timeout"):
                return found
        weak = found if weak == Verdict() else weak
    return weak


def is_user_abort(error: Failure) -> bool:
    """Did the user stop it? An abort with more words than that is a provider's or a timer's, and tried elsewhere."""
    aborts = isinstance(error, ProviderError) and error.is_abort
    return aborts and str(error).strip().lower().rstrip(".") in rules.PLAIN_ABORTS


def is_billing_text(text: str) -> bool:
    """Does the text say that money is missing?"""
    lowered = text.lower()
    found = (rules.STATUS_402, rules.CREDIT_WORDS, rules.BILLING)
    return any(rule.search(lowered) for rule in found)


def leading_status(text: str) -> int | None:
    """The HTTP status that a text begins with."""
    found = rules.LEADING_STATUS.match(text)
    return int(found.group(1)) if found else None


def _kind(signal: Signal, provider: str) -> Kind | None:
    text = signal.text.strip().lower()
    leading = leading_status(text)
    status = signal.status or (leading if leading not in rules.TRANSIENT_STATUSES else None)
    by_text = _text_kind(text, leading, provider)
    by_code = rules.CODES.get((signal.code or "").strip().upper())
    if status in _BY_STATUS:
        kind = _BY_STATUS[status](text, by_text)
        # Of a refused request the code knows more than the lack of a text, or of a rule for it.
        return by_code if by_code and kind in {"none", "format"} else kind
    return by_code or by_text or _own_code(signal.code)


def _own_code(code: str | None) -> Kind | None:
    # Codes that are no fixed names (`invalid_api_key`, `overloaded_error`) read like texts.
    return _text_kind(code.lower(), None, "") if code else None


def _text_kind(text: str, leading: int | None, provider: str) -> Kind | None:
    before = (*rules.PROVIDER_TEXTS.get(provider, ()), *rules.TEXT_BEFORE_402)
    if found := _first(before, text):
        return found
    if rules.CONTEXT_OVERFLOW.search(text) and not rules.PER_MINUTE.search(text):
        return "context_overflow"
    if rules.STATUS_402.search(text):
        return _payment(text)
    if found := _first(rules.TEXT_BEFORE_STATUS, text):
        return found
    if leading in rules.TRANSIENT_STATUSES:
        return "timeout"
    return _first(rules.TEXT_AFTER_STATUS, text)


def _first(table: tuple[tuple[Kind, re.Pattern[str]], ...], text: str) -> Kind | None:
    return next((kind for kind, rule in table if rule.search(text)), None)


def _payment(text: str, by_text: Kind | None = None) -> Kind:
    del by_text  # a 402 has its own reading of limits
    if rules.CREDIT_WORDS.search(text):
        return "billing"
    return "rate_limit" if rules.TEMPORARY_402.search(text) else "billing"


def _refused(text: str, by_text: Kind | None) -> Kind:
    if rules.AUTH_PERMANENT.search(text):
        return "auth_permanent"
    is_billing = by_text == "billing" or rules.CREDIT_WORDS.search(text)
    return "billing" if is_billing else "auth"


def _absent(text: str, by_text: Kind | None) -> Kind:
    del text
    known = {"session_expired", "auth", "auth_permanent", "billing", "context_overflow"}
    return by_text if by_text in known and by_text else "model_not_found"


def _gone(text: str, by_text: Kind | None) -> Kind:
    del text
    known = {"session_expired", "auth", "auth_permanent", "billing"}
    return by_text if by_text in known and by_text else "timeout"


def _unready(text: str, by_text: Kind | None) -> Kind:
    del by_text
    return "overloaded" if rules.OVERLOADED.search(text) else "timeout"


def _rejected(text: str, by_text: Kind | None) -> Kind:
    if not text or rules.NO_BODY.match(text):
        return "none"
    return by_text or "format"


def _always(kind: Kind) -> Callable[[str, Kind | None], Kind]:
    return lambda _text, _by_text: kind


_BY_STATUS: dict[int | None, Callable[[str, Kind | None], Kind]] = {
    400: _rejected,
    401: _refused,
    402: _payment,
    403: _refused,
    404: _absent,
    408: _always("timeout"),
    410: _gone,
    422: _rejected,
    429: _always("rate_limit"),
    499: _unready,
    500: _always("timeout"),
    502: _always("timeout"),
    503: _unready,
    504: _always("timeout"),
    529: _always("overloaded"),
}
