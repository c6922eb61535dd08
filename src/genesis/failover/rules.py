"""The tables that tell why a model failed: by HTTP status, by symbolic code, by text.

A text is asked rule by rule, from the top; the first rule that fits decides. The order carries meaning: a message of a
full context may speak of "limits", a billing message of "requests", so what is more exact stands above.
Texts are lower-case when a rule sees them.
"""

import re
from typing import Literal

from genesis.core.fault import Reason

# What a text can be beside a Reason: too long for the model (compacted, never failed over), or nobody's failure.
Kind = Reason | Literal["context_overflow", "none"]

REASON_STATUS: dict[Reason, int] = {
    "auth": 401,
    "auth_permanent": 403,
    "billing": 402,
    "rate_limit": 429,
    "overloaded": 503,
    "timeout": 408,
    "format": 400,
    "model_not_found": 404,
    "session_expired": 410,
}

CODES: dict[str, Reason] = {
    **dict.fromkeys(
        (
            "RESOURCE_EXHAUSTED", "RATE_LIMIT", "RATE_LIMITED", "RATE_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS", "THROTTLED",
            "THROTTLING", "THROTTLINGEXCEPTION", "THROTTLING_EXCEPTION",
        ),
        "rate_limit",
    ),
    **dict.fromkeys(("OVERLOADED", "OVERLOADED_ERROR"), "overloaded"),
    **dict.fromkeys(
        (
            "ETIMEDOUT", "ESOCKETTIMEDOUT", "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EAI_AGAIN", "EHOSTUNREACH",
            "EHOSTDOWN", "ENETRESET", "ENETUNREACH", "EPIPE",
        ),
        "timeout",
    ),
}  # fmt: skip

# `HTTP 402: …`, `Error: 429 …`, `521 <!DOCTYPE html>`: the status that a text begins with.
LEADING_STATUS = re.compile(
    r"^\s*(?:error:\s*)?(?:http\s+)?([45]\d\d)(?=[\s:]|$)[\s:]*", re.IGNORECASE
)
NO_BODY = re.compile(
    r"^(?:error:\s*)?(?:http\s*)?\d{3}:?\s*(?:status code)?\s*[:(]?\s*(?:no (?:response )?body)\)?\.?$"
)

IMAGE_SIZE = re.compile(
    r"image (?:exceeds|is too large|dimensions? exceed)|image.{0,40}exceeds? .{0,20}(?:mb|bytes|pixels)"
)
SESSION_EXPIRED = re.compile(
    r"(?:session|conversation)(?: id)? (?:was |has |is )*(?:not found|expired|invalid|does not exist|no longer valid)"
    r"|no such (?:session|conversation)|(?:expired|invalid|unknown) session"
)
MODEL_NOT_FOUND = re.compile(
    r"model[_ ]not[_ ](?:found|available)|(?:unknown|invalid|no such) model\b(?! (?:output|response|param))"
    r"|not a valid model|no endpoints? found for"
    r"|models?[ /:][^\n]{0,160}?(?:does ?n[o']t exist|not found|is not available|is unavailable|is not supported)"
    r"|model[^\n]{0,80}? (?:has been |is )(?:deprecated|retired|removed|decommissioned)"
)
# A count of tokens per minute is a rate, however large the request.
PER_MINUTE = re.compile(r"tokens?[ -]per[ -](?:min|day)|\btp[md]\b")
CONTEXT_OVERFLOW = re.compile(
    r"context[ _](?:overflow|length[ _]exceeded)|request_too_large|prompt is too long|prompt too (?:large|long)"
    r"|(?:maximum|max) context length|context (?:window|length)[^\n]{0,40}(?:exceed|too (?:small|large))"
    r"|exceed[^\n]{0,60}(?:context (?:window|length|size)|max(?:imum)? number of (?:input )?tokens|maximum context)"
    r"|input (?:is )?too (?:long|large)[^\n]{0,40}(?:model|context|token)|too many (?:input |prompt )?tokens"
    r"|request (?:size )?(?:is too large|exceeds)|model_context_window_exceeded"
)

