"""A client's request as a Conversation.

`max_tokens` may be missing here, since `count_tokens` has none. A top-level `cache_control` is put where the API itself puts it:
on the last block of the system and of the last message. What has no place in the hub form is named in `unknown`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from kilo_gateway.dialects.anthropic_messages.blocks import Blocks, cache_of, invalid
from kilo_gateway.dialects.anthropic_messages.schema import (
    ABSENT,
    NAME,
    UNREADABLE,
    CacheControl,
    OutputConfig,
    Raw,
    WireChoice,
    WireFormat,
    WireMessage,
    WireThinking,
    WireTool,
    is_nothing,
)
from kilo_gateway.dialects.body import Fields, starts_with, text_of, write_fields
from kilo_gateway.dialects.conversation import (
    Account,
    Cache,
    Conversation,
    Effort,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    "messages": msgspec.json.Decoder(list[WireMessage]),
    "max_tokens": msgspec.json.Decoder(int | None),
    "stream": msgspec.json.Decoder(bool | None),
    "temperature": msgspec.json.Decoder(float | None),
    "top_p": msgspec.json.Decoder(float | None),
    "top_k": msgspec.json.Decoder(int | None),
    "stop_sequences": msgspec.json.Decoder(tuple[str, ...] | None),
    "tools": msgspec.json.Decoder(list[Raw] | None),
    "tool_choice": msgspec.json.Decoder(WireChoice | None),
    "thinking": msgspec.json.Decoder(WireThinking | None),
    "output_config": msgspec.json.Decoder(OutputConfig | None),
    "output_format": msgspec.json.Decoder(WireFormat | None),
    "metadata": msgspec.json.Decoder(Fields | None),
    "service_tier": msgspec.json.Decoder(str | None),
    "cache_control": msgspec.json.Decoder(CacheControl | None),
}
# Read here or by the gateway itself: `models` and `provider` are how it routes.
_KNOWN = frozenset(_DECODERS) | {"model", "system", "models", "provider"}
_TOOL = msgspec.json.Decoder(WireTool)
_TOOL_FIELDS = msgspec.json.Decoder(Fields)
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_MODES = {"auto": "auto", "any": "required", "tool": "tool", "none": "none"}
_EFFORTS: dict[str, Effort] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
_CACHEABLE = (Text, Media, ToolCall, ToolResult)


def read_request(fields: Fields) -> Conversation:
    """The members of a body as a Conversation. Raises Fault invalid_request naming the field that is not as it should be."""
    return _Request(fields).conversation()


class _Request:
    """Reads one body, and notes what has no place."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._unknown: dict[str, None] = {}
        self._blocks = Blocks("anthropic", is_lenient=False, noted=self._note)

    def conversation(self) -> Conversation:
        names = [name for name, raw in self._fields.items() if not is_nothing(raw)]
        system, messages = self._system(), self._messages()
        mark = cache_of(self._read("cache_control"))
        if mark is not None:
            system, messages = _marked(system, messages, mark)
        tools = tuple(
            self._tool(raw, f"tools[{index}]")
            for index, raw in enumerate(self._read("tools") or ())
        )
        return Conversation(
            messages,
            system,
            tools,
            self._choice(),
            self._sampling(),
            self._reasoning(),
            self._output(),
            self._account(),
            is_stream=bool(self._read("stream")),
            wants_usage=True,
            unknown=(*(name for name in names if name not in _KNOWN), *self._unknown),
            dialect=NAME,
        )

    def _note(self, name: str) -> None:
        self._unknown[name] = None

    def _read(self, name: str) -> Any:
        """A member by its decoder; None if it is absent or null."""
        raw = self._fields.get(name)
        if raw is None:
            return None
        try:
            return _DECODERS[name].decode(raw)
        except UNREADABLE as error:
            raise invalid(name, error) from None

    def _system(self) -> tuple[Text, ...]:
        raw = self._fields.get("system", ABSENT)
        parts = self._blocks.parts(raw, "system")
        for part in parts:
            if not isinstance(part, Text):
                self._note("system blocks that are not text")
        return tuple(part for part in parts if isinstance(part, Text) and part.text)

    def _messages(self) -> tuple[Message, ...]:
        return tuple(
            self._message(wire, f"messages[{index}]")
            for index, wire in enumerate(self._read("messages") or ())
        )

    def _message(self, wire: WireMessage, where: str) -> Message:
        role = _ROLES.get(wire.role)
        if role is None:
            problem = ValueError(f"Expected user, assistant or system, got {wire.role[:40]!r}")
            raise invalid(f"{where}.role", problem)
        return Message(role, self._blocks.parts(wire.content, f"{where}.content"))

    def _tool(self, raw: Raw, where: str) -> Tool:
        try:
            wire, members = _TOOL.decode(raw), _TOOL_FIELDS.decode(raw)
        except UNREADABLE as error:
            raise invalid(where, error) from None
        mark = cache_of(wire.cache_control)
        if wire.type not in {None, "custom"}:
            return Tool(
                wire.name or wire.type or "",
                cache=mark,
                server=wire.type or "",
                dialect=NAME,
                raw=raw,
            )
        if not wire.name:
            raise invalid(f"{where}.name", ValueError("A tool needs a name"))
        for name in members:
            if name not in WireTool.__struct_fields__:
                self._note(f"tools.{name}")
        has_schema = not is_nothing(wire.input_schema)
        return Tool(
            wire.name,
            wire.description or "",
            wire.input_schema if has_schema else ABSENT,
            wire.strict,
            cache=mark,
        )

    def _choice(self) -> ToolChoice:
        wire: WireChoice | None = self._read("tool_choice")
        if wire is None:
            return ToolChoice()
        off = wire.disable_parallel_tool_use
        mode: Any = _MODES.get(wire.type)
        if mode is None:
            self._note(f"tool_choice {wire.type[:40]}")
        return ToolChoice(
            mode,
            (wire.name or "") if mode == "tool" else "",
            is_parallel=None if off is None else not off,
        )

    def _sampling(self) -> Sampling:
        return Sampling(
            max_tokens=self._read("max_tokens"),
            temperature=self._read("temperature"),
            top_p=self._read("top_p"),
            top_k=self._read("top_k"),
            stop=self._read("stop_sequences") or (),
        )

    def _reasoning(self) -> Reasoning:
        """`enabled` with a budget, `adaptive`, `disabled`; a new type is thinking on, and named."""
        config: OutputConfig | None = self._read("output_config")
        word = config.effort if config is not None else None
        effort = _EFFORTS.get(word or "")
        if word and effort is None:
            self._note(f"output_config.effort {word[:40]}")
        wire: WireThinking | None = self._read("thinking")
        if wire is None:
            return Reasoning(effort=effort)
        if wire.type not in {"enabled", "adaptive", "disabled"}:
            self._note(f"thinking {wire.type[:40]}")
        shown = None if wire.display is None else wire.display != "omitted"
        is_on = wire.type != "disabled"
        return Reasoning(
            is_on,
            effort,
            wire.budget_tokens if is_on else None,
            is_adaptive=wire.type == "adaptive",
            is_shown=shown,
        )

    def _output(self) -> OutputFormat:
        config: OutputConfig | None = self._read("output_config")
        form: WireFormat | None = (config.format if config is not None else None) or self._read(
            "output_format"
        )
        if form is None:
            return OutputFormat()
        if form.type != "json_schema" or not starts_with(form.schema, b"{"):
            self._note(f"output_config.format {form.type[:40]}")
            return OutputFormat()
        return OutputFormat("schema", form.schema)

    def _account(self) -> Account:
        labels: Fields = dict(self._read("metadata") or {})
        user = text_of(labels.pop("user_id", ABSENT)) or ""
        return Account(
            user=user,
            service_tier=self._read("service_tier") or "",
            metadata=Raw(write_fields(labels)) if labels else ABSENT,
        )


def _marked(
    system: tuple[Text, ...], messages: tuple[Message, ...], mark: Cache
) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """With a breakpoint behind the last text of the system, and behind the last part of the last message that can have one."""
    if system:
        last_text = msgspec.structs.replace(system[-1], cache=system[-1].cache or mark)
        system = (*system[:-1], last_text)
    if not messages:
        return system, messages
    parts = list(messages[-1].parts)
    for index in reversed(range(len(parts))):
        part = parts[index]
        if isinstance(part, _CACHEABLE):
            parts[index] = msgspec.structs.replace(part, cache=part.cache or mark)
            break
    last = msgspec.structs.replace(messages[-1], parts=tuple(parts))
    return system, (*messages[:-1], last)
