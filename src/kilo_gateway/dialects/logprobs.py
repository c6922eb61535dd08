"""Logprobs: how likely the tokens of an answer's text were, and what could have stood in their place.

Chat Completions and Responses write a token alike; Gemini keeps what was chosen and what was likely in two lists.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

_EMPTY = frozenset({b"", b"[]", b"null"})
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Logprob(msgspec.Struct, frozen=True):
    """One token. `logprob` is the natural logarithm of its probability, `bytes` its UTF-8 (a token may be half a character);
    `top` are the likeliest tokens at its place, without further ones of their own.
    """

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple["Logprob", ...] = ()


class _Token(msgspec.Struct, gc=False):
    """A token in OpenAI's words."""

    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] | None = None
    top_logprobs: list["_Token"] | None = None


_TOKENS = msgspec.json.Decoder(list[_Token])


def read(raw: msgspec.Raw) -> tuple[Logprob, ...]:
    """OpenAI's list of tokens; nothing for what is none."""
    if bytes(memoryview(raw)[:5]) in _EMPTY:  # of most replies
        return ()
    try:
        return tuple(_read(token) for token in _TOKENS.decode(raw))
    except _UNREADABLE:
        return ()


def _read(token: _Token) -> Logprob:
    top = tuple(_read(one) for one in token.top_logprobs or ())
    return Logprob(token.token, token.logprob, token.bytes, top)


def written(tokens: Iterable[Logprob]) -> list[dict[str, Any]]:
    """The list as OpenAI writes it."""
    return [_written(one) | {"top_logprobs": [_written(top) for top in one.top]} for one in tokens]


def _written(one: Logprob) -> dict[str, Any]:
    given = list(one.token.encode(errors="replace")) if one.bytes is None else list(one.bytes)
    return {"token": one.token, "logprob": one.logprob, "bytes": given}


def of_text(
    text: str, tokens: Sequence[Logprob]
) -> tuple[tuple[Logprob, ...], tuple[Logprob, ...]]:
    """The tokens that make up a text, and those behind it, for an answer of several texts."""
    length = 0
    for place, one in enumerate(tokens):
        if length >= len(text):
            return tuple(tokens[:place]), tuple(tokens[place:])
        length += len(one.token)
    return tuple(tokens), ()
