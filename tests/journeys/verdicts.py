"""How what came of an exchange differs from what must come of it: each function gives a sentence, or None."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.journeys.expectations import USAGE, Expected
from tests.journeys.replay import Exchange
from tests.journeys.wire import Answer, Heard

UPSTREAM_KEY = "sk-upstream-0123456789abcdef"


def wrong_in_head(heard: Heard, exchange: Exchange, call: str, client_key: str) -> str | None:
    """Whether upstream was asked at the right path, with its own key and nothing of the client's."""
    if heard.target != f"/v1{exchange.path}?call={call}":
        return f"upstream was asked at {heard.target}"
    if heard.headers.get("authorization") != f"Bearer {UPSTREAM_KEY}":
        return "upstream did not get its key"
    if any(client_key in value for value in heard.headers.values()):
        return "upstream got the client's key"
    return None


def wrong_in_answer(
    exchange: Exchange, expected: Expected, answer: Answer, call: str
) -> str | None:
    """How the client's answer differs from what it must be; None if it does not."""
    wrong = wrong_in_reply_head(exchange, expected, answer, call)
    if wrong is not None or is_fault(expected, answer):
        return wrong or wrong_in_fault(exchange, expected, answer)
    if expected.is_cut:
        return wrong_in_cut(expected, answer)
    return None if answer.body == expected.body else difference(expected.body, answer.body)


def is_fault(expected: Expected, answer: Answer) -> bool:
    """Whether the answer is an HTTP error, and may be."""
    return expected.is_fault or (expected.may_be_fault and answer.status >= 400)


def wrong_in_reply_head(
    exchange: Exchange,
    expected: Expected,
    answer: Answer,
    call: str,
    streams: str = "text/event-stream",
) -> str | None:
    """Whether an answer is whole, has the call's id, and status and content type of what upstream sent."""
    if not answer.is_whole:
        return f"the answer was cut: {shown(answer)}"
    if answer.headers.get("x-request-id") != call:
        return "the answer has another x-request-id"
    if is_fault(expected, answer):
        return None
    if answer.status != 200:
        return f"status {answer.status}: {shown(answer)}"
    usual = streams if exchange.is_streamed else exchange.content_type
    if not answer.headers.get("content-type", "").startswith(usual):
        return f"content-type {answer.headers.get('content-type')}"
    return None


def wrong_in_cut(expected: Expected, answer: Answer) -> str | None:
    """A stream that ended without an end: an error event and [DONE] follow what came."""
    came = expected.body.removesuffix(b"data: [DONE]\n\n")
    if not answer.body.startswith(came):
        return difference(came, answer.body)
    rest = answer.body[len(came) :]
    found = re.fullmatch(rb"data: (\{.*\})\n\ndata: \[DONE\]\n\n", rest)
    if found is None or not json.loads(found[1])["error"]["message"]:
        return f"a cut stream ends with {rest[-200:]!r}"
    return None


def wrong_in_fault(exchange: Exchange, expected: Expected, answer: Answer) -> str | None:
    """An error must have a status that fits, both shapes of our errors, and the vendor's words where they are the
    caller's to know."""
    statuses = expected.statuses if expected.is_fault else tuple(range(400, 600))
    if answer.status not in statuses:
        return f"status {answer.status}, not one of {statuses[:5]}: {shown(answer)}"
    body = json.loads(answer.body)
    told = recorded_error(exchange)
    if answer.status == exchange.status and exchange.status in {400, 422} and told is not None:
        return wrong_in_passed_on(told, body)
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return None if message else f"an error without a message: {shown(answer)}"


def recorded_error(exchange: Exchange) -> dict[str, Any] | None:
    """The recorded error body if it is a JSON object."""
    try:
        value = json.loads(exchange.reply)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def wrong_in_passed_on(told: dict[str, Any], body: dict[str, Any]) -> str | None:
    """What the caller did wrong is told in the vendor's words: every member as it came, but for struck secrets."""
    error = body.get("error")
    if isinstance(error, dict) and "error_type" not in (told.get("error") or "error_type"):
        # Messages has room for it there alone.
        body = body | {"error": {name: error[name] for name in error if name != "error_type"}}
    for name, value in told.items():
        wanted = json.dumps(value, sort_keys=True)
        got = json.dumps(body.get(name), sort_keys=True)
        pattern = re.escape(got).replace(re.escape("***"), ".*?")
        if not re.fullmatch(pattern, wanted, re.DOTALL):
            return f"the vendor's {name} became {got[:200]}"
    extra = body.keys() - told.keys() - {"error_type"}
    return f"members added to the vendor's error: {extra}" if extra else None


def wrong_in_refusal(answer: Answer) -> str | None:
    """What the gateway itself refuses is a 400 that names the field."""
    if answer.status != 400:
        return f"upstream was not asked: {shown(answer)}"
    return None if json.loads(answer.body)["error"]["param"] else "no field is named"


_SECRETS = re.compile(rb"\bsk-[\w-]{3,}|\bgsk_\w{4,}|Bearer \S|\borg-\w{8,}|\buser_\w{8,}")


def leaks(answer: Answer, secrets: Iterable[str]) -> str | None:
    """Whether an answer tells what is nobody's business: upstream's address, a key, an account."""
    if answer.status < 400:
        return None
    for secret in secrets:
        if secret.encode() in answer.body:
            return f"the answer tells {secret}"
    found = _SECRETS.search(answer.body)
    return f"the answer tells {found[0]!r}" if found else None


def difference(wanted: bytes, got: bytes) -> str:
    """Where two bodies part."""
    at = next((i for i, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), None)
    at = min(len(wanted), len(got)) if at is None else at
    return f"at byte {at} of {len(wanted)}/{len(got)}: wanted {wanted[max(0, at - 20) : at + 60]!r}, got {got[max(0, at - 20) : at + 60]!r}"


def shown(answer: Answer) -> str:
    return f"{answer.status} {answer.body[:300]!r}"


def wrong_in_entry(
    exchange: Exchange,
    rows: list[dict[str, Any]],
    wanted: Mapping[str, int | None],
    told: Expected,
) -> str | None:
    """How the ledger's rows of one call differ from the usage that its reply told; None if they do not."""
    if len(rows) != 1:
        return f"{len(rows)} entries"
    row = rows[0]
    if row["usage_source"] == "estimated" and not any(wanted.values()):
        ended_badly = told.is_cut or told.may_be_fault
        return None if ended_badly else "estimated for a reply that ended well"
    got = {name: row[name] for name in USAGE}
    if got != wanted:
        parted = {name: (wanted[name], got[name]) for name in USAGE if wanted[name] != got[name]}
        return f"(told, in the ledger) {parted}"
    if row["upstream_model"] != exchange.model or row["status"] != exchange.status:
        return f"entry for {row['upstream_model']}, status {row['status']}"
    return None
