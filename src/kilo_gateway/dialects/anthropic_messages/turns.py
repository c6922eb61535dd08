"""Messages of a Conversation as the turns that Anthropic's API takes.

tool results     in one user's message, before anything else in it, right after the calls
assistant        what follows itself is one turn; no white space at the very end
system           before the first message: the system prompt; later: a turn of that role where the model and the place allow
                 it (behind a user's turn, before the assistant's), else a user's text in <system> tags
thoughts         only with a mark of the vendor that the model belongs to
empty text       is left out, and a message that holds nothing else
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from kilo_gateway.dialects.anthropic_messages.media import media_block
from kilo_gateway.dialects.anthropic_messages.schema import NAME, UNREADABLE, Raw
from kilo_gateway.dialects.anthropic_messages.settings import abilities_of, may_send
from kilo_gateway.dialects.body import Fields, write_fields
from kilo_gateway.dialects.conversation import (
    Cache,
    Conversation,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from kilo_gateway.dialects.hub import Target

Blocks = list[dict[str, Any] | Raw]
_OBJECT = msgspec.json.Decoder(Fields)
_EMPTY = Raw(b"{}")
_MOST_MARKS = 4
_NARROW = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Turns:
    """The turns in the making: `system` blocks and `messages`. `marked` are the blocks with a cache mark, in their order."""

    def __init__(self, conversation: Conversation, target: Target, marked: Blocks) -> None:
        self._target = target
        self._later_system = abilities_of(target).takes_later_system
        self._marked = marked
        self.system: Blocks = [
            self._text(text.text, text.cache) for text in conversation.system if text.text.strip()
        ]
        self.messages: list[dict[str, Any]] = []
        messages = conversation.messages
        for index, message in enumerate(messages):
            self._add(message, messages[index + 1 :])
        self._trim_end()

    def _add(self, message: Message, following: Sequence[Message]) -> None:
        if message.role == "system":
            self._add_system(message, following)
        elif message.role == "assistant":
            blocks = list(self._blocks(message.parts, keeps_space=len(message.parts) > 1))
            self._append("assistant", blocks, joins=True)
        else:
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            others = [part for part in message.parts if not isinstance(part, ToolResult)]
            before: Blocks = [self._result(part) for part in results]
            after = list(self._blocks(others))
            if before and self._last_role() == "user":
                self._join_results(before, after)
            else:
                self._append("user", [*before, *after])

    def _add_system(self, message: Message, following: Sequence[Message]) -> None:
        if not self.messages:
            self.system += self._blocks(message.parts)
            return
        next_role = next((one.role for one in following if one.role != "system"), "assistant")
        is_behind_user = self._last_role() in {"user", "system"}
        if self._later_system and is_behind_user and next_role == "assistant":
            self._append("system", list(self._blocks(message.parts)))
            return
        texts = [part for part in message.parts if isinstance(part, Text) and part.text.strip()]
        blocks: Blocks = [
            self._text(f"<system>\n{part.text}\n</system>", part.cache) for part in texts
        ]
        self._append("user", blocks)

    def _append(self, role: str, blocks: Blocks, *, joins: bool = False) -> None:
        if not blocks:
            return
        if joins and self._last_role() == role:
            self.messages[-1]["content"] += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    def _join_results(self, before: Blocks, after: Blocks) -> None:
        """Behind the results that the last message begins with, and before the rest of it."""
        content: Blocks = self.messages[-1]["content"]
        at = 0
        while at < len(content) and _is_result(content[at]):
            at += 1
        content[at:at] = before
        content += after

    def _last_role(self) -> str:
        return self.messages[-1]["role"] if self.messages else ""

    def _trim_end(self) -> None:
        """The last words of the assistant, which the model is to go on from, must not end with white space."""
        if self._last_role() != "assistant":
            return
        content = self.messages[-1]["content"]
        block = content[-1]
        if isinstance(block, dict) and block["type"] == "text":
            block["text"] = block["text"].rstrip()
            if not block["text"]:
                content.pop()
            if not content:
                self.messages.pop()

    def _blocks(  # noqa: C901, PLR0912 - a branch for each kind of part
        self, parts: Sequence[Part], *, keeps_space: bool = False
    ) -> Iterator[dict[str, Any] | Raw]:
        for part in parts:
            match part:
                case Text():
                    if part.text.strip() or (part.text and keeps_space):
                        yield self._cited(part)
                case Refusal():
                    if part.text.strip():
                        yield self._text(part.text)
                case Media():
                    yield self._media(part)
                case Thinking():
                    if may_send(part, self._target):
                        yield {
                            "type": "thinking",
                            "thinking": part.text,
                            "signature": part.signature,
                        }
                case SealedThinking():
                    if may_send(part, self._target):
                        yield {"type": "redacted_thinking", "data": part.data}
                case ToolCall():
                    yield self._call(part)
                case ToolResult():
                    yield self._result(part)
                case Opaque():
                    if part.dialect == NAME:
                        yield part.raw

    def _text(self, text: str, cache: Cache | None = None) -> dict[str, Any]:
        return self._with_mark({"type": "text", "text": text}, cache)

    def _cited(self, text: Text) -> dict[str, Any]:
        block = self._text(text.text, text.cache)
        own = [one.raw for one in text.citations if one.dialect == NAME]
        if own:
            block["citations"] = own
        return block

    def _media(self, media: Media) -> dict[str, Any]:
        return self._with_mark(media_block(media), media.cache)

    def _call(self, call: ToolCall) -> dict[str, Any]:
        block = {
            "type": "tool_use",
            "id": narrow_id(call.id),
            "name": call.name,
            "input": input_of(call),
        }
        return self._with_mark(block, call.cache)

    def _result(self, result: ToolResult) -> dict[str, Any]:
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": narrow_id(result.call_id)}
        content: Blocks = list(self._blocks(result.parts))
        if content:
            block["content"] = content
        if result.is_error:
            block["is_error"] = True
        return self._with_mark(block, result.cache)

    def _with_mark(self, block: dict[str, Any], cache: Cache | None) -> dict[str, Any]:
        return mark(block, cache, self._marked)


def mark(block: dict[str, Any], cache: Cache | None, marked: Blocks) -> dict[str, Any]:
    """The block with its cache mark, noted in `marked`."""
    if cache is not None:
        block["cache_control"] = {"type": "ephemeral"}
        if cache.ttl:
            block["cache_control"]["ttl"] = cache.ttl
        marked.append(block)
    return block


def unmark(marked: Blocks) -> None:
    """The API takes four marks: the first (tools or system) and the last three stay."""
    for block in marked[1 : 1 - _MOST_MARKS]:
        if isinstance(block, dict):
            del block["cache_control"]


def input_of(call: ToolCall) -> Raw:
    """`input` must be an object: what the model wrote if it is one, else that under the name "input"."""
    text = call.arguments.strip()
    if not text:
        return _EMPTY
    if not call.is_custom:
        try:
            _OBJECT.decode(text.encode())
            return Raw(text.encode())
        except UNREADABLE:
            pass
        except UnicodeEncodeError:  # half a surrogate pair
            text = text.encode(errors="replace").decode()
    return Raw(write_fields({"input": Raw(msgspec.json.encode(text))}))


def narrow_id(ident: str) -> str:
    """A call's id in Anthropic's alphabet: as it is, else its SHA-256 in hexadecimal, in the call and in its result alike."""
    if ident and _NARROW.issuperset(ident):
        return ident
    return hashlib.sha256(ident.encode(errors="replace")).hexdigest()


def _is_result(block: dict[str, Any] | Raw) -> bool:
    return isinstance(block, dict) and block["type"] == "tool_result"
