"""Requests, written: a Conversation as the body for one deployment. Messages are written in `writing_messages`.

What a server takes follows from its quirks and its model (`carries`): OpenAI's reasoning models want `max_completion_tokens` and
a `developer` message and refuse sampling; routers take `reasoning` as an object; Mistral calls its seed `random_seed`.

A budget of thinking becomes an effort where the server knows no number:  to 4,096 tokens low, to 16,384 medium, above it high.
Efforts that a server has no word for:  OpenAI  max -> xhigh     others  minimal -> low, xhigh and max -> high     routers know all.
Thinking that is switched off is the least effort of OpenAI's models, `enabled: false` at routers, and `thinking` where a quirk says so.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.dialects.conversation import (
    Conversation,
    Effort,
    Reasoning,
    Tool,
    ToolChoice,
    is_given,
)
from kilo_gateway.dialects.features import DROPPED, Feature
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_chat.carries import (
    COMPLETION_LIMIT,
    ROUTER,
    SHORT_IDS,
    THINKING_OBJECT,
    carries_for,
    is_openai,
    is_openai_reasoner,
    least_effort,
    marks,
)
from kilo_gateway.dialects.openai_chat.reading import WEB_SEARCH
from kilo_gateway.dialects.openai_chat.schema import Raw
from kilo_gateway.dialects.openai_chat.turns import NAME
from kilo_gateway.dialects.openai_chat.writing_messages import MessageWriter

_BUDGETS: tuple[tuple[int, Effort], ...] = ((4_096, "low"), (16_384, "medium"))
_OPENAI_EFFORTS: Mapping[str, str] = MappingProxyType({"max": "xhigh"})
_PLAIN_EFFORTS: Mapping[str, str] = MappingProxyType(
    {"minimal": "low", "xhigh": "high", "max": "high"}
)
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
_SOUND = {
    "wav": {"voice": "alloy", "format": "wav"},
    "pcm16": {"voice": "alloy", "format": "pcm16"},
}
_encode = msgspec.json.Encoder().encode


def write_request(conversation: Conversation, target: Target) -> bytes:
    """The body for one attempt."""
    return _encode(_Body(conversation, target).members())


class _Body:
    """One body in the making."""

    def __init__(self, conversation: Conversation, target: Target) -> None:
        self._conversation = conversation
        self._target = target
        self._carries = carries_for(target)
        self._is_router = ROUTER in target.quirks

    def members(self) -> dict[str, Any]:
        """All members, those that say nothing left out."""
        conversation, target = self._conversation, self._target
        body: dict[str, Any] = {"model": target.model}
        body["messages"] = MessageWriter(target).write(conversation)
        body |= self._stream()
        body |= dict(self._sampling())
        body |= self._tools()
        body |= self._reasoning()
        body |= self._output()
        body |= dict(self._account())
        return {name: value for name, value in body.items() if value is not None}

    def _takes(self, feature: Feature) -> bool:
        return self._carries[feature] != DROPPED

    def _stream(self) -> dict[str, Any]:
        if not self._conversation.is_stream:
            return {}
        if "no_include_usage" in self._target.quirks:
            return {"stream": True}
        return {"stream": True, "stream_options": {"include_usage": True}}

    def _sampling(self) -> Iterator[tuple[str, Any]]:
        sampling, target = self._conversation.sampling, self._target
        limit = sampling.max_tokens
        if limit is not None:
            name = "max_completion_tokens" if self._wants_completion_limit() else "max_tokens"
            yield name, limit if target.max_output is None else min(limit, target.max_output)
        yield "random_seed" if SHORT_IDS in target.quirks else "seed", sampling.seed
        values = {
            Feature.TEMPERATURE: sampling.temperature,
            Feature.TOP_P: sampling.top_p,
            Feature.TOP_K: sampling.top_k,
            Feature.MIN_P: sampling.min_p,
            Feature.FREQUENCY_PENALTY: sampling.frequency_penalty,
            Feature.PRESENCE_PENALTY: sampling.presence_penalty,
            Feature.REPETITION_PENALTY: sampling.repetition_penalty,
            Feature.STOP: list(sampling.stop) or None,
            Feature.LOGPROBS: sampling.logprobs,
        }
        yield from ((name.value, value) for name, value in values.items() if self._takes(name))
        if self._takes(Feature.LOGPROBS):
            yield "top_logprobs", sampling.top_logprobs
        if is_given(sampling.logit_bias) and self._takes(Feature.LOGIT_BIAS):
            yield "logit_bias", sampling.logit_bias

    def _wants_completion_limit(self) -> bool:
        return COMPLETION_LIMIT in self._target.quirks or is_openai_reasoner(self._target)

    # --- reasoning

    def _reasoning(self) -> dict[str, Any]:
        reasoning, quirks = self._conversation.reasoning, self._target.quirks
        if not self._takes(Feature.EFFORT):
            return {}
        if self._is_router:
            return self._reasoning_object(reasoning.effort)
        told: dict[str, Any] = {}
        if THINKING_OBJECT in quirks and reasoning.is_on is not None:
            told["thinking"] = {"type": "enabled" if reasoning.is_on else "disabled"}
        return told | {"reasoning_effort": self._effort(reasoning)}

    def _effort(self, reasoning: Reasoning) -> str | None:
        effort, budget = reasoning.effort, reasoning.budget_tokens
        is_own = is_openai(self._target)
        if effort is not None:
            return (_OPENAI_EFFORTS if is_own else _PLAIN_EFFORTS).get(effort, effort)
        if reasoning.is_on is False:
            return least_effort(self._target)
        if budget:
            return next((word for most, word in _BUDGETS if budget <= most), "high")
        return None

    def _reasoning_object(self, effort: str | None) -> dict[str, Any]:
        reasoning = self._conversation.reasoning
        told = {
            "effort": effort,
            # Routers take one of the two.
            "max_tokens": reasoning.budget_tokens if effort is None else None,
            "enabled": True if reasoning.is_adaptive else reasoning.is_on,
            "exclude": None if reasoning.is_shown is None else not reasoning.is_shown,
            "summary": reasoning.summary or None,
        }
        if effort == "none":
            told["enabled"] = None
        kept = {name: value for name, value in told.items() if value is not None}
        return {"reasoning": kept} if kept else {}

    # --- tools

    def _tools(self) -> dict[str, Any]:
        conversation = self._conversation
        allowed = conversation.tool_choice.allowed
        told: dict[str, Any] = {}
        tools = list[Any]()
        for tool in conversation.tools:
            if tool.server:
                if tool.dialect == NAME and tool.server == WEB_SEARCH:
                    told[WEB_SEARCH] = tool.raw
                elif tool.dialect == NAME:
                    tools.append(tool.raw)
            elif not allowed or tool.name in allowed or is_openai(self._target):
                tools += self._tool(tool)
        if not tools:
            return told
        choice = self._tool_choice(conversation.tool_choice)
        is_parallel = conversation.tool_choice.is_parallel
        return told | {"tools": tools, "tool_choice": choice, "parallel_tool_calls": is_parallel}

    def _tool(self, tool: Tool) -> list[Any]:
        if tool.is_custom:
            return [_custom(tool)] if self._takes(Feature.CUSTOM_TOOLS) else []
        function: dict[str, Any] = {"name": tool.name}
        if tool.description:
            function["description"] = tool.description
        if is_given(tool.parameters):
            function["parameters"] = tool.parameters
        elif not is_openai(self._target):
            function["parameters"] = _NO_PARAMETERS
        if tool.is_strict is not None and self._takes(Feature.STRICT_TOOLS):
            function["strict"] = tool.is_strict
        told: dict[str, Any] = {"type": "function", "function": function}
        if tool.cache is not None and marks(self._target) == "cache_control":
            told["cache_control"] = {"type": "ephemeral"} | (
                {"ttl": tool.cache.ttl} if tool.cache.ttl else {}
            )
        return [told]

    def _tool_choice(self, choice: ToolChoice) -> Any:
        if choice.mode == "tool":
            kind = "function"
            if any(
                tool.is_custom and tool.name == choice.name for tool in self._conversation.tools
            ):
                kind = "custom"
            return {"type": kind, kind: {"name": choice.name}}
        if choice.allowed and is_openai(self._target):
            tools = [{"type": "function", "function": {"name": name}} for name in choice.allowed]
            mode = choice.mode if choice.mode == "required" else "auto"
            return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}
        return choice.mode

    # --- the rest

    def _output(self) -> dict[str, Any]:
        output = self._conversation.output
        told: dict[str, Any] = {}
        if output.kind == "json":
            told["response_format"] = {"type": "json_object"}
        elif output.kind == "schema":
            schema = {
                "name": output.name or "answer",
                "description": output.description or None,
                "schema": output.schema if is_given(output.schema) else None,
                "strict": output.is_strict,
            }
            known = {name: value for name, value in schema.items() if value is not None}
            told["response_format"] = {"type": "json_schema", "json_schema": known}
        if output.verbosity and self._takes(Feature.VERBOSITY):
            told["verbosity"] = output.verbosity
        if output.modalities and self._takes(Feature.OUTPUT_MEDIA):
            told["modalities"] = list(output.modalities)
            if "audio" in output.modalities:
                told["audio"] = _SOUND["pcm16" if self._conversation.is_stream else "wav"]
        return told

    def _account(self) -> Iterator[tuple[str, Any]]:
        account = self._conversation.account
        if SHORT_IDS not in self._target.quirks:
            yield "user", account.user or None
        if self._takes(Feature.CACHE_KEY):
            yield "prompt_cache_key", account.cache_key or None
        if self._takes(Feature.SERVICE_TIER):
            yield "service_tier", account.service_tier or None
        if self._takes(Feature.STORED):
            yield "store", account.is_stored
        if is_given(account.metadata) and self._takes(Feature.METADATA):
            yield "metadata", account.metadata


def _custom(tool: Tool) -> Any:
    if tool.dialect == NAME and is_given(tool.raw):
        return tool.raw
    told: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if tool.grammar:
        grammar = {"definition": tool.grammar, "syntax": tool.grammar_syntax or "lark"}
        told["format"] = {"type": "grammar", "grammar": grammar}
    return {"type": "custom", "custom": told}
