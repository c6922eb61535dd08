"""Requests, read: a client's members into a Conversation. Messages are read in `reading_messages`.

A member that is null is not there. A member of a wrong type is a Fault that names it. A member, or a value, that is merely new goes by its name into
`unknown`. What the gateway itself acts on (`model`, `models`, `provider`) is no part of a conversation.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeVar, cast, get_args

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.conversation import (
    Account,
    Cache,
    Conversation,
    Effort,
    OutputFormat,
    Reasoning,
    Sampling,
    Tool,
    ToolChoice,
)
from kilo_gateway.dialects.openai_chat.reading_messages import read_messages
from kilo_gateway.dialects.openai_chat.schema import ABSENT, Raw
from kilo_gateway.dialects.openai_chat.turns import NAME

WEB_SEARCH = "web_search_options"
_Value = TypeVar("_Value")
_EFFORTS = frozenset(get_args(Effort))
# Read by the gateway, or told in other ways: not lost.
_OURS = frozenset({"model", "models", "provider", "route", "messages", "stream", "usage"})


class _Options(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class _Reasoning(msgspec.Struct, gc=False):
    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None
    summary: str | None = None


class _Thinking(msgspec.Struct, gc=False):
    type: str | None = None
    budget_tokens: int | None = None


class _Schema(msgspec.Struct, gc=False):
    name: str | None = None
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class _Format(msgspec.Struct, gc=False):
    type: str = "text"
    json_schema: _Schema | None = None
    schema: Raw = ABSENT  # Together and others put it here


class _Function(msgspec.Struct, gc=False):
    name: str = ""
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None


class _Grammar(msgspec.Struct, gc=False):
    definition: str = ""
    syntax: str = ""


class _TextFormat(msgspec.Struct, gc=False):
    type: str = "text"
    grammar: _Grammar | None = None


class _Custom(msgspec.Struct, gc=False):
    name: str = ""
    description: str | None = None
    format: _TextFormat | None = None


class _Mark(msgspec.Struct, gc=False):
    ttl: str | None = None


class _Tool(msgspec.Struct, gc=False):
    type: str | None = None
    function: _Function | None = None
    custom: _Custom | None = None
    name: str | None = None
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None
    cache_control: _Mark | None = None


class _Named(msgspec.Struct, gc=False):
    name: str = ""


class _AllowedTool(msgspec.Struct, gc=False):
    name: str | None = None
    function: _Named | None = None
    custom: _Named | None = None


class _Allowed(msgspec.Struct, gc=False):
    mode: str | None = None
    tools: list[_AllowedTool] = []


class _Choice(msgspec.Struct, gc=False):
    type: str | None = None
    name: str | None = None
    function: _Named | None = None
    custom: _Named | None = None
    allowed_tools: _Allowed | None = None


# Made once, and each takes null for what is not there.
_MESSAGES = msgspec.json.Decoder(list[Fields] | None)
_TEXT = msgspec.json.Decoder(str | None)
_TEXTS = msgspec.json.Decoder(list[str] | None)
_TEXT_OR_TEXTS = msgspec.json.Decoder(str | list[str] | None)
_WHOLE = msgspec.json.Decoder(int | None)
_NUMBER = msgspec.json.Decoder(float | None)
_FLAG = msgspec.json.Decoder(bool | None)
_RAWS = msgspec.json.Decoder(list[Raw] | None)
_OPTIONS = msgspec.json.Decoder(_Options | None)
_REASONING = msgspec.json.Decoder(_Reasoning | None)
_THINKING = msgspec.json.Decoder(_Thinking | None)
_FORMAT = msgspec.json.Decoder(_Format | None)
_FUNCTIONS = msgspec.json.Decoder(list[_Function] | None)
_TOOL = msgspec.json.Decoder(_Tool)
_CHOICE = msgspec.json.Decoder(str | _Choice | None)
_OLD_CHOICE = msgspec.json.Decoder(str | _Named | None)


class _Members:
    """The members of a request, each taken once: what is left over is unknown."""

    def __init__(self, fields: Fields) -> None:
        self._left = {name: raw for name, raw in fields.items() if name not in _OURS}
        self.unknown: list[str] = []

    def take(self, name: str, decoder: "msgspec.json.Decoder[_Value | None]") -> _Value | None:
        """A member as that decoder reads it, None if it is absent."""
        raw = self._left.pop(name, None)
        return None if raw is None else decoded(raw, decoder, name)

    def raw(self, name: str) -> Raw:
        """A member as it came."""
        raw = self._left.pop(name, ABSENT)
        return ABSENT if _is_null(raw) else raw

    def left(self) -> tuple[str, ...]:
        """Names of what nobody took, and of values that are not known."""
        names = (name for name, raw in self._left.items() if not _is_null(raw))
        return (*names, *self.unknown)


def _is_null(raw: Raw) -> bool:
    return bytes(memoryview(raw)[:5]) == b"null"


def decoded(raw: Raw, decoder: "msgspec.json.Decoder[_Value]", name: str) -> _Value:
    """A value as that decoder reads it. Raises Fault invalid_request naming the field."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).replace(" | null`", "`").partition(" - at `$")
        field = name + path.rstrip("`")
        raise Fault(
            Kind.INVALID_REQUEST,
            f"The field {field} is not as documented: {problem[:1].lower()}{problem[1:]}.",
            param=field,
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Fault(
            Kind.INVALID_REQUEST, f"The field {name} cannot be read as JSON.", param=name
        ) from None


def read_request(fields: Fields) -> Conversation:
    """A client's request as a Conversation."""
    members = _Members(fields)
    read = read_messages(decoded(fields.get("messages", Raw(b"[]")), _MESSAGES, "messages"))
    options = members.take("stream_options", _OPTIONS)
    stream = fields.get("stream")
    conversation = Conversation(
        messages=read.messages,
        system=read.system,
        tools=_tools(members),
        tool_choice=_tool_choice(members),
        sampling=_sampling(members),
        reasoning=_reasoning(members),
        output=_output(members),
        account=_account(members),
        is_stream=bool(stream is not None and decoded(stream, _FLAG, "stream")),
        wants_usage=bool(options is not None and options.include_usage),
        dialect=NAME,
    )
    return msgspec.structs.replace(conversation, unknown=(*members.left(), *read.unknown))


def _sampling(members: _Members) -> Sampling:
    take = members.take
    limits = (take("max_tokens", _WHOLE), take("max_completion_tokens", _WHOLE))
    stop = members.take("stop", _TEXT_OR_TEXTS)
    seeds = (take("seed", _WHOLE), take("random_seed", _WHOLE))
    return Sampling(
        max_tokens=min((limit for limit in limits if limit is not None), default=None),
        temperature=take("temperature", _NUMBER),
        top_p=take("top_p", _NUMBER),
        top_k=take("top_k", _WHOLE),
        min_p=take("min_p", _NUMBER),
        frequency_penalty=take("frequency_penalty", _NUMBER),
        presence_penalty=take("presence_penalty", _NUMBER),
        repetition_penalty=take("repetition_penalty", _NUMBER),
        seed=seeds[1] if seeds[0] is None else seeds[0],
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        count=take("n", _WHOLE),
        logprobs=members.take("logprobs", _FLAG),
        top_logprobs=take("top_logprobs", _WHOLE),
        logit_bias=members.raw("logit_bias"),
    )


def _reasoning(members: _Members) -> Reasoning:
    """Five ways to say it: OpenAI's effort, OpenRouter's object, Anthropic's and Z.ai's `thinking`, Qwen's switch, and `include_reasoning`."""
    told = members.take("reasoning", _REASONING) or _Reasoning()
    thinking = members.take("thinking", _THINKING) or _Thinking()
    word = members.take("reasoning_effort", _TEXT)
    enabled = members.take("enable_thinking", _FLAG)
    shown = members.take("include_reasoning", _FLAG)
    effort = _effort(members, "reasoning_effort", word) or _effort(
        members, "reasoning.effort", told.effort
    )
    budget = thinking.budget_tokens if told.max_tokens is None else told.max_tokens
    is_on = told.enabled if told.enabled is not None else enabled
    if thinking.type in {"enabled", "disabled"}:
        is_on = thinking.type == "enabled"
    if effort == "none":
        is_on = False
    if told.exclude is not None:
        shown = not told.exclude
    return Reasoning(
        is_on=is_on,
        effort=effort,
        budget_tokens=budget,
        is_adaptive=thinking.type == "adaptive",
        is_shown=shown,
        summary=told.summary or "",
    )


def _effort(members: _Members, name: str, word: str | None) -> Effort | None:
    if word is not None and word not in _EFFORTS:
        members.unknown.append(name)
        return None
    return cast("Effort | None", word)


def _output(members: _Members) -> OutputFormat:
    told = members.take("response_format", _FORMAT) or _Format()
    verbosity = members.take("verbosity", _TEXT) or ""
    modalities = tuple(members.take("modalities", _TEXTS) or ())
    if told.type == "json_object" and not bytes(told.schema):
        return OutputFormat("json", verbosity=verbosity, modalities=modalities)
    if told.type not in {"json_schema", "json_object"}:
        if told.type != "text":
            members.unknown.append("response_format")
        return OutputFormat(verbosity=verbosity, modalities=modalities)
    schema = told.json_schema or _Schema(schema=told.schema)
    return OutputFormat(
        "schema",
        schema.schema,
        schema.name or "",
        schema.description or "",
        schema.strict,
        verbosity,
        modalities,
    )


def _account(members: _Members) -> Account:
    user = members.take("user", _TEXT)
    identifier = members.take("safety_identifier", _TEXT)
    return Account(
        user=user or identifier or "",
        cache_key=members.take("prompt_cache_key", _TEXT) or "",
        service_tier=members.take("service_tier", _TEXT) or "",
        metadata=members.raw("metadata"),
        is_stored=members.take("store", _FLAG),
    )


# --- tools ----------------------------------------------------------------------------------------------------------


def _tools(members: _Members) -> tuple[Tool, ...]:
    offered = members.take("tools", _RAWS) or ()
    tools = [_tool(raw, position) for position, raw in enumerate(offered)]
    tools += [_function(function, None) for function in members.take("functions", _FUNCTIONS) or ()]
    search = members.raw(WEB_SEARCH)
    if bytes(search):
        tools.append(Tool("web_search", server=WEB_SEARCH, dialect=NAME, raw=search))
    return tuple(tools)


def _tool(raw: Raw, position: int) -> Tool:
    told = decoded(raw, _TOOL, f"tools[{position}]")
    mark = told.cache_control
    cache = Cache(mark.ttl or "") if mark is not None else None
    if told.function is not None:
        return _function(told.function, cache)
    if told.custom is not None:
        return _custom(told.custom, cache, raw)
    if told.type in {None, "function"}:
        flat = _Function(told.name or "", told.description, told.parameters, told.strict)
        return _function(flat, cache)
    return Tool(told.name or told.type, cache=cache, server=told.type, dialect=NAME, raw=raw)


def _custom(custom: _Custom, cache: Cache | None, raw: Raw) -> Tool:
    form = custom.format or _TextFormat()
    grammar = form.grammar or _Grammar()
    return Tool(
        custom.name,
        custom.description or "",
        is_custom=True,
        cache=cache,
        dialect=NAME,
        raw=raw,
        grammar=grammar.definition,
        grammar_syntax=grammar.syntax,
    )


def _function(function: _Function, cache: Cache | None) -> Tool:
    return Tool(
        function.name,
        function.description or "",
        function.parameters,
        function.strict,
        cache=cache,
    )


_MODES: Mapping[str, Literal["auto", "none", "required"]] = MappingProxyType(
    {"auto": "auto", "none": "none", "required": "required", "any": "required"}
)


def _tool_choice(members: _Members) -> ToolChoice:
    told = members.take("tool_choice", _CHOICE)
    old = members.take("function_call", _OLD_CHOICE)
    is_parallel = members.take("parallel_tool_calls", _FLAG)
    if told is None:
        told = _Choice(name=old.name) if isinstance(old, _Named) else old
    choice = _chosen(told)
    if told is not None and choice == ToolChoice():
        members.unknown.append("tool_choice")
    return msgspec.structs.replace(choice, is_parallel=is_parallel)


def _chosen(told: str | _Choice | None) -> ToolChoice:
    if told is None:
        return ToolChoice()
    if isinstance(told, str):
        return ToolChoice(_MODES.get(told))
    if told.allowed_tools is not None:
        names = (_name(tool) for tool in told.allowed_tools.tools)
        mode = _MODES.get(told.allowed_tools.mode or "", "auto")
        return ToolChoice(mode, allowed=tuple(name for name in names if name))
    name = _name(told)
    return ToolChoice("tool", name) if name else ToolChoice(_MODES.get(told.type or ""))


def _name(told: _Choice | _AllowedTool) -> str:
    named = told.function or told.custom
    return named.name if named is not None else told.name or ""
