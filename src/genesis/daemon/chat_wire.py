"""The wire of the OpenAI-compatible door: a request's messages and tools into ours, our events into its replies. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from genesis.core.events import StreamEnd, StreamEvent, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.fault import GenesisError
from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    Message,
    StopReason,
    TextBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from genesis.core.usage import Usage
from genesis.providers.provider import ToolSpec

Json = dict[str, Any]
FINISH: Mapping[StopReason, str] = {"length": "length", "tool_use": "tool_calls"}
# What goes on to the model under its own name.
PASSED_ON = (
    "frequency_penalty", "logit_bias", "parallel_tool_calls", "presence_penalty", "response_format", "seed", "stop",
    "top_p", "user",
)  # fmt: skip


class StreamOptions(msgspec.Struct, frozen=True):
    """What a stream tells besides its text."""

    include_usage: bool = False


class Asked(msgspec.Struct, frozen=True):
    """What is read of a request; a field that is not here is left out."""

    messages: list[Json]
    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int = 1
    reasoning_effort: str | None = None
    tools: list[Json] | None = None
    tool_choice: str | Json | None = None
    frequency_penalty: float | None = None
    logit_bias: Json | None = None
    parallel_tool_calls: bool | None = None
    presence_penalty: float | None = None
    response_format: Json | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    top_p: float | None = None
    user: str | None = None

    def params(self) -> Json:
        """Its parameters, as a request of ours has them."""
        found: Json = {
            "temperature": self.temperature,
            "maxTokens": self.max_completion_tokens or self.max_tokens,
            "toolChoice": self.tool_choice,
        }
        return {name: value for name, value in found.items() if value is not None}

    def extra(self) -> Json:
        """What goes on as it is."""
        return {name: value for name in PASSED_ON if (value := getattr(self, name)) is not None}


def read_messages(wire: list[Json]) -> tuple[str, tuple[Message, ...]]:
    """The system prompt and the messages. Raises GenesisError that names the message."""
    system: list[str] = []
    found: list[Message] = []
    names: dict[str, str] = {}
    for number, one in enumerate(wire):
        where = f"messages[{number}]"
        role, parts = one.get("role"), _parts(one.get("content"), where)
        if role in {"system", "developer"}:
            system.append(_text(parts))
        elif role == "user":
            found.append(UserMessage(parts))
        elif role == "assistant":
            calls = [_call(call, where) for call in one.get("tool_calls") or ()]
            names |= {call.id: call.name for call in calls}
            texts = [TextBlock(_text(parts))] if _text(parts) else []
            found.append(AssistantMessage((*texts, *calls)))
        elif role == "tool":
            call_id = str(one.get("tool_call_id", ""))
            found.append(ToolResultMessage(call_id, names.get(call_id, ""), parts))
        else:
            raise GenesisError(
                f'{where}.role is "{role}". Use system, developer, user, assistant or tool.'
            )
    return "\n\n".join(system), tuple(found)


def read_tools(wire: list[Json] | None) -> tuple[ToolSpec, ...]:
    """The client's tools: it runs them itself. Raises GenesisError."""
    found = []
    for number, one in enumerate(wire or ()):
        function = one.get("function")
        if one.get("type") != "function" or not isinstance(function, dict):
            raise GenesisError(f'tools[{number}] must be {{"type": "function", "function": …}}.')
        name = function.get("name")
        if not isinstance(name, str) or not name:
            raise GenesisError(f"tools[{number}].function.name is missing.")
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        found.append(ToolSpec(name, str(function.get("description") or ""), parameters))
    return tuple(found)


