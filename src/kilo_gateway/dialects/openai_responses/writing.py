"""A Conversation as the body of a request to an upstream of this dialect.

The request is stateless: `store` is false unless the client asked for it, and a model that thinks is asked for its sealed
thoughts. Thoughts go back only to their own vendor; to an upstream that reads no vendor's, unsigned ones go as text.

    thinking asked for as     becomes effort
    budget below 2,048        low            off by switch, at a model that thinks   low: every such model has it
    budget below 8,192        medium         on without a measure                    the model's own default
    budget above              high
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.conversation import (
    Conversation,
    Effort,
    Media,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    Sampling,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    is_given,
)
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_responses import content
from kilo_gateway.dialects.openai_responses.carries import samples
from kilo_gateway.dialects.openai_responses.marks import may_join
from kilo_gateway.dialects.openai_responses.members import given
from kilo_gateway.dialects.openai_responses.reading import LOGPROBS, SEALED
from kilo_gateway.dialects.openai_responses.tools import write_choice, write_tools

_MOST_ID_CHARACTERS = 64
_BUDGETS: tuple[tuple[int, Effort], ...] = ((2_048, "low"), (8_192, "medium"))
_TIERS = frozenset({"auto", "default", "flex", "priority", "scale"})  # other vendors have others
# The word among a deployment's capabilities for a model that takes cache breakpoints; others refuse them.
BREAKPOINTS = "cache_breakpoints"


def write_request(conversation: Conversation, target: Target) -> bytes:
    """The body for an upstream. Raises Fault unsupported_field for what it cannot represent."""
    tools = write_tools(conversation.tools)
    sampling, account = conversation.sampling, conversation.account
    if not samples(target):
        sampling = Sampling(max_tokens=sampling.max_tokens)
    instructions, head = _system(conversation.system, target)
    body: dict[str, Any] = {"model": target.model, "input": [*head, *_items(conversation, target)]}
    body |= given(
        {
            "instructions": instructions,
            "tools": tools or None,
            "tool_choice": write_choice(conversation.tool_choice, conversation.tools)
            if tools
            else None,
            "parallel_tool_calls": conversation.tool_choice.is_parallel if tools else None,
            "max_output_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
            "top_logprobs": sampling.top_logprobs,
            "reasoning": _reasoning(conversation.reasoning, target) or None,
            "text": _text(conversation.output) or None,
            "include": _include(conversation, target) or None,
            "safety_identifier": account.user,
            "prompt_cache_key": account.cache_key,
            "service_tier": account.service_tier if account.service_tier in _TIERS else None,
            "metadata": account.metadata if is_given(account.metadata) else None,
            "stream": conversation.is_stream or None,
        }
    )
    body["store"] = account.is_stored is True
    return bytes(raw_json(body))


def _system(texts: tuple[Text, ...], target: Target) -> tuple[str, list[Any]]:
    """Instructions, or a message where there are several texts, or one with a breakpoint."""
    is_marked = BREAKPOINTS in target.capabilities
    if not texts:
        return "", []
    if len(texts) == 1 and not (is_marked and texts[0].cache is not None):
        return texts[0].text, []
    parts = [content.written(text, is_answer=False, is_marked=is_marked) for text in texts]
    return "", [{"type": "message", "role": "system", "content": parts}]


def _items(conversation: Conversation, target: Target) -> Iterator[Any]:
    for message in conversation.messages:
        yield from _Items(message, target).made()


class _Items:
    """The items of one message: parts of text and media that follow each other are one item."""

    def __init__(self, message: Message, target: Target) -> None:
        self._role = message.role
        self._parts = message.parts
        self._target = target
        self._is_marked = BREAKPOINTS in target.capabilities
        self._content: list[Any] = []
        self._items: list[Any] = []

    def made(self) -> list[Any]:
        """All of them, in order."""
        thoughts: list[Thinking | SealedThinking] = []
        for part in self._parts:
            if isinstance(part, Thinking | SealedThinking):
                thoughts.append(part)
                continue
            self._think(thoughts)
            self._add(part)
        if self._target.reads_thinking != "openai":
            # A thought that nothing follows: an answer that was cut while the model was thinking. OpenAI refuses it.
            self._think(thoughts)
        self._close()
        return self._items

    def _add(self, part: Part) -> None:
        match part:
            case ToolCall():
                self._close()
                self._items.append(_call(part))
            case ToolResult():
                self._close()
                self._items.append(_result(part, is_marked=self._is_marked))
            case Opaque() if not part.kind.startswith(content.PART):
                self._close()
                if part.dialect == content.NAME:
                    self._items.append(part.raw)
            case Media() if self._role == "assistant":
                self._close()
                self._items.append(_picture(part, len(self._items)))
            case Text() | Media() | Refusal() | Opaque():
                written = content.written(
                    part, is_answer=self._role == "assistant", is_marked=self._is_marked
                )
                if written is not None:
                    self._content.append(written)
            case _:
                pass

    def _close(self) -> None:
        if self._content:
            self._items.append({"type": "message", "role": self._role, "content": self._content})
            self._content = []

    def _think(self, thoughts: list[Thinking | SealedThinking]) -> None:
        if thoughts:
            items = list(_reasoning_items(thoughts, self._target))
            thoughts.clear()
            if items:
                self._close()
                self._items += items


class Thought(msgspec.Struct):
    """A reasoning item in the making: pieces of thinking that belong together, and what is sealed of them."""

    id: str = ""
    pieces: list[Thinking] = []
    mark: str = ""
    vendor: str = ""


def grouped(thoughts: Iterable[Thinking | SealedThinking]) -> list[Thought]:
    """Thoughts as items: one ends at its signature, or where another id begins."""
    groups: list[Thought] = []
    for thought in thoughts:
        last = groups[-1] if groups else None
        if last is None or last.mark or not may_join(last.id, thought.id):
            last = Thought(thought.id)
            groups.append(last)
        last.id = last.id or thought.id
        if isinstance(thought, Thinking):
            last.pieces.append(thought)
            last.mark, last.vendor = thought.signature, thought.vendor
        else:
            last.mark, last.vendor = thought.data, thought.vendor
    return groups


def _reasoning_items(
    thoughts: Iterable[Thinking | SealedThinking], target: Target
) -> Iterator[dict[str, Any]]:
    reader = target.reads_thinking
    for group in grouped(thoughts):
        mark = group.mark if reader and group.vendor == reader else ""
        if not mark and (reader or not group.pieces):
            continue
        told: dict[str, Any] = {"type": "reasoning"}
        if mark and group.id:
            told["id"] = group.id
        told["summary"] = [
            {"type": "summary_text", "text": one.text} for one in group.pieces if one.is_summary
        ]
        raw = [
            {"type": "reasoning_text", "text": one.text}
            for one in group.pieces
            if not one.is_summary
        ]
        if raw and reader != "openai":  # which takes no raw thoughts
            told["content"] = raw
        yield told | given({"encrypted_content": mark})


def _call(call: ToolCall) -> dict[str, Any]:
    """A call. One without arguments says so with an empty object; what is no JSON goes as the model wrote it."""
    head: dict[str, Any] = {"call_id": call_id(call.id), "name": call.name}
    if call.is_custom:
        return {"type": "custom_tool_call", **head, "input": call.arguments}
    return {"type": "function_call", **head, "arguments": call.arguments or "{}"}


def _result(result: ToolResult, *, is_marked: bool) -> dict[str, Any]:
    """The output of a tool: text alone as a string. That it failed is said in front of it."""
    kind = "custom_tool_call_output" if result.is_custom else "function_call_output"
    parts = [_shown(part) for part in result.parts]
    if result.is_error and not _says_error(parts):
        parts.insert(0, Text("Error: the tool failed."))
    only = parts[0] if len(parts) == 1 else None
    output: Any = (
        only.text
        if isinstance(only, Text)
        else [content.written(part, is_answer=False, is_marked=is_marked) for part in parts]
    )
    return {"type": kind, "call_id": call_id(result.call_id), "output": output if parts else ""}


def _shown(part: Text | Media) -> Text | Media:
    """A part of an output; sounds and films, for which there is no place, by their names."""
    if isinstance(part, Media) and part.kind in {"audio", "video"}:
        return Text(part.text or f"[{part.kind} {part.name or part.media_type} cannot be shown]")
    return part


def _says_error(parts: list[Text | Media]) -> bool:
    first = parts[0] if parts else None
    return isinstance(first, Text) and "error" in first.text[:64].lower()


def _picture(media: Media, number: int) -> dict[str, Any]:
    told = {"type": "image_generation_call", "id": f"ig_{number}", "status": "completed"}
    form = media.media_type.removeprefix("image/") or "png"
    return told | {"result": media.data, "output_format": form}


def call_id(ident: str) -> str:
    """A call's id as OpenAI takes it: a longer one is replaced by its digest, in the call and in its result alike."""
    if len(ident) <= _MOST_ID_CHARACTERS:
        return ident
    return "call_" + hashlib.sha256(ident.encode()).hexdigest()[:32]


