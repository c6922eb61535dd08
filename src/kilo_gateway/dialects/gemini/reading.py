"""Reads a client's request. What only Google has, and this file does not know, goes by name into `unknown`."""

import msgspec

from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.conversation import (
    Account,
    Conversation,
    Message,
    OutputFormat,
    Reasoning,
    Sampling,
    Text,
    Tool,
    ToolChoice,
)
from kilo_gateway.dialects.gemini.contents import Contents
from kilo_gateway.dialects.gemini.members import (
    invalid,
    items,
    members,
    named,
    optional_flag,
    optional_number,
    optional_text,
    optional_texts,
    optional_whole,
    text,
)
from kilo_gateway.dialects.gemini.schemas import json_schema
from kilo_gateway.dialects.gemini.thinking import EFFORTS

_OF_THE_URL = frozenset({"model", "stream", "alt"})
_KNOWN = _OF_THE_URL | {
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "serviceTier",
    "labels",
    "store",
    "cachedContent",
    "generateContentRequest",
}
_CONFIG = "generationConfig"
_KNOWN_CONFIG = frozenset(
    {
        "candidateCount",
        "frequencyPenalty",
        "logprobs",
        "maxOutputTokens",
        "presencePenalty",
        "responseJsonSchema",
        "_responseJsonSchema",
        "responseLogprobs",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "seed",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
    }
)
_JSON = "application/json"
_CALLING = "toolConfig.functionCallingConfig"


def read_request(fields: Fields) -> Conversation:
    """A request for an answer, or for its tokens to be counted."""
    body = named(fields)
    if "generateContentRequest" in body:
        body = {
            **members(body["generateContentRequest"], "generateContentRequest"),
            **{name: body[name] for name in _OF_THE_URL if name in body},
        }
    unknown = [name for name in body if name not in _KNOWN]
    contents = Contents(unknown)
    raw = body.get("contents")
    messages = contents.read(raw) if raw is not None else ()
    config = members(body[_CONFIG], _CONFIG) if _CONFIG in body else {}
    unknown.extend(f"{_CONFIG}.{name}" for name in config if name not in _KNOWN_CONFIG)
    return Conversation(
        messages=messages,
        system=_system(body, contents),
        tools=_tools(body, unknown),
        tool_choice=_tool_choice(body, unknown),
        sampling=_sampling(config),
        reasoning=_reasoning(config),
        output=_output(config, unknown),
        account=_account(body),
        is_stream=bytes(body.get("stream", b"")) == b"true",
        wants_usage=True,
        unknown=tuple(dict.fromkeys(unknown)),
        dialect="gemini",
        needs=("cachedContent",) if "cachedContent" in body else (),
    )


def _system(body: Fields, contents: Contents) -> tuple[Text, ...]:
    raw = body.get("systemInstruction")
    if raw is None:
        return ()
    if bytes(memoryview(raw)[:1]) == b'"':
        return (Text(text(raw, "systemInstruction")),)
    message: Message = contents.content(raw, "systemInstruction")
    if any(not isinstance(part, Text) for part in message.parts):
        contents.unknown.append("systemInstruction.parts")
    return tuple(part for part in message.parts if isinstance(part, Text))


# --- tools -----------------------------------------------------------------------------------------------------


def _tools(body: Fields, unknown: list[str]) -> tuple[Tool, ...]:
    if "tools" not in body:
        return ()
    tools = list[Tool]()
    for raw in items(body["tools"], "tools"):
        for name, value in members(raw, "tools[]").items():
            if name == "functionDeclarations":
                param = f"tools[].{name}"
                tools.extend(_function(one, param, unknown) for one in items(value, param))
            else:
                whole = msgspec.Raw(msgspec.json.encode({name: value}))
                tools.append(Tool(name, server=name, dialect="gemini", raw=whole))
    return tuple(tools)


_KNOWN_OF_FUNCTION = frozenset({"name", "description", "parameters", "parametersJsonSchema"})


def _function(raw: msgspec.Raw, param: str, unknown: list[str]) -> Tool:
    fields = members(raw, param)
    unknown.extend(f"{param}.{name}" for name in fields if name not in _KNOWN_OF_FUNCTION)
    parameters = fields.get("parametersJsonSchema")
    if parameters is None and "parameters" in fields:
        parameters = json_schema(fields["parameters"])
    return Tool(
        name=optional_text(fields, "name", param),
        description=optional_text(fields, "description", param),
        parameters=msgspec.Raw() if parameters is None else parameters,
    )


