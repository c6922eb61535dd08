"""Tool names: vendors differ in their alphabet, so that a client's names may have to be told otherwise, and back again in the answer.

A name that the target takes stays. Another one is written in its alphabet, with eight characters of its hash behind it: told in the
same way it is the same again, and no two names become one. In a reply, such a name is looked for among the client's own tools.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from kilo_gateway.dialects.conversation import Conversation, Message, Part, ToolCall, ToolResult


class Alphabet(NamedTuple):
    """What a name may be: `whole` matches one that is taken, `odd` finds each character that is not; `most` characters."""

    whole: re.Pattern[str]
    odd: re.Pattern[str]
    most: int


_PLAIN = re.compile(r"[^a-zA-Z0-9_-]")
_GOOGLES = re.compile(r"[^a-zA-Z0-9_.:-]")
_OPENAI = Alphabet(re.compile(r"[a-zA-Z0-9_-]{1,64}"), _PLAIN, 64)
ALPHABETS: Mapping[str, Alphabet] = MappingProxyType(
    {
        "openai_chat": _OPENAI,
        "openai_responses": _OPENAI,
        "bedrock": _OPENAI,
        "anthropic_messages": Alphabet(re.compile(r"[a-zA-Z0-9_-]{1,128}"), _PLAIN, 128),
        "gemini": Alphabet(re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}"), _GOOGLES, 64),
    }
)
_TOLD = re.compile(r"_[0-9a-f]{8}$")


@lru_cache(4096)
def told(name: str, dialect: str) -> str:
    """A tool's name as the dialect takes it."""
    alphabet = ALPHABETS[dialect]
    if not name or alphabet.whole.fullmatch(name):
        return name
    mark = "_" + sha256(name.encode(errors="replace")).hexdigest()[:8]
    plain = alphabet.odd.sub("_", name)[: alphabet.most - len(mark) - 1]
    written = plain + mark
    return written if alphabet.whole.fullmatch(written) else f"_{written}"


def renamed(conversation: Conversation, dialect: str) -> Conversation:
    """The conversation with the names of its tools as the dialect takes them; itself, as a rule."""
    if all(told(name, dialect) == name for name in _names(conversation)):
        return conversation
    change = msgspec.structs.replace
    choice = conversation.tool_choice
    return change(
        conversation,
        tools=tuple(
            tool if tool.server else change(tool, name=told(tool.name, dialect))
            for tool in conversation.tools
        ),
        tool_choice=change(
            choice,
            name=told(choice.name, dialect),
            allowed=tuple(told(name, dialect) for name in choice.allowed),
        ),
        messages=tuple(_in_message(message, dialect) for message in conversation.messages),
    )


def _names(conversation: Conversation) -> Iterable[str]:
    yield from (tool.name for tool in conversation.tools if not tool.server)
    for message in conversation.messages:
        yield from (part.name for part in message.parts if isinstance(part, ToolCall | ToolResult))


def _in_message(message: Message, dialect: str) -> Message:
    parts = tuple(_in_part(part, dialect) for part in message.parts)
    return msgspec.structs.replace(message, parts=parts)


def _in_part(part: Part, dialect: str) -> Part:
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, name=told(part.name, dialect))
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, name=told(part.name, dialect))
    return part


class Names:
    """The way back, for one reply. `read` gives the client's request; it is asked only for a name that may be a told one."""

    __slots__ = ("_dialect", "_known", "_read")

    def __init__(self, dialect: str, read: Callable[[], Conversation]) -> None:
        self._dialect = dialect
        self._read = read
        self._known: dict[str, str] | None = None

    def of(self, name: str) -> str:
        """The client's own name for a tool that the upstream calls."""
        if not _TOLD.search(name):
            return name
        if self._known is None:
            own = [tool.name for tool in self._read().tools if not tool.server]
            self._known = {told(one, self._dialect): one for one in own}
        return self._known.get(name, name)
