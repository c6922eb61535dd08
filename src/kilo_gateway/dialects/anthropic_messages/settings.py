"""How to answer, in the words of this dialect: limits, thinking, sampling, format, choice of tools.

What a model refuses is left out, and named.

    asked for            a model that thinks adaptively               a model with budgets
    effort none, off     {disabled}                                   {disabled}
    effort               {adaptive} + output_config.effort            {enabled, budget of the table}
    budget               {adaptive} + the smallest effort that        {enabled, budget_tokens}
                         reaches it, or the budget if it takes both
    on, no more          {adaptive}                                   {enabled, budget of medium}

`max_tokens` is required: the client's, else the model's limit, else 8,192. A budget must be below it. One that was asked for
raises it by as much (up to the model's limit); one of the table is halved until it fits.

No budget beside a tool that must be called, nor in the middle of calls whose thoughts are gone: the API refuses both.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from kilo_gateway.dialects.anthropic_messages.abilities import Abilities, abilities
from kilo_gateway.dialects.anthropic_messages.schema import UNREADABLE, Raw
from kilo_gateway.dialects.body import raw_json
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

USUAL_MAX_TOKENS = 8_192
LEAST_BUDGET = 1_024
BUDGETS: dict[Effort, int] = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 49_152,
}
_EFFORTS: dict[Effort, str] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
_CHOICES = {"auto": "auto", "required": "any", "tool": "tool", "none": "none"}
_TIERS = {"standard_only": "standard_only", "standard": "standard_only", "flex": "standard_only"}


class Settings(NamedTuple):
    """Members of the body, and names of what this model cannot have beside them."""

    members: dict[str, Any]
    lost: tuple[str, ...]


class _Thoughts(NamedTuple):
    thinking: dict[str, Any] | None = None
    effort: str | None = None
    max_tokens: int = USUAL_MAX_TOKENS
    lost: tuple[str, ...] = ()


def abilities_of(target: Target) -> Abilities:
    """What the model takes."""
    return abilities(target.model, target.capabilities | target.quirks)


def settings_of(conversation: Conversation, target: Target) -> Settings:
    """Everything of a request but its messages, system and tools."""
    able = abilities_of(target)
    thoughts = _thoughts(conversation, target, able)
    thinks = thoughts.thinking is not None and thoughts.thinking["type"] != "disabled"
    members: dict[str, Any] = {"max_tokens": thoughts.max_tokens}
    if thoughts.thinking is not None:
        members["thinking"] = thoughts.thinking
    config = dict(_output_config(conversation, thoughts.effort))
    if config:
        members["output_config"] = config
    lost = [*thoughts.lost]
    for name, value in _sampled(conversation):
        shown = _accepted(name, value, thinks=thinks, able=able, taken=members)
        if shown is None:
            lost.append(name)
        else:
            members[name] = shown
    stops = [text for text in conversation.sampling.stop if text.strip()]
    if stops:
        members["stop_sequences"] = stops
    choice = _choice(conversation)
    if choice is not None:
        members["tool_choice"] = choice
    account = conversation.account
    if account.user:
        members["metadata"] = {"user_id": account.user}
    if account.service_tier:
        members["service_tier"] = _TIERS.get(account.service_tier, "auto")
    if conversation.is_stream:
        members["stream"] = True
    return Settings(members, tuple(lost))


def _thoughts(conversation: Conversation, target: Target, able: Abilities) -> _Thoughts:
    reasoning = conversation.reasoning
    limit = conversation.sampling.max_tokens
    most = limit if limit is not None else target.max_output or USUAL_MAX_TOKENS
    effort = reasoning.effort
    word = _EFFORTS.get(effort) if effort and able.is_adaptive else None
    if word == "xhigh" and not able.takes_xhigh:
        word = "high"
    if reasoning.is_on is False or effort == "none":
        off = None if able.always_thinks else {"type": "disabled"}
        return _Thoughts(off, word, most)
    if not _is_wanted(reasoning):
        return _Thoughts(None, None, most)
    budget = reasoning.budget_tokens
    if able.is_adaptive and (budget is None or not able.takes_budgets):
        if word is None and budget is not None:
            word = _effort_of(budget)
        return _Thoughts(_shown({"type": "adaptive"}, reasoning, able), word, most)
    is_forced = conversation.tool_choice.mode in {"required", "tool"}
    if able.is_claude and (is_forced or _has_lost_its_thread(conversation, target)):
        return _Thoughts(None, None, most, _names(reasoning))
    return _budgeted(conversation, target, able, most)


def _budgeted(conversation: Conversation, target: Target, able: Abilities, most: int) -> _Thoughts:
    reasoning = conversation.reasoning
    asked = reasoning.budget_tokens
    budget = asked if asked is not None else BUDGETS.get(reasoning.effort or "medium", LEAST_BUDGET)
    budget = max(budget, LEAST_BUDGET)
    if asked is None:
        while budget >= most and budget > LEAST_BUDGET:
            budget = max(budget // 2, LEAST_BUDGET)
    if budget >= most:
        most = max(most, 1) + budget
        if target.max_output is not None:
            most = max(min(most, target.max_output), LEAST_BUDGET + 1)
            budget = min(budget, most - 1)
    thinking = _shown({"type": "enabled", "budget_tokens": budget}, reasoning, able)
    return _Thoughts(thinking, None, most)


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


def _effort_of(budget: int) -> str:
    for effort, tokens in BUDGETS.items():
        if tokens >= budget:
            return _EFFORTS[effort]
    return "max"


def _shown(thinking: dict[str, Any], reasoning: Reasoning, able: Abilities) -> dict[str, Any]:
    """With `display`, where the model knows it. Newer ones leave thoughts out unless they are asked for."""
    if not able.is_claude:
        return thinking
    if reasoning.is_shown is False:
        return thinking | {"display": "omitted"}
    if reasoning.is_shown or thinking["type"] == "adaptive":
        return thinking | {"display": "summarized"}
    return thinking


def _has_lost_its_thread(conversation: Conversation, target: Target) -> bool:
    """Whether the model is in the middle of calls whose thoughts cannot be sent back."""
    is_waiting = False
    for message in reversed(conversation.messages):
        if message.role == "assistant":
            has_calls = any(isinstance(part, ToolCall) for part in message.parts)
            return (
                is_waiting
                and has_calls
                and not any(
                    isinstance(part, Thinking | SealedThinking) and may_send(part, target)
                    for part in message.parts
                )
            )
        is_waiting = is_waiting or any(isinstance(part, ToolResult) for part in message.parts)
    return False


def may_send(thought: Thinking | SealedThinking, target: Target) -> bool:
    """Whether a thought may be shown to the model: a vendor takes back what it signed or sealed, and nothing else."""
    if thought.vendor != target.reads_thinking:
        return False
    return (
        isinstance(thought, SealedThinking) or bool(thought.signature) or not target.reads_thinking
    )


def _sampled(conversation: Conversation) -> Iterator[tuple[str, float | int]]:
    sampling = conversation.sampling
    if sampling.temperature is not None:
        yield "temperature", min(sampling.temperature, 1)
    if sampling.top_p is not None:
        yield "top_p", sampling.top_p
    if sampling.top_k is not None:
        yield "top_k", sampling.top_k


def _accepted(
    name: str, value: float, *, thinks: bool, able: Abilities, taken: dict[str, Any]
) -> float | None:
    """The value, None if the API would refuse it; what changes nothing may pass."""
    if not able.is_claude:
        return value
    if not able.takes_sampling:
        return None
    if thinks:
        is_fine = value == 1 if name == "temperature" else name == "top_p" and value >= 0.95
        return value if is_fine else None
    return None if name == "top_p" and able.is_either and "temperature" in taken else value


def _output_config(conversation: Conversation, effort: str | None) -> Iterator[tuple[str, Any]]:
    if effort is not None:
        yield "effort", effort
    output = conversation.output
    if output.kind == "schema" and is_given(output.schema):
        yield "format", {"type": "json_schema", "schema": closed(output.schema)}


def closed(schema: Raw) -> Raw:
    """A JSON Schema whose objects say that they have no further members, as the API wants it said."""
    try:
        value = msgspec.json.decode(schema)
    except UNREADABLE:
        return schema
    return raw_json(value) if _close(value) else schema


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


def _choice(conversation: Conversation) -> dict[str, Any] | None:
    choice = conversation.tool_choice
    if not conversation.tools or (choice.mode is None and choice.is_parallel is not False):
        return None
    wire: dict[str, Any] = {"type": _CHOICES[choice.mode or "auto"]}
    if choice.mode == "tool":
        wire["name"] = choice.name
    if choice.is_parallel is not None and choice.mode != "none":
        wire["disable_parallel_tool_use"] = not choice.is_parallel
    return wire
