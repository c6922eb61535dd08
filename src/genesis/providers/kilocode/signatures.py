"""Thought signatures cleaned before a conversation is sent again (genesis.md 8.2). Pure, on copies.

Blocks are plain objects here, since sessions of other programs hold fields that our own blocks do not have.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

_ALPHABET = re.compile(r"[A-Za-z0-9+/=_-]+")


def is_gemini(model_id: str) -> bool:
    """Whether a model's id speaks of Gemini."""
    return "gemini" in model_id.lower()


def clean_messages(
    messages: Sequence[dict[str, Any]], model_id: str, *, both_spellings: bool = False
) -> list[dict[str, Any]]:
    """Copies of the messages with the signatures removed that the model's provider would refuse.

    For Gemini only valid base64 stays, under both spellings of the field. For others what begins with `msg_` goes;
    `both_spellings` makes that hold for `thoughtSignature` too.
    """
    for_gemini = is_gemini(model_id)
    names = (
        ("thought_signature", "thoughtSignature")
        if for_gemini or both_spellings
        else ("thought_signature",)
    )

    def goes(value: object) -> bool:
        if for_gemini:
            return not is_base64(value)
        return isinstance(value, str) and value.startswith("msg_")

    def cleaned(block: Any) -> Any:
        if not isinstance(block, dict):
            return block
        return {
            name: value for name, value in block.items() if name not in names or not goes(value)
        }

    return [
        message | {"content": [cleaned(block) for block in message["content"]]}
        if _is_cleanable(message)
        else message
        for message in messages
    ]


def is_base64(value: object) -> bool:
    """Whether a value is base64 or base64url of at least one byte, written canonically; white space does not count."""
    if not isinstance(value, str):
        return False
    text = "".join(value.split())
    if not text or not _ALPHABET.fullmatch(text):
        return False
    body = text.rstrip("=")
    is_url = "-" in text or "_" in text
    if is_url and ("+" in text or "/" in text):
        return False
    altchars = b"-_" if is_url else b"+/"
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=altchars, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(data) and base64.b64encode(data, altchars=altchars).decode().rstrip("=") == body


def _is_cleanable(message: dict[str, Any]) -> bool:
    return (
        message.get("role") == "assistant"
        and isinstance(message.get("content"), list)
        and message.get("stopReason") != "error"
    )
