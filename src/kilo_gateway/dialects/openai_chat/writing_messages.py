"""Messages, written: results of tools become messages of their own, before what else the same turn of the user's holds.

thoughts   to routers as `reasoning_details`, those of the model's own vendor with signature and seal; models whose vendor leaves
           no marks get the text alone, as `reasoning` (routers) or `reasoning_content` (quirk); nobody gets another vendor's marks
ids        of tool calls are written anew where a server's alphabet is narrower: calls and results alike
arguments  are the model's own text; what is no JSON object becomes one, {"input": text}, since servers refuse or crash on it
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec

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
from kilo_gateway.dialects.openai_chat.carries import (
    ROUTER,
    SHORT_IDS,
    THOUGHTS_BACK,
    is_openai,
    is_openai_reasoner,
    marks,
    takes_thinking_parts,
)
from kilo_gateway.dialects.openai_chat.media import write_media
from kilo_gateway.dialects.openai_chat.thoughts import detail_of
from kilo_gateway.dialects.openai_chat.turns import NAME

_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}")
_PLAIN_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MOST_ID_CHARACTERS = 40  # OpenAI refuses longer ones
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class MessageWriter:
    """Writes the messages for one deployment."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._is_router = ROUTER in target.quirks
        self._takes_lists = self._is_router or is_openai(target)
        self._mark = marks(target)

    def write(self, conversation: Conversation) -> list[dict[str, Any]]:
        """All messages, the system's first."""
        role = "developer" if is_openai_reasoner(self._target) else "system"
        written: list[dict[str, Any]] = []
        if conversation.system:
            content = self._content(conversation.system, "\n\n", is_list=self._takes_lists)
            written.append({"role": role, "content": content})
        for message in conversation.messages:
            match message.role:
                case "system":
                    written.append(self._named(role, message, self._parts(message.parts)))
                case "assistant":
                    written.append(self._assistant(message))
                case "user":
                    written += self._user(message)
        return [message for message in written if _says_something(message)]

    # --- the user's

    def _user(self, message: Message) -> Iterator[dict[str, Any]]:
        behind: list[Part] = []
        others: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                told, seen = self._result(part)
                behind += seen
                yield told
            else:
                others.append(part)
        others = behind + others
        if others or not message.parts:
            yield self._named("user", message, self._parts(others))

    def _result(self, result: ToolResult) -> tuple[dict[str, Any], list[Part]]:
        """The message of a result, and pictures that must stand behind it."""
        shown = [part for part in result.parts if isinstance(part, Media)]
        texts = tuple(part for part in result.parts if isinstance(part, Text))
        ident = self.ident(result.call_id)
        if result.is_error and not (texts and texts[0].text.lower().startswith("error")):
            texts = (Text("Error: "), *texts) if not texts else _with_error(texts)
        if self._is_router:
            errors = texts if result.is_error else None
            parts: Sequence[Part] = (*errors, *shown) if errors is not None else result.parts
            content = self._content(parts, "", is_list=True, cache=result.cache)
            shown = []
        else:
            content = self._content(texts, "\n", is_list=self._takes_lists, cache=result.cache)
        told: dict[str, Any] = {"role": "tool", "tool_call_id": ident, "content": content}
        if result.name:
            told["name"] = result.name
        if shown:
            return told, [Text(f"What the tool call {ident} shows:"), *shown]
        return told, []

    # --- the assistant's

    def _assistant(self, message: Message) -> dict[str, Any]:
        texts = [part for part in message.parts if isinstance(part, Text | Media | Opaque)]
        refusals = [part.text for part in message.parts if isinstance(part, Refusal)]
        calls = [self._call(part) for part in message.parts if isinstance(part, ToolCall)]
        told: dict[str, Any] = {"role": "assistant"}
        if message.name:
            told["name"] = message.name
        if refusals and not self._takes_lists:
            texts += [Text(text) for text in refusals]
        elif refusals:
            told["refusal"] = "".join(refusals)
        kept = self._spoken(texts, told)
        thoughts = [part for part in message.parts if isinstance(part, Thinking) and part.text]
        is_list = self._takes_lists
        if thoughts and takes_thinking_parts(self._target):
            kept, is_list = [*thoughts, *kept], True
        has_content = bool(kept) or not (calls or refusals)
        told["content"] = self._content(kept, "", is_list=is_list) if has_content else None
        told |= self._thoughts(message)
        signed = next((part for part in texts if isinstance(part, Text) and part.signature), None)
        if signed is not None and self._target.reads_thinking == "google" == signed.vendor:
            told["extra_content"] = {"google": {"thought_signature": signed.signature}}
        if calls:
            told["tool_calls"] = calls
        return told

    def _spoken(self, parts: Sequence[Part], told: dict[str, Any]) -> list[Part]:
        """Parts of the content; the model's own sounds are named by their id instead."""
        kept = list[Part]()
        for part in parts:
            if isinstance(part, Media) and part.kind == "audio":
                if part.file_id:
                    told["audio"] = {"id": part.file_id}
                elif part.text:
                    kept.append(Text(part.text))
            else:
                kept.append(part)
        return kept

    def _call(self, call: ToolCall) -> dict[str, Any]:
        ident = self.ident(call.id)
        if call.is_custom and is_openai(self._target):
            custom = {"name": call.name, "input": call.arguments}
            return {"id": ident, "type": "custom", "custom": custom}
        function = {"name": call.name, "arguments": _object_text(call)}
        told: dict[str, Any] = {"id": ident, "type": "function", "function": function}
        if self._target.reads_thinking == "google":
            mark = call.signature if call.vendor in {"google", ""} else ""
            mark = mark or self._target.signature_of(call.id)
            if mark:
                told["extra_content"] = {"google": {"thought_signature": mark}}
        return told

    def _thoughts(self, message: Message) -> dict[str, Any]:
        thoughts = [part for part in message.parts if isinstance(part, Thinking | SealedThinking)]
        vendor = self._target.reads_thinking
        if not thoughts:
            return {}
        text = "".join(part.text for part in thoughts if isinstance(part, Thinking))
        if THOUGHTS_BACK in self._target.quirks:
            return {"reasoning_content": text} if text else {}
        if not self._is_router:
            return {}
        if not vendor:
            return {"reasoning": text} if text else {}
        kept = self._own(thoughts)
        details = [detail_of(part, index, vendor) for index, part in enumerate(kept)]
        return {"reasoning_details": details} if details else {}

    def _own(
        self, thoughts: Sequence[Thinking | SealedThinking]
    ) -> list[Thinking | SealedThinking]:
        """Thoughts that the model's own vendor left. Claude refuses unsigned ones, others take them beside their own marks."""
        vendor = self._target.reads_thinking
        marked = [
            part
            for part in thoughts
            if part.vendor == vendor and (isinstance(part, SealedThinking) or part.signature)
        ]
        if vendor == "anthropic" or not marked:
            return marked
        return [part for part in thoughts if part in marked or not part.vendor]

    # --- content

    def _parts(self, parts: Sequence[Part]) -> str | list[Any]:
        return self._content(parts, "", is_list=True)

    def _content(
        self, parts: Sequence[Part], glue: str, *, is_list: bool, cache: Cache | None = None
    ) -> str | list[Any]:
        """Parts as one text where that is all, or as all that the server takes; else as a list."""
        caches = [cache, *(part.cache for part in parts if isinstance(part, Text | Media))]
        is_marked = bool(self._mark) and any(one is not None for one in caches)
        texts = [part.text for part in parts if isinstance(part, Text)]
        is_plain = len(texts) == len(parts) and not is_marked
        if is_plain and (len(texts) < 2 or not is_list):
            return glue.join(texts)
        written = [piece for part in parts for piece in self._piece(part)]
        if cache is not None and written and isinstance(written[-1], dict):
            written[-1] |= self._marked(cache)
        return written

    def _marked(self, cache: Cache | None) -> dict[str, Any]:
        """The member that marks a cache breakpoint."""
        if cache is None or not self._mark:
            return {}
        if self._mark == "prompt_cache_breakpoint":
            return {self._mark: {"mode": "explicit"}}
        return {self._mark: {"type": "ephemeral"} | ({"ttl": cache.ttl} if cache.ttl else {})}

    def _piece(self, part: Part) -> Iterator[Any]:
        if isinstance(part, Text):
            told: dict[str, Any] = {"type": "text", "text": part.text}
        elif isinstance(part, Media):
            told = write_media(part, documents_have_urls=SHORT_IDS in self._target.quirks)
        elif isinstance(part, Thinking):
            yield {"type": "thinking", "thinking": [{"type": "text", "text": part.text}]}
            return
        elif isinstance(part, Opaque) and part.dialect == NAME:
            yield part.raw
            return
        else:
            return
        yield told | self._marked(part.cache)

    def _named(self, role: str, message: Message, content: str | list[Any]) -> dict[str, Any]:
        named = {"name": message.name} if message.name else {}
        return {"role": role, "content": content, **named}

    def ident(self, ident: str) -> str:
        """A tool call's id as the server takes it: nine characters for Mistral, Claude's alphabet, OpenAI's length."""
        if SHORT_IDS in self._target.quirks:
            return ident if _SHORT_ID.fullmatch(ident) else _digest(ident)[:9]
        if self._target.reads_thinking == "anthropic":
            return ident if _PLAIN_ID.fullmatch(ident) else _digest(ident)
        if is_openai(self._target) and len(ident) > _MOST_ID_CHARACTERS:
            return f"call_{_digest(ident)[:24]}"
        return ident


def _says_something(message: dict[str, Any]) -> bool:
    """Whether anything is left of a message without parts that have no place here. Servers refuse an empty list."""
    if message["content"] != []:
        return True
    message["content"] = "" if message["role"] == "tool" else None
    return message["role"] == "tool" or bool(message.keys() - {"role", "content", "name"})


def _digest(ident: str) -> str:
    return sha256(ident.encode(errors="replace")).hexdigest()


def _with_error(texts: tuple[Text, ...]) -> tuple[Text, ...]:
    first = texts[0]
    return (msgspec.structs.replace(first, text=f"Error: {first.text}"), *texts[1:])


def _object_text(call: ToolCall) -> str:
    if not call.arguments.strip():
        return "{}"
    try:
        _OBJECT.decode(call.arguments)
    except _UNREADABLE:
        return msgspec.json.encode({"input": call.arguments}).decode()
    return call.arguments