# Words that say outright that money is missing; with them a "limit" is a bill, not a rate.
CREDIT_WORDS = re.compile(
    r"insufficient[ _](?:credits?|balance|funds|account balance)|credit balance|out of credits?|more credits|no credits?"
    r"|(?:add|buy|purchase) (?:more )?(?:credits?|funds)|top[ -]?up|payment required|negative balance|exhausted your credits"
)
BILLING = re.compile(
    r"billing(?: hard limit|_(?:hard_limit|not_active|error))?\b|insufficient_quota|upgrade (?:your )?plan"
    r"|plans? (?:&|and) billing|payment (?:is )?(?:overdue|failed|method)"
)
STATUS_402 = re.compile(
    r"\bstatus(?: code)?[\"']?\s*[:=]?\s*402\b|\bhttp\s*402\b|\berror code:?\s*402\b|[\"']code[\"']\s*:\s*402\b"
    r"|\b(?:got|returned|received) (?:an? )?402\b|^\s*402\b"
)
TEMPORARY_402 = re.compile(
    r"rate[ _-]?limit|try again (?:later|in)|(?:usage|spend|spending)[ -]limit|(?:limit|quota)[^\n]{0,40}(?:reset|refresh)"
    r"|automatic(?:ally)?[^\n]{0,30}(?:quota|refresh)|(?:daily|weekly|monthly|hourly)[ a-z/]*limit"
)
PERIODIC_LIMIT = re.compile(
    r"(?:hourly|daily|weekly|monthly)[ a-z/]{0,30}(?:limit|quota)[ a-z]{0,12} (?:reached|exceeded|exhausted|hit)"
    r"|(?:reached|exceeded|hit|exhausted)[ a-z]{0,30} (?:hourly|daily|weekly|monthly)[ a-z]{0,20} (?:limit|quota)"
)
RATE_LIMIT = re.compile(
    r"rate[ _-]?limit|too many (?:concurrent )?requests|throttl|resource[_ ](?:has been )?exhausted|quota exceeded"
    r"|exceeded[^\n]{0,30}quota|usage limit|requests? per (?:second|minute|hour|day)|tokens?[ -]per[ -](?:min|day)"
    r"|model_cooldown|cooling down|\b429\b"
)
OVERLOADED = re.compile(
    r"overloaded|over capacity|at capacity|high demand|insufficient capacity|no capacity"
)
TRANSIENT_STATUSES = frozenset({500, 502, 503, 504, 521, 522, 523, 524})
AUTH_PERMANENT = re.compile(
    r"(?:api[ _-]?key|token|credentials?|account)[^\n]{0,40}(?:revoked|deactivated|disabled|deleted)"
    r"|(?:revoked|deactivated|disabled|deleted)[^\n]{0,20}(?:api[ _-]?key|account)"
    r"|organi[sz]ation[^\n]{0,40}(?:disabled|not allowed|restricted)|not allowed for (?:this|your) organi[sz]ation"
    r"|permission[^\n]{0,20}organi[sz]ation"
)
AUTH = re.compile(
    r"invalid[ _-]?(?:x-)?(?:api[ _-]?key|token|bearer|credentials?)|incorrect api key|unauthori[sz]ed|authentication"
    r"|no api key|missing api key|api key (?:is )?(?:required|missing|expired|not valid)|permission_error|permission denied"
    r"|access denied|forbidden|token (?:has )?expired|\b40[13]\b"
)
SERVER_ERROR = re.compile(
    r"internal[ _]server[ _]error|server_error|api_error|internal error|bad gateway|service (?:is )?(?:temporarily )?unavailable"
    r"|gateway time-?out|upstream (?:connect )?error"
)
FORMAT = re.compile(
    r"invalid_request_error|invalid request|schema|string should match|tool_use\.|tool_call_id|roles must alternate"
    r"|unexpected (?:role|field|property)|messages?\.\d|missing required|malformed (?:request|json)"
)
TIMEOUT = re.compile(
    r"time[d]?[ -]?out|deadline exceeded|operation was aborted|(?:stream|request|response|connection)[a-z ]{0,14}"
    r"(?:aborted|closed|reset|lost|interrupted|terminated|refused)|socket hang up|fetch failed|network error|network connection"
    r"|econn(?:refused|reset|aborted)|etimedout|enotfound|eai_again|getaddrinfo|name (?:or service not known|resolution)"
    r"|ehostunreach|enetunreach|epipe|empty (?:response|stream)|unhandled stop reason: (?:abort|error|network_error)"
    r"|server disconnected|incomplete (?:chunked|message)|premature(?:ly)? (?:close|end)|finish_reason: network_error"
)

# Asked from the top (genesis.md 9.2). 402 and the leading transient status are asked in classify.py, in their places.
TEXT_BEFORE_402: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("none", IMAGE_SIZE),
    ("session_expired", SESSION_EXPIRED),
    ("model_not_found", MODEL_NOT_FOUND),
)
TEXT_BEFORE_STATUS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("rate_limit", PERIODIC_LIMIT),
    ("rate_limit", RATE_LIMIT),
    ("overloaded", OVERLOADED),
)
TEXT_AFTER_STATUS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("billing", CREDIT_WORDS),
    ("billing", BILLING),
    ("auth_permanent", AUTH_PERMANENT),
    ("auth", AUTH),
    ("timeout", SERVER_ERROR),
    ("format", FORMAT),
    ("timeout", TIMEOUT),
)

# Texts of one provider alone: elsewhere they mean nothing, or something else.
PROVIDER_TEXTS: dict[str, tuple[tuple[Kind, re.Pattern[str]], ...]] = {
    "openrouter": (
        ("billing", re.compile(r"key limit exceeded")),
        ("timeout", re.compile(r"provider returned error")),
    ),
}

# What a user's own stop reads like; any longer text is a provider's or a timer's abort.
PLAIN_ABORTS = frozenset({"", "abort", "aborted", "aborterror", "aborted by user", "cancelled", "this operation was aborted"})  # fmt: skip
