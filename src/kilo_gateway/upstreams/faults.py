"""What vendors' errors mean: every code, type and phrase we know, with its evidence, and the Fault made of it.

Codes decide first, then types, then phrases, then the status. Lack of credit comes before rate limits, since both are
told as 429 and only one of them passes. Evidence is an exchange of the recorded traffic (`groq.openai-chat.b75f859e`)
or "docs:" with the vendor that documents it.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.redaction import MAX_CHARACTERS, strike
from kilo_gateway.upstreams.retry_after import limit_wait_s, text_wait_s, told_wait_s

MAX_BODY_BYTES = 65_536

_CREDIT = Kind.UPSTREAM_NO_CREDIT
_KEY = Kind.UPSTREAM_REFUSED_KEY
_MODEL = Kind.UPSTREAM_NO_MODEL
_RATE = Kind.UPSTREAM_RATE_LIMITED
_BUSY = Kind.UPSTREAM_OVERLOADED
_ERROR = Kind.UPSTREAM_ERROR
_REJECTED = Kind.UPSTREAM_REJECTED
_OVERFLOW = Kind.CONTEXT_OVERFLOW
_FILTER = Kind.CONTENT_FILTERED


class Word(NamedTuple):
    """A word (lower case) that a vendor uses as code or type, what it means, and where that was seen."""

    word: str
    kind: Kind
    evidence: str


class Phrase(NamedTuple):
    """A pattern for a vendor's sentence (lower case), what it means, and where that was seen."""

    pattern: re.Pattern[str]
    kind: Kind
    evidence: str


