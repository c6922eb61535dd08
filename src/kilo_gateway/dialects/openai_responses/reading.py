"""A client's request as a Conversation."""

from typing import get_args

import msgspec

from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.conversation import (
    Account,
    Conversation,
    Effort,
    OutputFormat,
    Reasoning,
    Sampling,
    Text,
)
from kilo_gateway.dialects.openai_responses.content import NAME
from kilo_gateway.dialects.openai_responses.marks import maker_of
from kilo_gateway.dialects.openai_responses.members import Members, refused
from kilo_gateway.dialects.openai_responses.schema import TextOptions, WireReasoning
from kilo_gateway.dialects.openai_responses.tools import read_choice, read_tools
from kilo_gateway.dialects.openai_responses.turns import Turns

SEALED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
_KNOWN = frozenset(
    {
        "model",
        "models",
        "provider",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "text",
        "reasoning",
        "include",
        "stream",
        "stream_options",
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "store",
        "metadata",
        "user",
        "safety_identifier",
        "prompt_cache_key",
        "service_tier",
        "truncation",
        "background",
        "previous_response_id",
        "conversation",
        "prompt",
    }
)
# What the vendor keeps, and looks up by these.
_NEEDS = ("previous_response_id", "conversation", "prompt")
_EFFORTS: dict[str, Effort] = {effort: effort for effort in get_args(Effort)}
_INCLUDE = msgspec.json.Decoder(list[str] | None)
_TEXT_OPTIONS = msgspec.json.Decoder(TextOptions | None)
_REASONING = msgspec.json.Decoder(WireReasoning | None)
_INSTRUCTIONS = msgspec.json.Decoder(str | list[msgspec.Raw] | None)


def read_request(fields: Fields) -> Conversation:
    """A client's request. Raises Fault invalid_request naming the field that is not as it should be."""
    members = Members(fields)
    turns = Turns(maker_of(members.text("model")))
    turns.unknown |= {name: None for name in fields if name not in _KNOWN and members.has(name)}
    include = members.read("include", _INCLUDE) or []
    if set(include) - {SEALED, LOGPROBS}:
        turns.unknown["include"] = None
    if members.has("truncation") and members.text("truncation") != "disabled":
        turns.unknown["truncation"] = None
    reasoning = _reasoning(members, turns.unknown)
    tools = read_tools(members, turns.unknown)
    _read_turns(members, turns)
    system, messages = turns.done()
    instructions = _instructions(members)
    return Conversation(
        messages,
        (*instructions, *system),
        tools,
        read_choice(members),
        _sampling(members, has_logprobs=LOGPROBS in include),
        reasoning,
        _output(members),
        _account(members),
        members.truth("stream") is True,
        True,
        tuple(turns.unknown),
        NAME,
        (*_needs(members), *turns.needs),
    )


def _read_turns(members: Members, turns: Turns) -> None:
    if members.has("input"):
        turns.read(members.raw("input"))


def _instructions(members: Members) -> tuple[Text, ...]:
    found = members.read("instructions", _INSTRUCTIONS)
    if isinstance(found, list):
        turns = Turns("")
        turns.read(members.raw("instructions"))
        system, messages = turns.done()
        if messages:
            raise refused("instructions", "must be a string, or messages of the system")
        return system
    return (Text(found),) if found else ()


def _needs(members: Members) -> tuple[str, ...]:
    needs = [name for name in _NEEDS if members.has(name)]
    if members.truth("background"):
        needs.append("background")
    return tuple(needs)


def _sampling(members: Members, *, has_logprobs: bool) -> Sampling:
    return Sampling(
        max_tokens=members.whole("max_output_tokens"),
        temperature=members.number("temperature"),
        top_p=members.number("top_p"),
        frequency_penalty=members.number("frequency_penalty"),
        presence_penalty=members.number("presence_penalty"),
        logprobs=True if has_logprobs else None,
        top_logprobs=members.whole("top_logprobs"),
    )


def _reasoning(members: Members, unknown: dict[str, None]) -> Reasoning:
    wire = members.read("reasoning", _REASONING)
    if wire is None:
        return Reasoning()
    effort = _EFFORTS.get(wire.effort or "")
    told = {
        "reasoning.effort": wire.effort if effort is None else None,
        "reasoning.context": wire.context,
        "reasoning.mode": wire.mode,
    }
    unknown |= {name: None for name, value in told.items() if value}
    summary = wire.summary or wire.generate_summary or ""
    return Reasoning(
        is_on=None if effort is None else effort != "none",
        effort=effort,
        is_shown=True if summary else None,
        summary=summary,
    )


def _output(members: Members) -> OutputFormat:
    wire = members.read("text", _TEXT_OPTIONS)
    if wire is None:
        return OutputFormat()
    verbosity = wire.verbosity or ""
    form = wire.format
    match form.type if form is not None else None:
        case "json_object":
            return OutputFormat("json", verbosity=verbosity)
        case "json_schema" if form is not None:
            return OutputFormat(
                "schema",
                form.schema,
                form.name or "",
                form.description or "",
                form.strict,
                verbosity,
            )
        case None | "text":
            return OutputFormat(verbosity=verbosity)
        case _:
            raise refused("text.format.type", "must be text, json_object or json_schema")


def _account(members: Members) -> Account:
    return Account(
        members.text("safety_identifier") or members.text("user"),
        members.text("prompt_cache_key"),
        members.text("service_tier"),
        members.raw("metadata") if members.has("metadata") else msgspec.Raw(),
        members.truth("store"),
    )
