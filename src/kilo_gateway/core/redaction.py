"""Strikes keys, accounts and private addresses out of an upstream's words before anybody else reads them."""

import re
from typing import Any

import msgspec

MAX_CHARACTERS = 2_000
STRUCK = "***"

# No pattern takes a quote or a backslash, so that JSON stays JSON.
_SECRETS = re.compile(
    r"""
      \bsk-[\w*-]{2,}                                   # OpenAI, Anthropic, OpenRouter, DeepSeek, Moonshot
    | \b(?:gsk|csk|pplx|xai|fw|hf|tgp|nvapi|r8|kg|ghp)[_-](?=[\w*-]{0,60}\d)[\w*-]{12,}
    | \bAIza[\w-]{10,}                                  # Google
    | \bAKIA[A-Z0-9]{12,}                               # AWS
    | (?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*        # signed tokens
    | \b(?:user|org|proj|acct|wrkspc)[_-](?=[A-Za-z0-9]*\d)[A-Za-z0-9]{12,}  # accounts
    """,
    re.VERBOSE,
)
_NAMED = re.compile(
    r"""(?i:\b(bearer\ +|(?:api[_-]?key|key|token|secret|password)=)[^\s"'\\&,;]{2,})"""
    r"""|(?i:\b((?:team|key\ id|account|project)[:\ ]\ ?)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})""",
    re.VERBOSE,
)
# Addresses that tell where an upstream is: by number, by port, in a private zone, of an Azure resource.
_ADDRESSES = re.compile(
    r"""\b(?:https?|wss?)://(?:
          [^\s/"'\\@]+@[\w.-]+
        | localhost | \d{1,3}(?:\.\d{1,3}){3} | \[[0-9a-fA-F:.]+\]
        | [\w.-]+\.(?:azure\.com|internal|local|lan|corp|svc)
        | [\w.-]+(?=:\d)
        )[^\s"'\\<>()]*""",
    re.VERBOSE,
)


def strike(text: str) -> str:
    """The text without keys, account ids and private addresses, cut to MAX_CHARACTERS."""
    cut = _strike(text[: MAX_CHARACTERS * 4])  # a bound on the work; what is struck may make room
    return cut if len(cut) <= MAX_CHARACTERS else cut[: MAX_CHARACTERS - 1] + "…"


def strike_json(data: bytes) -> bytes:
    """JSON text, every string of it struck and none cut; the same bytes if nothing is found.

    What is no JSON is struck as text. The caller bounds the size: the time is in proportion to it.
    """
    try:
        value = msgspec.json.decode(data)
        struck = _strike_value(value)
    except (msgspec.DecodeError, RecursionError):
        text = data.decode(errors="replace")
        plain = _strike(text)
        return data if plain == text else plain.encode()
    return data if struck == value else msgspec.json.encode(struck)


def _strike(text: str) -> str:
    text = _SECRETS.sub(STRUCK, _ADDRESSES.sub(STRUCK, text))
    return _NAMED.sub(lambda found: f"{found.group(1) or found.group(2)}{STRUCK}", text)


def _strike_value(value: Any) -> Any:
    if isinstance(value, str):
        return _strike(value)
    if isinstance(value, list):
        return [_strike_value(item) for item in value]
    if isinstance(value, dict):
        return {_strike(name): _strike_value(item) for name, item in value.items()}
    return value
