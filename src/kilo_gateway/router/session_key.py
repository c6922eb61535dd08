"""Which conversation a call goes on with: by the id that its client sends, else by how the conversation begins.

Nothing is parsed. A conversation grows at its end, so how it begins is the same in every turn: the first bytes of its
instructions, and those of the first message of the user, which is looked for by its role (in a JSON text that word with its
quotes stands nowhere inside a longer string, where quotes are escaped).
"""

import re
from hashlib import blake2b
from typing import Final, NamedTuple

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
_LOOKED_AT_BYTES: Final = 262_144
_REPLY_WITHIN_BYTES: Final = 16_384
_INSTRUCTION_BYTES: Final = 512
_MESSAGE_BYTES: Final = 1024
_USER: Final = b'"user"'
_REPLIES: Final = (b'"assistant"', b'"model"')
# A string (so that brackets in it do not count), to the end of what is looked at if it ends there; or a bracket outside of
# strings. Nothing is looked at twice, whatever the bytes.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


class Session(NamedTuple):
    """A conversation: what tells it from all others and holds nothing of it (32 hexadecimal digits), and whether the call may go
    on with it, rather than begin one that begins like it.
    """

    key: str
    goes_on: bool


def session_of(call: Call, owner: str) -> Session:
    """The conversation of a call."""
    digest = blake2b(owner.encode(errors="replace"), digest_size=16)
    named = named_session(call)
    if named:
        digest.update(b"\0" + named.encode(errors="replace"))
        return Session(digest.hexdigest(), goes_on=True)
    goes_on = False
    for name in _INSTRUCTIONS:
        if name in call.fields:
            digest.update(b"\0" + bytes(memoryview(call.fields[name])[:_INSTRUCTION_BYTES]))
    for name in _CONVERSATIONS:
        if name in call.fields:
            conversation = bytes(memoryview(call.fields[name])[:_LOOKED_AT_BYTES])
            role = conversation.find(_USER)
            digest.update(b"\0" + _first_message(conversation, role))
            goes_on = _has_reply(conversation, max(0, role))
    return Session(digest.hexdigest(), goes_on)


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


def _has_reply(conversation: bytes, start: int) -> bool:
    """Whether a model has answered already; what is so long that nobody looks is worth a warm cache all the same."""
    end = start + _REPLY_WITHIN_BYTES
    return len(conversation) > end or any(
        conversation.find(reply, start, end) >= 0 for reply in _REPLIES
    )


def _first_message(conversation: bytes, role: int) -> bytes:
    """The first message of the user, cut at a bound, with what stands before its role (it may be its content)."""
    if not conversation.startswith(b"["):
        return conversation[:_MESSAGE_BYTES]
    start = role if role >= 0 else conversation.find(b"{") + 1
    rest = conversation[start : start + _MESSAGE_BYTES]
    depth, end = 1, len(rest)
    for token in _TOKEN.finditer(rest):
        first = rest[token.start()]
        depth += (first in b"[{") - (first in b"]}")
        if not depth:
            end = token.end()
            break
    return conversation[max(0, start - _MESSAGE_BYTES) : start] + rest[:end]
