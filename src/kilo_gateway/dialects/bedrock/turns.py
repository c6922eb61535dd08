"""Messages of a Conversation as the turns that Converse takes: user and assistant by turns, the user first.

what follows its like    is one turn
tool results             before anything else of their turn, right after the calls
system                   before the first message: the system prompt; later: a user's text in <system> tags
thoughts                 only those that the model's own vendor signed or sealed
empty text               is left out, and a message that holds nothing else; white space is, where it stands alone
a document               needs words beside it: its name is said if there are none
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from kilo_gateway.dialects.answer import Answer
from kilo_gateway.dialects.bedrock.abilities import abilities_of
from kilo_gateway.dialects.bedrock.marks import write_sealed, write_signature
from kilo_gateway.dialects.bedrock.media import media_block
from kilo_gateway.dialects.bedrock.schema import NAME, UNREADABLE, Raw, is_nothing
from kilo_gateway.dialects.bedrock.settings import may_send
from kilo_gateway.dialects.body import Fields, write_fields
from kilo_gateway.dialects.conversation import (
    Cache,
    Citation,
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
_MOST_ID = 64
_NARROW = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:")
_MOST_MARKS = 4


class Turns:
    """The turns in the making: `system` blocks and `messages`."""

    def __init__(self, conversation: Conversation, target: Target, marks_taken: int = 0) -> None:
        able = abilities_of(target)
        self._target = target
        self._takes_cache = able.takes_cache
        self._takes_ttl = able.family == "claude"
        self._documents = 0
        self.system: Blocks = []
        self.messages: list[dict[str, Any]] = []
        self._write_system(conversation.system)
        for message in conversation.messages:
            self._add(message)
        self._trim_end()
        self._thin_out(_MOST_MARKS - marks_taken)

    def point(self, cache: Cache) -> dict[str, Any]:
        """A breakpoint of the cache as a block."""
        wire = {"type": "default"}
        if cache.ttl and self._takes_ttl:
            wire["ttl"] = cache.ttl
        return {"cachePoint": wire}

    def _write_system(self, texts: Sequence[Text]) -> None:
        for text in texts:
            if text.text.strip():
                self.system.append({"text": text.text})
                self.system += self._mark(text.cache)

    def _mark(self, cache: Cache | None) -> Blocks:
        return [self.point(cache)] if cache is not None and self._takes_cache else []

    def _add(self, message: Message) -> None:
        if message.role == "system":
            self._add_system(message)
        elif message.role == "assistant":
            self._append("assistant", list(self._blocks(message.parts)))
        else:
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            others = [part for part in message.parts if not isinstance(part, ToolResult)]
            self._append("user", list(self._blocks(results)), is_result=True)
            self._append("user", self._worded(others))

    def _worded(self, parts: Sequence[Part]) -> Blocks:
        blocks = list(self._blocks(parts))
        own: list[dict[str, Any]] = [block for block in blocks if isinstance(block, dict)]
        names = [block["document"]["name"] for block in own if "document" in block]
        if names and not any("text" in block for block in own):
            blocks.append({"text": names[0]})
        return blocks

    def _add_system(self, message: Message) -> None:
        texts = [part for part in message.parts if isinstance(part, Text) and part.text.strip()]
        if not self.messages:
            self._write_system(texts)
            return
        blocks: Blocks = []
        for text in texts:
            blocks.append({"text": f"<system>\n{text.text}\n</system>"})
            blocks += self._mark(text.cache)
        self._append("user", blocks)

    def _append(self, role: str, blocks: Blocks, *, is_result: bool = False) -> None:
        if not blocks:
            return
        if not self.messages or self.messages[-1]["role"] != role:
            self.messages.append({"role": role, "content": blocks})
            return
        content: Blocks = self.messages[-1]["content"]
        at = len(content)
        if is_result:
            at = 0
            while at < len(content) and _is_result(content[at]):
                at += 1
        content[at:at] = blocks

    def _trim_end(self) -> None:
        """The last words of the assistant, which the model is to go on from, must not end with white space."""
        if not self.messages or self.messages[-1]["role"] != "assistant":
            return
        content: Blocks = self.messages[-1]["content"]
        block = content[-1]
        if isinstance(block, dict) and "text" in block:
            block["text"] = block["text"].rstrip()

    def _thin_out(self, most: int) -> None:
        """The service takes four points; the first of the system and the last ones of the messages stay."""
        lists = [self.system, *(message["content"] for message in self.messages)]
        places = [
            (blocks, block)
            for blocks in lists
            for block in blocks
            if isinstance(block, dict) and "cachePoint" in block
        ]
        surplus = len(places) - most
        begin = 1 if most > 1 else 0
        for blocks, block in places[begin : begin + max(surplus, 0)]:
            blocks[:] = [one for one in blocks if one is not block]

    def _blocks(self, parts: Sequence[Part]) -> Iterator[dict[str, Any] | Raw]:
        for part in parts:
            if isinstance(part, Text) and part.text.isspace() and len(parts) > 1:
                block: dict[str, Any] | Raw | None = text_block(part)
            else:
                block = self._block(part)
            if block is None:
                continue
            yield block
            if isinstance(part, Text | Media | ToolCall | ToolResult):
                yield from self._mark(part.cache)

    def _block(self, part: Part) -> dict[str, Any] | Raw | None:
        match part:
            case Text() | Refusal():
                return text_block(part) if part.text.strip() else None
            case Media():
                self._documents += part.kind == "document"
                return media_block(part, self._documents)
            case Thinking() | SealedThinking():
                return thought_block(part) if may_send(part, self._target) else None
            case ToolCall():
                return call_block(part)
            case ToolResult():
                return self._result(part)
            case Opaque():
                return part.raw if part.dialect == NAME else None

    def _result(self, result: ToolResult) -> dict[str, Any]:
        content = [block for part in result.parts if (block := self._block(part)) is not None]
        wire: dict[str, Any] = {
            "toolUseId": narrow_id(result.call_id),
            "content": content or [{"text": "(no output)"}],
        }
        if result.is_error:
            wire["status"] = "error"
        return {"toolResult": wire}


def answer_blocks(answer: Answer) -> Iterator[dict[str, Any] | Raw]:
    """The blocks of a reply. Media that has no block is a link in Markdown."""
    for part in answer.parts:
        match part:
            case Text() | Refusal():
                yield text_block(part)
            case Thinking() | SealedThinking():
                yield thought_block(part)
            case ToolCall():
                yield call_block(part, narrow=False)
            case Media():
                yield {"text": link_of(part)}
            case Opaque() if part.dialect == NAME:
                yield part.raw
            case _:
                pass  # a tool's result is nothing that a model answers with


def link_of(media: Media) -> str:
    """What a model made, as Markdown that shows it."""
    address = media.url or f"data:{media.media_type};base64,{media.data}"
    if media.kind == "image":
        return f"![{media.name or 'image'}]({address})"
    return media.text or f"[{media.name or media.kind}]({address})"


def text_block(text: Text | Refusal) -> dict[str, Any]:
    """Text, with where it comes from."""
    if isinstance(text, Refusal) or not text.citations:
        return {"text": text.text}
    citations = [wire_citation(one) for one in text.citations]
    return {"citationsContent": {"content": [{"text": text.text}], "citations": citations}}


def wire_citation(citation: Citation) -> Raw | dict[str, Any]:
    """The service's own as it came; of another dialect's what can be told."""
    if citation.dialect == NAME and not is_nothing(citation.raw):
        return citation.raw
    told: dict[str, Any] = {}
    if citation.title:
        told["title"] = citation.title
    if citation.quote:
        told["sourceContent"] = [{"text": citation.quote}]
    if citation.url or citation.document is None:
        told["location"] = {"web": {"url": citation.url}}
    else:
        place = {"documentIndex": citation.document, "start": 0, "end": len(citation.quote)}
        told["location"] = {"documentChar": place}
    return told


def thought_block(thought: Thinking | SealedThinking) -> dict[str, Any]:
    """Thoughts with their signature, or sealed."""
    if isinstance(thought, SealedThinking):
        return {"reasoningContent": {"redactedContent": write_sealed(thought.data, thought.vendor)}}
    wire = {"text": thought.text}
    if thought.signature:
        wire["signature"] = write_signature(thought.signature, thought.vendor)
    return {"reasoningContent": {"reasoningText": wire}}


def call_block(call: ToolCall, *, narrow: bool = True) -> dict[str, Any]:
    """A call of a tool."""
    ident = narrow_id(call.id) if narrow else call.id
    return {"toolUse": {"toolUseId": ident, "name": call.name, "input": input_of(call)}}


def input_of(call: ToolCall) -> Raw:
    """`input` must be an object: what the model wrote if it is one, else that under the name "input"."""
    text = call.arguments.strip()
    if not text:
        return _EMPTY
    data = text.encode(errors="replace")  # half a surrogate pair
    if not call.is_custom:
        try:
            _OBJECT.decode(data)
        except UNREADABLE:
            pass
        else:
            return Raw(data)
    return Raw(write_fields({"input": Raw(msgspec.json.encode(data.decode()))}))


def narrow_id(ident: str) -> str:
    """A call's id in the service's alphabet: as it is, else its SHA-256 in hexadecimal, in the call and in its result alike."""
    if 0 < len(ident) <= _MOST_ID and _NARROW.issuperset(ident):
        return ident
    return hashlib.sha256(ident.encode(errors="replace")).hexdigest()


def _is_result(block: dict[str, Any] | Raw) -> bool:
    return isinstance(block, dict) and ("toolResult" in block or "cachePoint" in block)
