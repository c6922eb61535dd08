"""Marks: what a vendor sealed or signed, in `encrypted_content`, this dialect's only field for it.

A reasoning item carries the mark of the thoughts. Gemini's signatures of calls and of texts have no item of their own:
they travel in a reasoning item in front of the call, or behind the text, whose content begins with `call:` or `text:`.
"""

from typing import Literal, NamedTuple

from kilo_gateway.dialects import seal
from kilo_gateway.dialects.conversation import Vendor

HOME: Vendor = "openai"
Of = Literal["thoughts", "call", "text"]
# OpenAI's sealed thoughts are Fernet tokens.
_OPENAI = "gAAAA"
_MAKERS: tuple[tuple[str, Vendor], ...] = (
    ("grok", "xai"),
    ("claude", "anthropic"),
    ("gemini", "google"),
    ("deepseek", ""),
    ("qwen", ""),
    ("mistral", ""),
    ("llama", ""),
)


class Mark(NamedTuple):
    """A vendor's mark, and on what it stands."""

    data: str
    vendor: Vendor
    of: Of = "thoughts"


def maker_of(model: str) -> Vendor:
    """Whose marks a model leaves. A name that tells nothing is taken for OpenAI's, who made this dialect."""
    name = model.lower()
    for word, vendor in _MAKERS:
        if word in name:
            return vendor
    return HOME


def written(data: str, vendor: Vendor, of: Of = "thoughts") -> str:
    """A mark as it goes to a client."""
    return seal.wrap(data if of == "thoughts" else f"{of}:{data}", vendor, HOME)


def read(content: str, maker: Vendor) -> Mark:
    """A mark out of `encrypted_content`. One that is not wrapped is of the model's maker, unless it shows another's form."""
    data, vendor = seal.unwrap(content, HOME)
    if data == content:
        return Mark(data, HOME if content.startswith(_OPENAI) else maker)
    kind, colon, rest = data.partition(":")
    if colon and kind == "call":
        return Mark(rest, vendor, "call")
    if colon and kind == "text":
        return Mark(rest, vendor, "text")
    return Mark(data, vendor)


def may_join(one: str, other: str) -> bool:
    """Whether two pieces of thinking can be of one item, by their ids."""
    return one == other or not one or not other