def _reasoning(reasoning: Reasoning, target: Target) -> dict[str, Any]:
    effort = reasoning.effort
    if effort is None and reasoning.is_on is False:
        effort = "low" if "reasoning" in target.capabilities else None
    elif effort is None and reasoning.budget_tokens is not None:
        budget = reasoning.budget_tokens
        effort = next((word for most, word in _BUDGETS if budget < most), "high")
    wants_summary = reasoning.is_shown or (reasoning.is_on and reasoning.is_shown is None)
    summary = reasoning.summary or ("auto" if wants_summary and not reasoning.effort else "")
    return given({"effort": effort, "summary": "" if reasoning.is_shown is False else summary})


def _text(output: OutputFormat) -> dict[str, Any]:
    told: dict[str, Any] = given({"verbosity": output.verbosity})
    if output.kind == "json":
        told["format"] = {"type": "json_object"}
    elif output.kind == "schema":
        told["format"] = {
            "type": "json_schema",
            "name": output.name or "answer",
            **given({"description": output.description}),
            "schema": output.schema if is_given(output.schema) else {"type": "object"},
            **given({"strict": output.is_strict}),
        }
    return told


def _include(conversation: Conversation, target: Target) -> list[str]:
    reasoning = conversation.reasoning
    is_asked = reasoning.is_on or reasoning.budget_tokens or reasoning.effort not in {None, "none"}
    included = [SEALED] if is_asked or "reasoning" in target.capabilities else []
    likely = conversation.sampling.logprobs and samples(target)
    return [*included, LOGPROBS] if likely else included
