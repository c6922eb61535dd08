"""Request bodies of the benchmarks: one conversation in the words of each of the four dialects.

A conversation is a list of turns: ("user", text), ("assistant", text), ("call", arguments), ("result", text) and
("picture", base64). What stands before it, the tool and the settings are the same everywhere.
"""

import base64
import json
import random
from collections.abc import Callable, Iterable
from typing import Any

Turns = list[tuple[str, str]]
Body = dict[str, Any]

_SYSTEM = (
    "You are a helpful assistant. Answer in one sentence, and look things up before you answer."
)
_TOOL, _ABOUT = "get_weather", "The weather in a city, now."
_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city"],
}
_TEMPERATURE, _MOST_TOKENS = 0.7, 256
_PROSE = 'He said: "The quick brown fox jumps over the lazy dog."\n\tThen it rained, a little - 3.5 mm.\n'
_PICTURES = 8


def agent_turn() -> Turns:
    """A question, a call, its result, and a further question: what an agent sends all day."""
    return [
        ("user", "What is the weather in Berlin? I am going out and I wonder about an umbrella."),
        ("assistant", "I look it up."),
        ("call", '{"city":"Berlin","unit":"celsius"}'),
        (
            "result",
            "14 degrees, light rain from the west, wind 20 km/h, clearing up in the evening",
        ),
        ("assistant", "It is 14 degrees with light rain: take an umbrella."),
        ("user", "And in Paris?"),
    ]


def pictures(size: int) -> Turns:
    """Eight pictures of noise that are together `size` bytes of base64, and a question about them."""
    dice = random.Random(1)
    each = size // _PICTURES // 4 * 3
    shown = [("picture", base64.b64encode(dice.randbytes(each)).decode()) for _ in range(_PICTURES)]
    return [*shown, ("user", "What is in these pictures?")]


def long_history(size: int, messages: int) -> Turns:
    """A session of so many messages, about `size` bytes together: prose, with a call and its result among every four."""
    text = _PROSE * max(1, size // messages // len(_PROSE))
    four = [("user", text), ("call", '{"city":"Berlin"}'), ("result", text), ("assistant", text)]
    return [*four * (messages // 4), ("user", "Go on.")]


def body(dialect: str, model: str, turns: Turns, *, is_stream: bool = False) -> bytes:
    """The request. Gemini's has neither model nor stream: they stand in its path."""
    made = _WRITERS[dialect](turns)
    if dialect != "gemini":
        made = {"model": model, **made}
        if is_stream:
            made["stream"] = True
            if dialect == "chat":
                made["stream_options"] = {"include_usage": True}
    return json.dumps(made, separators=(",", ":")).encode()


def path(dialect: str, model: str, *, is_stream: bool = False) -> str:
    """Where a client of that dialect sends it."""
    if dialect == "gemini":
        verb = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
        return f"/v1beta/models/{model}:{verb}"
    return {"chat": "/v1/chat/completions"}.get(dialect, f"/v1/{dialect}")


def _numbered(turns: Turns) -> Iterable[tuple[str, str, str]]:
    """Turns, with the id of their call for calls and results."""
    number = 0
    for kind, text in turns:
        number += kind == "call"
        yield kind, text, f"call_{number:08d}"


def _chat(turns: Turns) -> Body:
    messages: list[Body] = [{"role": "system", "content": _SYSTEM}]
    for kind, text, ident in _numbered(turns):
        function = {"name": _TOOL, "arguments": text}
        told: Body = {
            "picture": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{text}"}},
            "call": {"id": ident, "type": "function", "function": function},
        }.get(kind, {})
        if kind == "picture":
            _joined(messages, "user", [told])
        elif kind == "call":
            if messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": None})
            messages[-1].setdefault("tool_calls", []).append(told)
        elif kind == "result":
            messages.append({"role": "tool", "tool_call_id": ident, "content": text})
        elif isinstance(messages[-1]["content"], list):
            messages[-1]["content"].append({"type": "text", "text": text})
        else:
            messages.append({"role": kind, "content": text})
    tool = {"name": _TOOL, "description": _ABOUT, "parameters": _SCHEMA}
    return {
        "messages": messages,
        "tools": [{"type": "function", "function": tool}],
        "temperature": _TEMPERATURE,
        "max_tokens": _MOST_TOKENS,
    }


def _messages(turns: Turns) -> Body:
    messages: list[Body] = []
    for kind, text, ident in _numbered(turns):
        source = {"type": "base64", "media_type": "image/png", "data": text}
        block: Body = {
            "picture": {"type": "image", "source": source},
            "result": {"type": "tool_result", "tool_use_id": ident, "content": text},
        }.get(kind, {"type": "text", "text": text})
        if kind == "call":
            block = {"type": "tool_use", "id": ident, "name": _TOOL, "input": json.loads(text)}
        _joined(messages, "assistant" if kind in {"assistant", "call"} else "user", [block])
    return {
        "system": _SYSTEM,
        "messages": messages,
        "tools": [{"name": _TOOL, "description": _ABOUT, "input_schema": _SCHEMA}],
        "temperature": _TEMPERATURE,
        "max_tokens": _MOST_TOKENS,
    }


def _joined(messages: list[Body], role: str, content: list[Body], where: str = "content") -> None:
    """Content at the end of a message of that role: of the last one, if it is."""
    if messages and messages[-1]["role"] == role and isinstance(messages[-1][where], list):
        messages[-1][where] += content
    else:
        messages.append({"role": role, where: content})


def _responses(turns: Turns) -> Body:
    items: list[Body] = []
    for kind, text, ident in _numbered(turns):
        if kind == "call":
            items.append(
                {"type": "function_call", "call_id": ident, "name": _TOOL, "arguments": text}
            )
        elif kind == "result":
            items.append({"type": "function_call_output", "call_id": ident, "output": text})
        elif kind == "picture":
            url = f"data:image/png;base64,{text}"
            picture = {"type": "input_image", "image_url": url, "detail": "auto"}
            items.append({"type": "message", "role": "user", "content": [picture]})
        else:
            typed = {"type": "output_text" if kind == "assistant" else "input_text", "text": text}
            items.append({"type": "message", "role": kind, "content": [typed]})
    tool = {"type": "function", "name": _TOOL, "description": _ABOUT, "parameters": _SCHEMA}
    return {
        "instructions": _SYSTEM,
        "input": items,
        "tools": [tool],
        "temperature": _TEMPERATURE,
        "max_output_tokens": _MOST_TOKENS,
    }


def _gemini(turns: Turns) -> Body:
    contents: list[Body] = []
    for kind, text, ident in _numbered(turns):
        part: Body = {"text": text}
        if kind == "picture":
            part = {"inlineData": {"mimeType": "image/png", "data": text}}
        elif kind == "call":
            part = {"functionCall": {"id": ident, "name": _TOOL, "args": json.loads(text)}}
        elif kind == "result":
            answer = {"id": ident, "name": _TOOL, "response": {"output": text}}
            part = {"functionResponse": answer}
        _joined(contents, "model" if kind in {"assistant", "call"} else "user", [part], "parts")
    function = {"name": _TOOL, "description": _ABOUT, "parametersJsonSchema": _SCHEMA}
    return {
        "systemInstruction": {"parts": [{"text": _SYSTEM}]},
        "contents": contents,
        "tools": [{"functionDeclarations": [function]}],
        "generationConfig": {"temperature": _TEMPERATURE, "maxOutputTokens": _MOST_TOKENS},
    }


_WRITERS: dict[str, Callable[[Turns], Body]] = {
    "chat": _chat,
    "messages": _messages,
    "responses": _responses,
    "gemini": _gemini,
}
