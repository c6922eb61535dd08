"""How to answer, in the words of this dialect: limits, sampling, thinking, format, tier, labels.

What every model has stands in `inferenceConfig`; the rest in `additionalModelRequestFields`, in the words of the model's
vendor (`abilities`). What a model has no word for, or would refuse, is left out and named.

    asked for        claude up to 4.5            claude from 4.6       nova 2               gpt-oss, qwen3
    effort           a budget of the table       adaptive + effort     maxReasoningEffort   the word
    budget           it                          it (4.6), effort      its effort           its effort
    off, none        {disabled}                  {disabled}            {disabled}           "low" (gpt-oss), nothing

A budget must be below `maxTokens`, if that is given: one that was asked for raises it, one of the table is halved until it fits.
No budget beside a tool that must be called, nor in the middle of calls whose thoughts are gone: Claude refuses both.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from kilo_gateway.dialects.bedrock.abilities import Abilities, abilities_of
from kilo_gateway.dialects.bedrock.schema import UNREADABLE, Raw
from kilo_gateway.dialects.body import Fields, text_of
from kilo_gateway.dialects.conversation import (
    Conversation,
    Effort,
    Reasoning,
    SealedThinking,
    Thinking,
    ToolCall,
    ToolResult,
    is_given,
)
from kilo_gateway.dialects.features import Feature
from kilo_gateway.dialects.hub import Target

LEAST_BUDGET = 1_024
BUDGETS: dict[Effort, int] = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 49_152,
}
_THREE_STEPS: dict[Effort, str] = {
    "none": "low",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_TIERS = frozenset({"priority", "default", "flex", "reserved"})
_MOST_LABELS = 16
_LABEL_CHARACTERS = 256
_OBJECT = msgspec.json.Decoder(Fields)
_OFF = {"type": "disabled"}


class Settings(NamedTuple):
    """Members of the body, and names of what this model cannot have."""

    members: dict[str, Any]
    lost: tuple[str, ...]


class _Thoughts(NamedTuple):
    """Members of `additionalModelRequestFields`; the budget in them; names of what was left out."""

    fields: Mapping[str, Any] = MappingProxyType({})
    budget: int = 0
    lost: tuple[str, ...] = ()


def settings_of(conversation: Conversation, target: Target) -> Settings:
    """Everything of a request but its messages, system and tools."""
    able = abilities_of(target)
    thoughts = _thoughts(conversation, target, able)
    lost = [*thoughts.lost]
    inference, more = _inference(conversation, thoughts, target), dict(thoughts.fields)
    thinks = "thinking" in more and more["thinking"]["type"] != "disabled"
    for name, value in _sampled(conversation):
        if not _accepts(name, value, thinks=thinks, able=able, taken=inference):
            lost.append(name)
        elif name != "top_k":
            inference["topP" if name == "top_p" else name] = value
        elif able.family in {"nova", "nova-2"}:
            more["inferenceConfig"] = {"topK": value}
        else:
            more["top_k"] = value
    members = dict(_rest(conversation, able))
    if inference:
        members["inferenceConfig"] = inference
    if more:
        members["additionalModelRequestFields"] = more
    return Settings(members, tuple(lost))


def _inference(conversation: Conversation, thoughts: _Thoughts, target: Target) -> dict[str, Any]:
    sampling, config = conversation.sampling, dict[str, Any]()
    limit = sampling.max_tokens
    if limit is not None:
        if thoughts.budget >= limit:
            limit = max(limit, 1) + thoughts.budget
            if target.max_output is not None:
                limit = max(min(limit, target.max_output), thoughts.budget + 1)
        config["maxTokens"] = limit
    stops = [text for text in sampling.stop if text.strip()]
    if stops:
        config["stopSequences"] = stops
    return config


def _sampled(conversation: Conversation) -> Iterator[tuple[str, float | int]]:
    sampling = conversation.sampling
    if sampling.temperature is not None:
        yield "temperature", min(sampling.temperature, 1)
    if sampling.top_p is not None:
        yield "top_p", sampling.top_p
    if sampling.top_k is not None:
        yield "top_k", sampling.top_k


def _accepts(
    name: str, value: float, *, thinks: bool, able: Abilities, taken: dict[str, Any]
) -> bool:
    """Whether the model takes the value; what changes nothing may pass."""
    if name == "top_k" and able.family not in {"claude", "nova", "nova-2", "mistral"}:
        return False
    if able.family != "claude":
        return True
    if not able.takes_sampling:
        return False
    if thinks:
        return value == 1 if name == "temperature" else name == "top_p" and value >= 0.95
    return not (name == "top_p" and able.is_either and "temperature" in taken)


def _rest(conversation: Conversation, able: Abilities) -> Iterator[tuple[str, Any]]:
    output, account = conversation.output, conversation.account
    if output.kind == "schema" and is_given(output.schema):
        schema = {"schema": _closed(output.schema, able), "name": output.name or "answer"}
        if output.description:
            schema["description"] = output.description
        yield (
            "outputConfig",
            {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}},
        )
    if account.service_tier in _TIERS:
        yield "serviceTier", {"type": account.service_tier}
    labels = dict(_labels(account.metadata))
    if labels:
        yield "requestMetadata", labels


def _labels(metadata: Raw) -> Iterator[tuple[str, str]]:
    """Those of the client's labels that the service takes: 16 texts of 256 characters."""
    try:
        members = _OBJECT.decode(metadata)
    except UNREADABLE:
        return
    for name, raw in list(members.items())[:_MOST_LABELS]:
        text = text_of(raw)
        if text is not None and len(text) <= _LABEL_CHARACTERS and 0 < len(name) <= 256:
            yield name, text


