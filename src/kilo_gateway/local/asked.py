"""What the simulator reads of a request body; everything else in it is ignored."""

from typing import Any

import msgspec

from kilo_gateway.core.fault import Fault, Kind

MAX_INPUTS = 2_048


class Part(msgspec.Struct, frozen=True):
    """One part of a message; only text counts."""

    text: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One message of a conversation."""

    role: str = ""
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Its text, parts joined by blanks."""
        if isinstance(self.content, str):
            return self.content
        return " ".join(part.text for part in self.content or () if part.text)


class Function(msgspec.Struct, frozen=True):
    """A function that may be called; `parameters` is its JSON Schema."""

    name: str
    parameters: dict[str, Any] | None = None


class Tool(msgspec.Struct, frozen=True):
    """A tool; those without a function are passed over."""

    function: Function | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    """Options of a stream."""

    include_usage: bool | None = None


class Asked(msgspec.Struct, frozen=True):
    """A request for a chat completion, a completion (`prompt`) or embeddings (`input`)."""

    model: str = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    user: str | None = None
    messages: list[Message] | None = None
    tools: list[Tool] | None = None
    tool_choice: Any = None
    prompt: str | list[Any] | None = None
    input: str | list[Any] | None = None
    dimensions: int | None = None
    encoding_format: str | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream shall end with a chunk of usage."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def token_limit(self) -> int | None:
        """How many tokens the reply may have; None for any."""
        limit = (
            self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        )
        return None if limit is None else max(limit, 0)

    @property
    def texts(self) -> list[str]:
        """All text that was sent: messages, prompts or inputs. Token ids become words."""
        if self.messages is not None:
            return [message.text for message in self.messages]
        given = self.input if self.prompt is None else self.prompt
        return _texts(given) if given is not None else []

    @property
    def last_user_text(self) -> str:
        """What is to be echoed: the last user message, else all of the prompt."""
        if self.messages is None:
            return " ".join(self.texts)
        users = (message.text for message in reversed(self.messages) if message.role == "user")
        return next(users, "")

    @property
    def session(self) -> str:
        """What tells one session from another."""
        return self.user or next((text for text in self.texts if text), "")

    @property
    def functions(self) -> list[Function]:
        """The functions that may be called: none if the last message is a tool's result already."""
        if self.messages and self.messages[-1].role == "tool":
            return []
        return [tool.function for tool in self.tools or () if tool.function is not None]

    @property
    def chosen_function(self) -> Function | None:
        """The function to call: the one that `tool_choice` names, else the first; None if none may be called."""
        if self.tool_choice == "none":
            return None
        functions = self.functions
        choice = self.tool_choice if isinstance(self.tool_choice, dict) else {}
        named = choice.get("function")
        name = named.get("name") if isinstance(named, dict) else None
        matching = (function for function in functions if function.name == name)
        return next(matching, functions[0] if functions else None)


def _texts(given: str | list[Any]) -> list[str]:
    """One string an input: a text, an array of texts, of token ids, or of arrays of token ids."""
    if isinstance(given, str):
        return [given]
    if given and all(isinstance(item, int) for item in given):
        return [_joined(given)]
    return [item if isinstance(item, str) else _joined(item) for item in given]


def _joined(item: object) -> str:
    return " ".join(map(str, item)) if isinstance(item, list) else str(item)


def read_asked(body: bytes, required: str) -> Asked:
    """The body as values; Fault(INVALID_REQUEST) if it is no JSON, or `required` or the model is missing."""
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except msgspec.DecodeError as error:
        raise Fault(Kind.INVALID_REQUEST, f"The body cannot be read: {error}") from error
    if getattr(asked, required) is None:
        raise Fault(Kind.INVALID_REQUEST, f"'{required}' is missing from the body.", param=required)
    if isinstance(asked.input, list) and len(asked.input) > MAX_INPUTS:
        raise Fault(
            Kind.INVALID_REQUEST, f"'input' holds {MAX_INPUTS} texts at most.", param="input"
        )
    return asked