CODES = (
    Word("insufficient_quota", _CREDIT, "docs: OpenAI error codes, 429"),
    Word("billing_hard_limit_reached", _CREDIT, "docs: OpenAI error codes"),
    Word("billing_not_active", _CREDIT, "docs: OpenAI error codes"),
    Word("insufficient_credits", _CREDIT, "docs: Perplexity, Vercel"),
    Word("1113", _CREDIT, "docs: Z.AI error codes, 429 account balance exhausted"),
    Word("invalid_api_key", _KEY, "openai.openai-chat.32844efe"),
    Word("api_key_invalid", _KEY, "gemini.embeddings.c40596d1, a 400"),
    Word("unsupported_country_region_territory", _KEY, "docs: OpenAI error codes, 403"),
    Word("model_not_found", _MODEL, "openai.openai-chat.ecf190c1"),
    Word("deploymentnotfound", _MODEL, "azure.openai-chat.1b5ad5b7"),
    Word("model_decommissioned", _MODEL, "groq.openai-chat.e96f92cd, a 400"),
    Word("model_not_available", _MODEL, "docs: Together"),
    Word("1211", _MODEL, "docs: Z.AI error codes, unknown model"),
    Word("context_length_exceeded", _OVERFLOW, "docs: OpenAI, Groq, Cerebras"),
    Word("tokens_limit_reached", _OVERFLOW, "docs: GitHub Models, 413"),
    Word("1261", _OVERFLOW, "docs: Z.AI error codes, prompt exceeds max length"),
    Word("content_filter", _FILTER, "docs: Azure OpenAI content filtering"),
    Word("responsibleaipolicyviolation", _FILTER, "docs: Azure OpenAI innererror"),
    Word("content_policy_violation", _FILTER, "docs: OpenAI"),
    Word("data_inspection_failed", _FILTER, "docs: Alibaba Model Studio"),
    Word("tool_use_failed", _ERROR, "groq.openai-chat.4f5f5738: the model wrote a bad tool call"),
    Word("ratelimitreached", _RATE, "azure.openai-chat.4fc55f4d"),
    Word("rate_limit_exceeded", _RATE, "docs: OpenAI, Groq (413 for tokens per minute)"),
)
TYPES = (
    Word("insufficient_quota", _CREDIT, "docs: OpenAI"),
    Word("exceeded_current_quota_error", _CREDIT, "docs: Moonshot, 429"),
    Word("billing_error", _CREDIT, "docs: Anthropic errors, 402"),
    Word("insufficient_balance", _CREDIT, "docs: DeepSeek"),
    Word("too_many_prompt_tokens", _OVERFLOW, "perplexity.openai-chat.74022e6e"),
    Word("exceed_context_size_error", _OVERFLOW, "docs: llama.cpp server"),
    Word("content_filter", _FILTER, "docs: Moonshot, 400"),
    Word("invalid_api_key", _KEY, "perplexity.openai-chat.e9142216"),
    Word("authentication_error", _KEY, "anthropic.anthropic-messages.3dae99f6"),
    Word("invalid_authentication_error", _KEY, "docs: Moonshot"),
    Word("incorrect_api_key_error", _KEY, "docs: Moonshot"),
    Word("unauthenticated", _KEY, "docs: Google RPC status"),
    Word("permission_error", _KEY, "docs: Anthropic errors, 403"),
    Word("invalid_model", _MODEL, "docs: Mistral, a 400"),
    Word("not_found_error", _MODEL, "anthropic.anthropic-messages.f7e80b21"),
    Word("resource_not_found_error", _MODEL, "docs: Moonshot"),
    Word("resource_exhausted", _RATE, "gemini.gemini-generate.0d4b01b1"),
    Word("rate_limit_error", _RATE, "docs: Anthropic errors"),
    Word("rate_limit_reached_error", _RATE, "docs: Moonshot"),
    Word("engine_overloaded_error", _BUSY, "docs: Moonshot, a 429"),
    Word("overloaded_error", _BUSY, "docs: Anthropic errors, 529"),
)
# Looked for in the vendor's message only: gateway-cases K11.
OVERFLOW_PHRASES = tuple(
    Phrase(re.compile(pattern), _OVERFLOW, evidence)
    for pattern, evidence in (
        (
            r"maximum context length (?:is|of) \d",
            "deepseek.openai-chat.1f945b02; docs: OpenAI, vLLM, OpenRouter",
        ),
        (r"prompt is too long", "anthropic.anthropic-messages.290c1ad6"),
        (r"input length and .?max_tokens.? exceed context limit", "docs: Anthropic"),
        (
            r"input token count.{0,20} exceeds the maximum number of tokens",
            "vertexai.gemini-generate.a4fc5d9c",
        ),
        (
            r"exceeds? the (?:available )?context (?:size|window|length)",
            "docs: llama.cpp, OpenAI, Ollama",
        ),
        (r"too large for model with \d+ maximum context length", "docs: Mistral"),
        (r"maximum prompt length is \d", "docs: xAI"),
        (r"reduce the length of the messages", "docs: Groq, Cerebras"),
        (r"inputs.? tokens \+ .?max_new_tokens.? must be <=", "docs: Together, TGI"),
        (r"input token count \+ max_tokens parameter must be less", "docs: Together, a 403"),
        (r"context length of only \d", "docs: LM Studio"),
        (r"context size has been exceeded", "docs: LM Studio, MLX"),
        (r"exceeded model token limit", "docs: Moonshot"),
        (r"input token length too long", "docs: Moonshot"),
        (r"prompt exceeds max length", "docs: Z.AI"),
        (r"context window exceeds limit", "docs: MiniMax"),
        (r"input is too long for requested model", "docs: Bedrock"),
        (r"input tokens exceeds maximum length", "bedrock.bedrock-converse.0dd6ad59"),
    )
)
PHRASES = tuple(
    Phrase(re.compile(pattern), kind, evidence)
    for pattern, kind, evidence in (
        (r"credit balance is too low", _CREDIT, "docs: Anthropic, a 400"),
        (r"insufficient (?:balance|credits|funds)", _CREDIT, "docs: DeepSeek, OpenRouter, Z.AI"),
        (r"used all available credits|spending limit", _CREDIT, "docs: xAI, a 429"),
        (r"exceeded your current quota", _CREDIT, "docs: OpenAI (Google's has resource_exhausted)"),
        (
            r"incorrect api key|invalid api key|api key not valid",
            _KEY,
            "xai.openai-responses.7dd7366c, a 400",
        ),
        (r"missing authentication header", _KEY, "openrouter.openrouter-chat.6279632f"),
        (r"violates? usage guidelines", _FILTER, "openrouter.openrouter-chat.a4eef349"),
        (r"requires moderation", _FILTER, "docs: OpenRouter, 403"),
        (r"content management policy", _FILTER, "docs: Azure OpenAI"),
        (r"unsafe or sensitive content", _FILTER, "docs: Z.AI"),
        (r"not allowed to sample from this model", _MODEL, "openai.openai-chat.4deb22a0, a 403"),
        (r"this is not a chat model", _REJECTED, "openai.openai-chat.a6f696db, a 404"),
        (r"no endpoints found", _MODEL, "openrouter.openrouter-chat.268860a2"),
        (r"model identifier is invalid", _MODEL, "bedrock.bedrock-converse.16dffc09, a 400"),
        (
            r"is not a valid model id|model not exist|not a valid model",
            _MODEL,
            "docs: OpenRouter, DeepSeek, 400",
        ),
        (
            r"model \S{1,200} (?:is not supported|not found)",
            _MODEL,
            "voyageai.embeddings.9c4b420f, a 400",
        ),
        (
            r"^only .{1,1900} allowed now, your model",
            _MODEL,
            "api.hyperbolic.xyz.openai-chat.837ee359",
        ),
        (
            r"(?:engine|model) is currently overloaded|server is overloaded",
            _BUSY,
            "docs: OpenAI, Moonshot",
        ),
    )
)
STATUSES = {
    401: _KEY,
    402: _CREDIT,
    403: _KEY,
    404: _MODEL,
    405: _ERROR,
    407: _ERROR,
    408: _ERROR,
    409: _ERROR,
    412: _CREDIT,  # docs: Fireworks, account suspended
    424: _ERROR,  # docs: Bedrock, ModelErrorException
    425: _ERROR,
    429: _RATE,
    498: _BUSY,  # docs: Groq, flex tier
    503: _BUSY,
    529: _BUSY,  # docs: Anthropic
}
MESSAGES = {
    _CREDIT: "This model is not available for the moment. Try another model, or again later.",
    _KEY: "The gateway could not sign in at this model's upstream. Try another model; the operator can see why in the log.",
    _MODEL: "The upstream has no such model, or none that fits this request. Choose another model from /models.",
    _RATE: "The upstream's rate limit is reached. Wait and try again, or use another model.",
    _BUSY: "The upstream is overloaded. Wait and try again, or use another model.",
    _ERROR: "The upstream failed to answer (status {status}). Try again, or use another model.",
    _REJECTED: "The upstream rejected the request (status {status}) without saying why. Check its fields.",
    _OVERFLOW: "The request is longer than the model's context. Shorten it, or use a model with a larger context.",
    _FILTER: "The upstream's content filter stopped the request. Change its content, or use another model.",
}
# Faults of the caller's own making: these are told in the vendor's words.
_TOLD = frozenset({_REJECTED, _OVERFLOW, _FILTER})
_WAITS = frozenset({_RATE, _BUSY, _ERROR})
_NEVER_SHOWN = frozenset({401, 402, 403, 407, 429})