def _closed(schema: Raw, able: Abilities) -> str:
    """A JSON Schema as text. For Claude, objects say that they have no further members, as it wants it said."""
    if able.family != "claude":
        return bytes(schema).decode()
    try:
        value = msgspec.json.decode(schema)
    except UNREADABLE:
        return bytes(schema).decode(errors="replace")
    return msgspec.json.encode(value).decode() if _close(value) else bytes(schema).decode()


def _close(value: object) -> bool:
    if isinstance(value, list):
        return sum(map(_close, value)) > 0
    if not isinstance(value, dict):
        return False
    is_changed = sum(map(_close, value.values())) > 0
    if value.get("type") == "object" and "additionalProperties" not in value:
        value["additionalProperties"] = False
        return True
    return is_changed


def _thoughts(conversation: Conversation, target: Target, able: Abilities) -> _Thoughts:
    reasoning = conversation.reasoning
    is_off = reasoning.is_on is False or reasoning.effort == "none"
    if not (is_off or _is_wanted(reasoning)):
        return _Thoughts()
    if not able.thinks:
        return _Thoughts() if is_off else _Thoughts(lost=_names(reasoning))
    if able.family == "claude":
        return _Thoughts({"thinking": _OFF}) if is_off else _claude(conversation, target, able)
    hidden = (Feature.HIDDEN_THINKING.value,) if reasoning.is_shown is False else ()
    word = _THREE_STEPS[_effort(reasoning)]
    if able.family == "nova-2":
        if is_off:
            return _Thoughts({"reasoningConfig": _OFF})
        if word == "high" and _is_bounded(conversation):
            word = "medium"  # with "high" the service takes no limit and no sampling
        config = {"type": "enabled", "maxReasoningEffort": word}
        return _Thoughts({"reasoningConfig": config}, lost=hidden)
    if able.family == "gpt-oss":
        return _Thoughts({"reasoning_effort": word}, lost=hidden)
    return _Thoughts() if is_off else _Thoughts({"reasoning_config": word}, lost=hidden)


def _is_bounded(conversation: Conversation) -> bool:
    sampling = conversation.sampling
    return not (sampling.max_tokens is sampling.temperature is sampling.top_p is None)


def _claude(conversation: Conversation, target: Target, able: Abilities) -> _Thoughts:
    reasoning = conversation.reasoning
    budget = reasoning.budget_tokens
    if able.is_adaptive and (budget is None or not able.takes_budgets):
        fields: dict[str, Any] = {"thinking": _shown({"type": "adaptive"}, reasoning)}
        if reasoning.effort is not None or budget is not None:
            effort = _effort(reasoning)
            word = "low" if effort == "minimal" else str(effort)
            word = "high" if word == "xhigh" and not able.takes_xhigh else word
            fields["output_config"] = {"effort": word}
        return _Thoughts(fields)
    is_forced = conversation.tool_choice.mode in {"required", "tool"}
    if is_forced or _has_lost_its_thread(conversation, target):
        return _Thoughts(lost=_names(reasoning))
    limit, asked = conversation.sampling.max_tokens, budget
    budget = max(BUDGETS[_effort(reasoning)] if asked is None else asked, LEAST_BUDGET)
    if asked is None and limit is not None:
        while budget >= limit and budget > LEAST_BUDGET:
            budget = max(budget // 2, LEAST_BUDGET)
    if target.max_output is not None:
        budget = max(min(budget, target.max_output - 1), LEAST_BUDGET)
    thinking = _shown({"type": "enabled", "budget_tokens": budget}, reasoning)
    return _Thoughts({"thinking": thinking}, budget)


def _shown(thinking: dict[str, Any], reasoning: Reasoning) -> dict[str, Any]:
    return thinking | {"display": "omitted"} if reasoning.is_shown is False else thinking


def _effort(reasoning: Reasoning) -> Effort:
    """The effort that was asked for, or the smallest one that reaches the budget."""
    if reasoning.effort is not None:
        return reasoning.effort
    if reasoning.budget_tokens is None:
        return "medium"
    for effort, tokens in BUDGETS.items():
        if tokens >= reasoning.budget_tokens:
            return effort
    return "max"


def _is_wanted(reasoning: Reasoning) -> bool:
    return bool(
        reasoning.is_on
        or reasoning.is_adaptive
        or reasoning.effort
        or reasoning.budget_tokens is not None
    )


def _names(reasoning: Reasoning) -> tuple[str, ...]:
    names = [] if reasoning.effort is None else [Feature.EFFORT.value]
    if reasoning.budget_tokens is not None:
        names.append(Feature.BUDGET.value)
    return tuple(names) or ("thinking",)


def _has_lost_its_thread(conversation: Conversation, target: Target) -> bool:
    """Whether the model is in the middle of calls whose thoughts cannot be sent back."""
    is_waiting = False
    for message in reversed(conversation.messages):
        if message.role == "assistant":
            has_calls = any(isinstance(part, ToolCall) for part in message.parts)
            has_thoughts = any(
                isinstance(part, Thinking | SealedThinking) and may_send(part, target)
                for part in message.parts
            )
            return is_waiting and has_calls and not has_thoughts
        is_waiting = is_waiting or any(isinstance(part, ToolResult) for part in message.parts)
    return False


def may_send(thought: Thinking | SealedThinking, target: Target) -> bool:
    """Whether a thought may be shown to the model: a vendor takes back what it signed or sealed, and nothing else."""
    if not target.reads_thinking or thought.vendor != target.reads_thinking:
        return False
    return isinstance(thought, SealedThinking) or bool(thought.signature)