class Replies:
    """Builds the replies of one request."""

    def __init__(self, ident: str, created: int, model: str) -> None:
        self._facts: Json = {"id": ident, "created": created, "model": model}
        self._calls = 0

    def whole(self, events: Iterable[StreamEvent]) -> Json:
        """One reply of all events."""
        texts: list[str] = []
        thoughts: list[str] = []
        calls: list[Json] = []
        end = StreamEnd("stop")
        for event in events:
            match event:
                case TextDelta(text=text):
                    texts.append(text)
                case ThinkingDelta(text=text):
                    thoughts.append(text)
                case ToolCallReady():
                    calls.append(call_of(event))
                case StreamEnd():
                    end = event
        message: Json = {"role": "assistant", "content": "".join(texts) or (None if calls else "")}
        if thoughts:
            message["reasoning_content"] = "".join(thoughts)
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": finish_of(end)}
        facts = self._facts | ({"model": end.routed_model} if end.routed_model else {})
        return {"object": "chat.completion", **facts, "choices": [choice], "usage": usage_of(end.usage)}  # fmt: skip

    def begin(self) -> Json:
        """The first chunk."""
        return self._chunk({"role": "assistant", "content": ""})

    def chunk(self, event: StreamEvent) -> Json:
        """An event's chunk."""
        match event:
            case TextDelta(text=text):
                return self._chunk({"content": text})
            case ThinkingDelta(text=text):
                return self._chunk({"reasoning_content": text})
            case ToolCallReady():
                self._calls += 1
                return self._chunk({"tool_calls": [{"index": self._calls - 1, **call_of(event)}]})
            case StreamEnd():
                return self._chunk({}, finish_of(event))

    def usage(self, usage: Usage) -> Json:
        """The chunk that a client gets if it asked for it."""
        body = self._chunk({})
        return body | {"choices": [], "usage": usage_of(usage)}

    def _chunk(self, delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"object": "chat.completion.chunk", **self._facts, "choices": [choice]}


def call_of(event: ToolCallReady) -> Json:
    """A tool call, whole."""
    function = {"name": event.name, "arguments": event.arguments}
    return {"id": event.id, "type": "function", "function": function}


def finish_of(end: StreamEnd) -> str:
    """Why the answer ended, in the wire's words."""
    return FINISH.get(end.stop_reason, "stop")


def usage_of(usage: Usage) -> Json | None:
    """The tokens; None where they are not known."""
    if usage.input is None and usage.output is None:
        return None
    prompt = (usage.input or 0) + (usage.cache_read or 0) + (usage.cache_write or 0)
    found: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output or 0,
        "total_tokens": prompt + (usage.output or 0),
    }
    if usage.cache_read is not None:
        found["prompt_tokens_details"] = {"cached_tokens": usage.cache_read}
    if usage.cost_usd is not None:
        found["cost"] = usage.cost_usd
    return found


def _text(parts: tuple[TextBlock | ImageBlock, ...]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, TextBlock))


def _parts(content: object, where: str) -> tuple[TextBlock | ImageBlock, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (TextBlock(content),)
    if not isinstance(content, list):
        raise GenesisError(f"{where}.content must be a text or a list of parts.")
    return tuple(_part(part, f"{where}.content[{n}]") for n, part in enumerate(content))


def _part(part: object, where: str) -> TextBlock | ImageBlock:
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(part, dict) and kind == "text" and isinstance(part.get("text"), str):
        return TextBlock(part["text"])
    if isinstance(part, dict) and kind == "image_url":
        picture = part.get("image_url")
        url = str(picture.get("url", "") if isinstance(picture, dict) else picture)
        head, _, data = url.partition(";base64,")
        if not head.startswith("data:image/") or not data:
            raise GenesisError(f"{where}: a picture must be a data: URL; Genesis fetches none.")
        return ImageBlock(data, head.removeprefix("data:"))
    raise GenesisError(
        f'{where}: parts of type "{kind}" are not understood; use text or image_url.'
    )


def _call(call: object, where: str) -> ToolCallBlock:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        raise GenesisError(f"{where}.tool_calls: each must have an id and a function.")
    name, arguments = str(function.get("name", "")), str(function.get("arguments") or "{}")
    return ToolCallBlock(str(call.get("id", "")), name, arguments)
