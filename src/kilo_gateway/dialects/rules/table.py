"""All repair rules, in the order in which they are applied."""

from collections.abc import Mapping

from kilo_gateway.dialects.rules import (
    cache_marks,
    identities,
    members,
    provider_order,
    thoughts,
    tool_ids,
    tool_results,
    tool_turns,
)
from kilo_gateway.dialects.rules.rule import Rule

_CHAT = ("openai_chat",)
_MESSAGES = ("anthropic_messages",)
_RESPONSES = ("openai_responses",)
DETAILS = "reasoning_details"
# A conversation with tool calls declares its tools.
_TOOLS = frozenset({"tools"})

RULES: tuple[Rule, ...] = (
    Rule(
        "hashed_users",
        "Users and tasks are told to upstreams as hashes, other ones for each upstream.",
        _CHAT + _MESSAGES + _RESPONSES,
        identities.hash_user,
        is_on=False,
    ),
    Rule(
        "nul_results",
        "A result of the tool `read` that holds NUL bytes is replaced by a sentence.",
        _CHAT + _MESSAGES + _RESPONSES,
        lambda fields, dialect, _: tool_results.clean_nul(fields, dialect),
        needs=_TOOLS,
    ),
    Rule(
        "gemini_refs",
        "`$ref` keys in tool results become `_ref` for Gemini's models.",
        _CHAT,
        lambda fields, _, __: tool_results.rename_refs(fields),
        families=("gemini",),
        needs=_TOOLS,
    ),
    Rule(
        "strange_members",
        "`description`, `usage` and `reasoningEffort` are removed from chat requests.",
        _CHAT,
        lambda fields, _, __: members.drop_strange(fields),
        needs=frozenset(members.STRANGE),
    ),
    Rule(
        "tool_turns",
        "Every tool call gets one result, right behind the turn that made it.",
        _CHAT,
        lambda fields, _, __: tool_turns.repair_chat(fields),
        needs=_TOOLS,
    ),
    Rule(
        "tool_turns_messages",
        "The same for Anthropic Messages: results stand at the front of the next message.",
        _MESSAGES,
        lambda fields, _, __: tool_turns.repair_messages(fields),
        needs=_TOOLS,
    ),
    Rule(
        "complete_items",
        "Assistant items among the input of a Responses request get their type and status.",
        _RESPONSES,
        lambda fields, _, __: members.complete_items(fields),
    ),
    Rule(
        "thinking_summaries",
        "Thoughts that are asked for are shown as a summary, unless the client says otherwise.",
        _MESSAGES + _RESPONSES,
        lambda fields, dialect, _: members.summarise_thinking(fields, dialect),
        needs=frozenset({"thinking", "reasoning"}),
    ),
    Rule(
        "cache_breakpoints",
        "Cache breakpoints are set where the model needs them and the client set none.",
        _CHAT,
        lambda fields, _, __: cache_marks.mark_chat(fields),
        families=cache_marks.EXPLICIT,
    ),
    Rule(
        "cache_breakpoints_messages",
        "A top-level `cache_control` of a Messages request moves to the system prompt and the last message.",
        _MESSAGES,
        lambda fields, _, __: cache_marks.mark_messages(fields),
        families=("claude",),
        needs=frozenset({"cache_control"}),
    ),
    Rule(
        "claude_tool_ids",
        "Tool-call ids with a dot become hashes for Claude.",
        _CHAT,
        lambda fields, _, __: tool_ids.claude_ids(fields),
        families=("claude",),
        needs=_TOOLS,
    ),
    Rule(
        "mistral_tool_ids",
        "Tool-call ids become nine letters and digits for Mistral's models.",
        _CHAT,
        lambda fields, _, __: tool_ids.mistral_ids(fields),
        families=tool_ids.MISTRAL,
        needs=_TOOLS,
    ),
    Rule(
        "mistral_strict",
        "`strict` is removed from functions for Mistral's models.",
        _CHAT,
        lambda fields, _, __: tool_ids.no_strict(fields),
        families=tool_ids.MISTRAL,
        needs=_TOOLS,
    ),
    Rule(
        "provider_order",
        "Routers are asked to try the providers first that serve a family in full.",
        _CHAT,
        lambda fields, _, facts: provider_order.prefer(fields, facts),
        quirk="routes_providers",
    ),
    Rule(
        "thoughts_back",
        "`reasoning_details` that are nobody's leave the messages for upstreams that are no routers; their text becomes "
        "`reasoning_content` where the vendor wants it back.",
        _CHAT,
        lambda fields, _, facts: thoughts.fold(fields, facts),
        quirk="no_routing_fields",
        word=thoughts.WORD,
    ),
    Rule(
        DETAILS,
        "Thoughts that an upstream tells as `reasoning_content` are told as `reasoning_details` too, in replies.",
        _CHAT,
        lambda _, __, ___: None,
        of_replies=True,
    ),
)
NAMES = tuple(rule.name for rule in RULES)


def in_force(switches: Mapping[str, bool]) -> tuple[Rule, ...]:
    """The rules that are on, given the operator's switches by name."""
    return tuple(rule for rule in RULES if switches.get(rule.name, rule.is_on))