class _Told(NamedTuple):
    """What an error body says: its words, sentence, further text, field, hints how long to wait, and JSON form."""

    codes: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    message: str = ""
    other: str = ""
    param: str | None = None
    waits: tuple[str, ...] = ()
    headers: Mapping[bytes, bytes] = {}
    status: int | None = None
    reply: bytes | None = None


def classify(status: int, headers: Mapping[bytes, bytes], body: bytes, *, now: float) -> Fault:
    """The Fault for a reply of status >= 400. `now` is in seconds since the epoch, for dates in headers."""
    told = _read(body)
    fault = _fault(status, told)
    if fault.kind in _WAITS:
        fault.retry_after = told_wait_s(headers, now=now)
    if fault.kind is _RATE and fault.retry_after is None:
        fault.retry_after = text_wait_s((*told.waits, told.message))
        if fault.retry_after is None:
            fault.retry_after = limit_wait_s({**told.headers, **headers}, now=now)
    return fault


def fault_in_reply(error: bytes, *, status: int = 200) -> Fault:
    """The Fault for the value of an `error` member (JSON text) met inside a reply that began well.

    The error's own numeric code stands for the status; without one it counts as the upstream's failure.
    """
    told = _read(b'{"error":%b}' % error)
    inner = told.status or (status if status >= 400 else 500)
    fault = _fault(inner, told)
    if fault.kind is _RATE:
        fault.retry_after = text_wait_s((*told.waits, told.message))
    return fault


def _fault(status: int, told: _Told) -> Fault:
    kind = _kind(status, told)
    said = strike(told.message or told.other)
    detail = f"upstream answered {status}: {' '.join(sorted(told.codes | told.types))}: {said}"
    if kind not in _TOLD:
        # What is our own upstream's trouble has our own words; a bad tool call is worth seeing, though.
        is_shown = "tool_use_failed" in told.codes
        return Fault(
            kind,
            said if is_shown else MESSAGES[kind].format(status=status),
            detail=detail[:MAX_CHARACTERS],
            status=400 if is_shown else None,
            reply=_reply(told, said) if is_shown else None,
        )
    return Fault(
        kind,
        said if said and told.reply is not None else MESSAGES[kind].format(status=status),
        detail=detail[:MAX_CHARACTERS],
        status=status if 400 <= status < 600 and status not in _NEVER_SHOWN else None,
        param=told.param,
        reply=_reply(told, said),
    )


