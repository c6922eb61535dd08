"""Which conversation a call goes on with: by the id that its client sends, else by how the conversation begins.

Nothing is parsed: the bytes of the first messages are looked for with a pattern, up to a bound. They are the same in every turn,
since conversations grow at their end.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from kilo_gateway.core.call import Call

# What clients send, the most telling first (Kilo's own header is among the hints already).
SESSION_HEADERS: Final = (
    b"x-session-id",
    b"x-session-affinity",
    b"x-claude-code-session-id",
    b"session-id",
    b"session_id",
)
SESSION_FIELDS: Final = ("prompt_cache_key", "session_id")
_INSTRUCTIONS: Final = ("system", "instructions", "system_instruction", "systemInstruction")
_CONVERSATIONS: Final = ("messages", "input", "contents", "prompt")
_SESSION_BYTES: Final = 200
_LONGEST_BEGINNING: Final = 8192
_MOST_MESSAGES: Final = 4
_USER: Final = b'"user"'
# A string (so that brackets in it do not count), or a bracket outside of strings.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


def session_key(call: Call, owner: str) -> str:
    """What tells a conversation from all others, and holds nothing of it: 32 hexadecimal digits."""
    digest = blake2b(owner.encode(errors="replace"), digest_size=16)
    named = named_session(call)
    for part in (named.encode(errors="replace"),) if named else _beginning(call):
        digest.update(b"\0")
        digest.update(part)
    return digest.hexdigest()


def named_session(call: Call) -> str:
    """The client's own id of the conversation, "" if it gives none."""
    for header in SESSION_HEADERS:
        sent = call.headers.get(header)
        if sent:
            return sent[:_SESSION_BYTES].decode("latin-1")
    if call.hints.session:
        return call.hints.session
    for name in SESSION_FIELDS:
        raw = call.fields.get(name)
        if raw is not None:
            value = bytes(memoryview(raw)[: _SESSION_BYTES + 2])
            if value.startswith(b'"') and value != b'""':
                return value[1:].rstrip(b'"').decode(errors="replace")
    return ""


def _beginning(call: Call) -> Iterator[bytes]:
    """Instructions and messages up to the first one of the user, cut at a bound."""
    for name in (*_INSTRUCTIONS, *_CONVERSATIONS):
        raw = call.fields.get(name)
        if raw is None:
            continue
        beginning = bytes(memoryview(raw)[:_LONGEST_BEGINNING])
        if name in _CONVERSATIONS and beginning.startswith(b"["):
            beginning = beginning[: _first_messages_end(beginning)]
        yield beginning


def _first_messages_end(beginning: bytes) -> int:
    """Where the first message of the user ends, in the bytes of an array."""
    depth = messages = start = 0
    for token in _TOKEN.finditer(beginning):
        first = beginning[token.start()]
        if first in b"[{":
            depth += 1
            if depth == 2:
                start = token.start()
        elif first in b"]}":
            depth -= 1
            if depth == 1:
                messages += 1
                end = token.end()
                if _USER in beginning[start:end] or messages == _MOST_MESSAGES:
                    return end
    return len(beginning)