def _tool_choice(body: Fields, unknown: list[str]) -> ToolChoice:
    if "toolConfig" not in body:
        return ToolChoice()
    config = members(body["toolConfig"], "toolConfig")
    unknown.extend(f"toolConfig.{name}" for name in config if name != "functionCallingConfig")
    if "functionCallingConfig" not in config:
        return ToolChoice()
    calling = members(config["functionCallingConfig"], _CALLING)
    mode = optional_text(calling, "mode", _CALLING).upper()
    names = optional_texts(calling, "allowedFunctionNames", _CALLING)
    if mode == "VALIDATED":
        unknown.append(f"{_CALLING}.mode=VALIDATED")
    if optional_flag(calling, "streamFunctionCallArguments", _CALLING):
        unknown.append(f"{_CALLING}.streamFunctionCallArguments")
    if mode == "NONE":
        return ToolChoice("none")
    if mode == "ANY":
        return (
            ToolChoice("tool", names[0]) if len(names) == 1 else ToolChoice("required", "", names)
        )
    return ToolChoice("auto" if mode in {"AUTO", "VALIDATED"} else None, "", names)


# --- how to answer ---------------------------------------------------------------------------------------------


def _sampling(config: Fields) -> Sampling:
    return Sampling(
        max_tokens=optional_whole(config, "maxOutputTokens", _CONFIG),
        temperature=optional_number(config, "temperature", _CONFIG),
        top_p=optional_number(config, "topP", _CONFIG),
        top_k=optional_whole(config, "topK", _CONFIG),
        frequency_penalty=optional_number(config, "frequencyPenalty", _CONFIG),
        presence_penalty=optional_number(config, "presencePenalty", _CONFIG),
        seed=optional_whole(config, "seed", _CONFIG),
        stop=optional_texts(config, "stopSequences", _CONFIG),
        count=optional_whole(config, "candidateCount", _CONFIG),
        logprobs=optional_flag(config, "responseLogprobs", _CONFIG),
        top_logprobs=optional_whole(config, "logprobs", _CONFIG),
    )


def _reasoning(config: Fields) -> Reasoning:
    """A budget of 0 turns thinking off, -1 leaves it to the model."""
    if "thinkingConfig" not in config:
        return Reasoning()
    param = f"{_CONFIG}.thinkingConfig"
    thinking = members(config["thinkingConfig"], param)
    shown = optional_flag(thinking, "includeThoughts", param)
    level = optional_text(thinking, "thinkingLevel", param).upper()
    effort = EFFORTS.get(level)
    budget = optional_whole(thinking, "thinkingBudget", param)
    if budget == 0:
        return Reasoning(is_on=False, budget_tokens=0, is_shown=shown)
    if budget is not None and budget < 0:
        return Reasoning(is_on=True, is_adaptive=True, is_shown=shown)
    is_on = True if effort is not None or budget is not None else None
    return Reasoning(is_on=is_on, effort=effort, budget_tokens=budget, is_shown=shown)


def _output(config: Fields, unknown: list[str]) -> OutputFormat:
    kind = optional_text(config, "responseMimeType", _CONFIG)
    modalities = tuple(one.lower() for one in optional_texts(config, "responseModalities", _CONFIG))
    if kind not in {"", "text/plain", _JSON}:
        unknown.append(f"{_CONFIG}.responseMimeType={kind}")
    schema = config.get("responseJsonSchema", config.get("_responseJsonSchema"))
    if schema is None and "responseSchema" in config:
        members(config["responseSchema"], f"{_CONFIG}.responseSchema")
        schema = json_schema(config["responseSchema"])
    if schema is not None and kind in {"", _JSON}:
        return OutputFormat("schema", schema, modalities=modalities)
    return OutputFormat("json" if kind == _JSON else "text", modalities=modalities)


def _account(body: Fields) -> Account:
    labels = body.get("labels")
    if labels is not None:
        members(labels, "labels")
    if "store" in body and bytes(body["store"]) not in {b"true", b"false"}:
        raise invalid("store", "must be true or false")
    return Account(
        service_tier=text(body["serviceTier"], "serviceTier").lower()
        if "serviceTier" in body
        else "",
        metadata=msgspec.Raw() if labels is None else labels,
        is_stored=bytes(body["store"]) == b"true" if "store" in body else None,
    )