def _kind(status: int, told: _Told) -> Kind:
    if status == 402:
        return _CREDIT
    for words, said in ((CODES, told.codes), (TYPES, told.types)):
        for row in words:
            if row.word in said:
                return row.kind
    message = told.message.lower()
    for phrases, text in (
        (OVERFLOW_PHRASES, message),
        (PHRASES, f"{message} {told.other.lower()}".strip()),
    ):
        for phrase in phrases:
            if phrase.pattern.search(text):
                return phrase.kind
    return STATUSES.get(status, _REJECTED if status < 500 else _ERROR)


def _reply(told: _Told, said: str) -> bytes | None:
    """The vendor's body for the caller: unchanged but for what is struck out; a short one if it is too long."""
    if told.reply is None:
        return None
    if len(told.reply) <= MAX_CHARACTERS:
        struck = strike(told.reply.decode()).encode()
        if struck == told.reply or _is_json(struck):
            return struck
    error = {"message": said, "type": "invalid_request_error", "param": told.param, "code": None}
    return msgspec.json.encode({"error": error})


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _read(body: bytes) -> _Told:
    """What a body says, whatever its shape. A body that is not JSON is only looked through if it is short text."""
    try:
        value = msgspec.json.decode(body) if len(body) <= MAX_BODY_BYTES else None
        text = body.decode()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        value, text = None, body[:MAX_CHARACTERS].decode("utf-8", "replace")
    if isinstance(value, list) and value:
        value = value[0]  # Gemini's OpenAI-compatible endpoint wraps its error in an array
    if not isinstance(value, dict):
        return _Told(other="" if text.lstrip().startswith("<") else text[:MAX_CHARACTERS])
    error = value.get("error")
    if isinstance(error, dict):
        return _read_error(error, value, text.strip().encode())
    return _read_error(value, value, text.strip().encode())


def _read_error(error: dict[str, Any], whole: dict[str, Any], reply: bytes) -> _Told:
    """Reads {message, type, code, param, status, details, metadata}, in the error or beside it."""
    inner = _mapping(error.get("innererror"))
    metadata = _mapping(error.get("metadata"))
    details = [row for row in _list(error.get("details")) if isinstance(row, dict)]
    codes = [error.get("code"), inner.get("code")]
    codes += [row.get("reason") for row in details]
    message = _text(error.get("message")) or _text(whole.get("error"))
    raw = _text(metadata.get("raw"))
    if raw:  # OpenRouter quotes the vendor that it asked
        told = _read(raw.encode()[:MAX_BODY_BYTES])
        codes += told.codes
        message = f"{message}: {told.message or told.other}"
    return _Told(
        codes=_words(codes),
        types=_words([error.get("type"), error.get("status"), whole.get("error_type")]),
        message=message,
        other=_detail(whole.get("detail")) or _detail(error.get("message")),
        param=_text(error.get("param")) or None,
        waits=tuple(_text(row["retryDelay"]) for row in details if "retryDelay" in row),
        headers=_headers(metadata.get("headers")),
        status=_status(error),
        reply=reply,
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _words(values: list[Any]) -> frozenset[str]:
    return frozenset(
        str(value)[:100].lower() for value in values if isinstance(value, str | int) and value
    )


def _detail(value: object) -> str:
    """FastAPI's and Mistral's `detail`: a text, or rows with `msg` and `loc`."""
    if isinstance(value, dict):
        value = value.get("detail") or value.get("message")
    rows = [
        f"{'.'.join(str(part) for part in _list(row.get('loc')))}: {_text(row.get('msg'))}"
        for row in _list(value)[:20]
        if isinstance(row, dict)
    ]
    return "; ".join(rows) if rows else _text(value)


def _headers(value: object) -> Mapping[bytes, bytes]:
    """Headers that OpenRouter quotes in `error.metadata.headers`."""
    if not isinstance(value, dict):
        return {}
    return {
        str(name).lower().encode(): str(text).encode() for name, text in list(value.items())[:20]
    }


def _status(error: dict[str, Any]) -> int | None:
    for name in ("status_code", "code"):
        value = error.get(name)
        number = (
            int(value)
            if isinstance(value, str) and value.isdecimal() and len(value) == 3
            else value
        )
        if isinstance(number, int) and 400 <= number < 600:
            return number
    return None
