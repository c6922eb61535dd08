"""A client's request as a Conversation. What has no place in the hub form is named in `unknown`."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from kilo_gateway.dialects.bedrock.blocks import Blocks, cache_of, invalid
from kilo_gateway.dialects.bedrock.schema import (
    ABSENT,
    NAME,
    UNREADABLE,
    InferenceConfig,
    OutputConfig,
    Raw,
    Tier,
    ToolConfig,
    WireChoice,
    WireMessage,
    WireTool,
    fitted,
    is_nothing,
)
from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.conversation import (
    Account,
    Conversation,
    Effort,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    Text,
    Tool,
    ToolChoice,
)

_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    "messages": msgspec.json.Decoder(list[WireMessage]),
    "inferenceConfig": msgspec.json.Decoder(InferenceConfig | None),
    "toolConfig": msgspec.json.Decoder(ToolConfig | None),
    "outputConfig": msgspec.json.Decoder(OutputConfig | None),
    "serviceTier": msgspec.json.Decoder(Tier | None),
    "requestMetadata": msgspec.json.Decoder(dict[str, str] | None),
    "additionalModelRequestFields": msgspec.json.Decoder(Fields | None),
}
# Read here or by the gateway itself.
_KNOWN = frozenset(_DECODERS) | {"model", "stream", "system"}
_TOOL = msgspec.json.Decoder(WireTool)
_WHOLE = msgspec.json.Decoder(int)
_TEXT = msgspec.json.Decoder(str)
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_EFFORTS: dict[str, Effort] = {
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


class _Thinking(msgspec.Struct, gc=False):
    """`thinking`, `reasoning_config` (Claude) and `reasoningConfig` (Nova)."""

    type: str | None = None
    budget_tokens: int | None = None
    max_effort: str | None = msgspec.field(default=None, name="maxReasoningEffort")
    display: str | None = None


class _Effort(msgspec.Struct, gc=False):
    effort: str | None = None


class _TopK(msgspec.Struct, gc=False):
    top_k: int | None = msgspec.field(default=None, name="topK")


_THINKING = msgspec.json.Decoder(_Thinking)
_EFFORT = msgspec.json.Decoder(_Effort)
_TOP_K = msgspec.json.Decoder(_TopK)


def read_request(fields: Fields) -> Conversation:
    """The members of a body as a Conversation. Raises Fault invalid_request naming the field that is not as it should be."""
    return _Request(fields).conversation()


class _Request:
    """Reads one body, and notes what has no place."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._unknown: dict[str, None] = {}
        self._blocks = Blocks(is_lenient=False, noted=self._note)
        self._top_k: int | None = None
        self._reasoning: dict[str, Any] = {}

    def conversation(self) -> Conversation:
        names = [name for name, raw in self._fields.items() if not is_nothing(raw)]
        self._read_more()
        config: ToolConfig = self._read("toolConfig") or ToolConfig()
        tools = tuple(self._tools(config.tools or []))
        messages = tuple(
            self._message(wire, f"messages[{index}]")
            for index, wire in enumerate(self._read("messages") or ())
        )
        return Conversation(
            messages,
            self._system(),
            tools,
            self._choice(config.tool_choice),
            self._sampling(),
            Reasoning(**self._reasoning),
            self._output(),
            self._account(),
            is_stream=bytes(self._fields.get("stream", b"")) == b"true",
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
        parts = self._blocks.parts(self._fields.get("system", ABSENT), "system")
        if not all(isinstance(part, Text) for part in parts):
            self._note("system blocks that are not text")
        return tuple(part for part in parts if isinstance(part, Text) and part.text)

    def _message(self, wire: WireMessage, where: str) -> Message:
        role = _ROLES.get(wire.role)
        if role is None:
            problem = ValueError(f"Expected user or assistant, got {wire.role[:40]!r}")
            raise invalid(f"{where}.role", problem)
        return Message(role, self._blocks.parts(wire.content, f"{where}.content"))

    def _tools(self, raws: list[Raw]) -> Iterator[Tool]:
        tools: list[Tool] = []
        for index, raw in enumerate(raws):
            where = f"toolConfig.tools[{index}]"
            try:
                wire = _TOOL.decode(raw)
            except UNREADABLE as error:
                raise invalid(where, error) from None
            if wire.cache_point is None:
                tools.append(_tool(wire, raw, where))
            elif tools:
                tools[-1] = msgspec.structs.replace(tools[-1], cache=cache_of(wire.cache_point))
            else:
                self._note("cachePoint")
        yield from tools

    def _choice(self, wire: WireChoice | None) -> ToolChoice:
        if wire is None:
            return ToolChoice()
        if wire.tool is not None:
            return ToolChoice("tool", wire.tool.name or "")
        return ToolChoice("auto" if is_nothing(wire.any) else "required")

    def _sampling(self) -> Sampling:
        config: InferenceConfig = self._read("inferenceConfig") or InferenceConfig()
        return Sampling(
            max_tokens=config.max_tokens,
            temperature=config.temperature,
            top_p=config.top_p,
            top_k=self._top_k,
            stop=config.stop_sequences or (),
        )

    def _output(self) -> OutputFormat:
        config: OutputConfig = self._read("outputConfig") or OutputConfig()
        self._take_effort(config.effort, "outputConfig.effort")
        structure = config.text_format.structure if config.text_format is not None else None
        told = structure.json_schema if structure is not None else None
        if told is None or not told.schema:
            return OutputFormat()
        schema = Raw(told.schema.encode())
        return OutputFormat("schema", schema, told.name or "", told.description or "")

    def _account(self) -> Account:
        tier: Tier | None = self._read("serviceTier")
        labels: dict[str, str] = self._read("requestMetadata") or {}
        return Account(
            service_tier=(tier.type if tier is not None else None) or "",
            metadata=Raw(msgspec.json.encode(labels)) if labels else ABSENT,
        )

    def _read_more(self) -> None:
        """`additionalModelRequestFields`: what vendors of models have words for, in the words of each."""
        self._output()  # its effort may be told there, too
        fields: Fields = self._read("additionalModelRequestFields") or {}
        for name, raw in fields.items():
            if not self._take(name, raw):
                self._note(f"additionalModelRequestFields.{name}"[:100])

    def _take(self, name: str, raw: Raw) -> bool:
        if name in {"thinking", "reasoning_config", "reasoningConfig"}:
            return self._take_thinking(name, raw)
        if name == "reasoning_effort":
            return self._take_effort(fitted(raw, _TEXT), name)
        if name == "output_config":
            told = fitted(raw, _EFFORT)
            return told is not None and self._take_effort(told.effort, f"{name}.effort")
        value: int | None = None
        if name == "top_k":
            value = fitted(raw, _WHOLE)
        elif name == "inferenceConfig":
            config = fitted(raw, _TOP_K)
            value = config.top_k if config is not None else None
        self._top_k = self._top_k if value is None else value
        return value is not None

    def _take_thinking(self, name: str, raw: Raw) -> bool:
        word = fitted(raw, _TEXT)
        if word is not None:
            return self._take_effort(word, name)
        told = fitted(raw, _THINKING)
        if told is None:
            return False
        is_on = told.type != "disabled"
        self._reasoning["is_on"] = is_on
        self._reasoning["is_adaptive"] = told.type == "adaptive"
        if is_on:
            self._reasoning["budget_tokens"] = told.budget_tokens
        if told.display is not None:
            self._reasoning["is_shown"] = told.display != "omitted"
        return self._take_effort(told.max_effort, f"{name}.maxReasoningEffort")

    def _take_effort(self, word: str | None, where: str) -> bool:
        """Whether a word for an effort is known; none at all is fine."""
        if not word:
            return True
        effort = _EFFORTS.get(word)
        if effort is None:
            self._note(f"{where} {word[:40]}")
        else:
            self._reasoning["effort"] = effort
        return True


def _tool(wire: WireTool, raw: Raw, where: str) -> Tool:
    spec = wire.tool_spec
    if spec is None:
        named = wire.system_tool
        name = (named.name if named is not None else None) or ""
        return Tool(name or "unknown", server=name or "unknown", dialect=NAME, raw=raw)
    if not spec.name:
        raise invalid(f"{where}.toolSpec.name", ValueError("A tool needs a name"))
    schema = spec.input_schema
    has_schema = schema is not None and not is_nothing(schema.json)
    return Tool(
        spec.name,
        spec.description or "",
        schema.json if schema is not None and has_schema else ABSENT,
        spec.strict,
    )
