"""Thoughts: whose they are by the `format` of a reasoning detail, and details as they are written."""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.dialects.conversation import SealedThinking, Thinking, Vendor

# What OpenAI's models sealed elsewhere (azure-openai-responses-v1 and others) can only be read there: it is nobody's here.
VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "anthropic-claude-v1": "anthropic",
        "google-gemini-v1": "google",
        "openai-responses-v1": "openai",
        "xai-responses-v1": "xai",
    }
)
_FORMATS: Mapping[Vendor, str] = MappingProxyType(
    {
        "anthropic": "anthropic-claude-v1",
        "google": "google-gemini-v1",
        "openai": "openai-responses-v1",
        "xai": "xai-responses-v1",
        "": "unknown",
    }
)


def vendor_of(form: str | None) -> Vendor:
    """Whose thoughts a detail of that format holds."""
    return VENDORS.get(form or "", "")


def sealed_detail(data: str, vendor: Vendor, ident: str, index: int) -> dict[str, object]:
    """Thoughts that only their vendor can read. For Google, `ident` names the tool call that they belong to."""
    return {
        "type": "reasoning.encrypted",
        "data": data,
        "id": ident or None,
        "format": _FORMATS[vendor],
        "index": index,
    }


def signed_detail(signature: str, vendor: Vendor, index: int) -> dict[str, object]:
    """The signature of a piece of thinking whose text has gone before."""
    return {
        "type": "reasoning.text",
        "signature": signature,
        "format": _FORMATS[vendor],
        "index": index,
    }


def text_detail(text: str, index: int, ident: str = "", *, is_summary: bool) -> dict[str, object]:
    """A piece of thoughts that can be read. Its format is left open: whose it is, its signature tells."""
    kind = "summary" if is_summary else "text"
    detail: dict[str, object] = {"type": f"reasoning.{kind}", kind: text, "index": index}
    if ident:
        detail["id"] = ident
    return detail


def detail_of(
    thought: Thinking | SealedThinking, index: int, vendor: Vendor | None = None
) -> dict[str, object]:
    """A whole piece of thoughts; `vendor` where its own is not told."""
    if isinstance(thought, SealedThinking):
        return sealed_detail(thought.data, thought.vendor, thought.id, index)
    detail = text_detail(thought.text, index, thought.id, is_summary=thought.is_summary)
    if thought.signature:
        detail["signature"] = thought.signature
    detail["format"] = _FORMATS[thought.vendor or vendor or ""]
    return detail
