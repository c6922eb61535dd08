"""What the simulator answers, as a value: pure, and the same for the same body and scenario."""

import hashlib
from itertools import cycle, islice
from typing import Any

import msgspec

from kilo_gateway.local.asked import Asked, Function
from kilo_gateway.local.scenario import Scenario

GREETING = "Hello from the simulator. Say something and it will be repeated."
LOREM_TOKENS = 40
ARGUMENT_TOKEN_CHARACTERS = 8
MAX_ARGUMENT_CHARACTERS = 200
MAX_ARGUMENT_DEPTH = 5

_LOREM = (
    "The lighthouse keeper wrote one line every evening about the weather, the ships that passed and the"
    " birds that stayed, and on quiet nights he read the old lines aloud until the lamp was the only one awake."
)
_THOUGHTS = (
    "First I look at what was asked, then I weigh what I know, and then I choose plain words."
)


class ToolCall(msgspec.Struct, frozen=True):
    """One call of a function; `arguments` is a JSON object as text, in the pieces of a stream."""

    id: str
    name: str
    arguments: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True):
    """A whole reply. Texts are tuples of tokens, to be joined without a gap. `prompt_tokens` counts words."""

    id: str
    model: str
    prompt_tokens: int
    finish: str
    text: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    tool_call: ToolCall | None = None

    @property
    def completion_tokens(self) -> int:
        """Tokens of text, reasoning and tool call."""
        arguments = len(self.tool_call.arguments) if self.tool_call else 0
        return len(self.text) + len(self.reasoning) + arguments


def fingerprint(body: bytes) -> str:
    """24 hexadecimal digits that stand for a body."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def count_tokens(texts: list[str]) -> int:
    """Tokens of a prompt: its words, at least one."""
    return max(1, sum(len(text.split()) for text in texts))


def answer(asked: Asked, body: bytes, scenario: Scenario) -> Answer:
    """The reply to a request: a tool call where the scenario wants one and it may be made, else text."""
    name = fingerprint(body)
    function = asked.chosen_function if scenario.calls_tool else None
    prompt_tokens = count_tokens(asked.texts)
    if function is not None:
        call = ToolCall(f"call_{name}", function.name, _pieces(_arguments(function, asked)))
        return Answer(name, asked.model, prompt_tokens, "tool_calls", tool_call=call)
    wanted = _tokens(_THOUGHTS, scenario.reasoning_tokens) + _text(asked, scenario)
    kept = wanted[: asked.token_limit]
    finish = "length" if len(kept) < len(wanted) else "stop"
    return Answer(
        id=name,
        model=asked.model,
        prompt_tokens=prompt_tokens,
        finish="content_filter" if scenario.is_filtered else finish,
        text=kept[scenario.reasoning_tokens :],
        reasoning=kept[: scenario.reasoning_tokens],
    )


def _tokens(text: str, count: int | None) -> tuple[str, ...]:
    """That many words of a text (all if None), repeated as often as needed, each with the blank before it."""
    words = text.split()
    chosen = words if count is None else islice(cycle(words), count)
    return tuple(f" {word}" if number else word for number, word in enumerate(chosen))


def _text(asked: Asked, scenario: Scenario) -> tuple[str, ...]:
    if scenario.voice == "lorem":
        return _tokens(_LOREM, LOREM_TOKENS if scenario.tokens is None else scenario.tokens)
    said = asked.last_user_text
    return _tokens(f"You said: {said}" if said.strip() else GREETING, scenario.tokens)


def _pieces(text: str) -> tuple[str, ...]:
    step = ARGUMENT_TOKEN_CHARACTERS
    return tuple(text[at : at + step] for at in range(0, len(text), step))


def _arguments(function: Function, asked: Asked) -> str:
    filled = _value(function.parameters or {"type": "object"}, asked.last_user_text, 0)
    return msgspec.json.encode(filled if isinstance(filled, dict) else {}).decode()


def _value(schema: object, text: str, depth: int) -> Any:
    """A value that fits the plain kinds of JSON Schema: required members only, strings are the user's words."""
    if not isinstance(schema, dict) or depth > MAX_ARGUMENT_DEPTH:
        return None
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or (kind is None and depth == 0):
        return _object(schema, text, depth)
    plain = {"string": text[:MAX_ARGUMENT_CHARACTERS], "array": [], "integer": 1, "number": 1.5}
    return plain.get(str(kind), True if kind == "boolean" else None)


def _object(schema: dict[str, Any], text: str, depth: int) -> dict[str, Any]:
    members = schema.get("properties")
    required = schema.get("required")
    if not isinstance(members, dict) or not isinstance(required, list):
        return {}
    return {str(name): _value(members.get(name), text, depth + 1) for name in required}
