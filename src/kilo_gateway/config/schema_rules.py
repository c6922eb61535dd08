"""Switches of the repair rules, one setting each; the rules themselves are in `dialects/rules`."""

from typing import Annotated

import msgspec
from msgspec import Meta


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which repair rules are in force."""

    hashed_users: Annotated[
        bool,
        Meta(
            description="Users and tasks are told to upstreams as hashes, other ones for each upstream."
        ),
    ] = False
    nul_results: Annotated[
        bool,
        Meta(
            description="A result of the tool `read` that holds NUL bytes is replaced by a sentence."
        ),
    ] = True
    gemini_refs: Annotated[
        bool, Meta(description="`$ref` keys in tool results become `_ref` for Gemini's models.")
    ] = True
    strange_members: Annotated[
        bool,
        Meta(
            description="`description`, `usage` and `reasoningEffort` are removed from chat requests."
        ),
    ] = True
    tool_turns: Annotated[
        bool,
        Meta(description="Every tool call gets one result, right behind the turn that made it."),
    ] = True
    tool_turns_messages: Annotated[
        bool,
        Meta(
            description="The same for Anthropic Messages: results stand at the front of the next message."
        ),
    ] = True
    complete_items: Annotated[
        bool,
        Meta(
            description="Assistant items among the input of a Responses request get their type and status."
        ),
    ] = True
    thinking_summaries: Annotated[
        bool,
        Meta(
            description="Thoughts that are asked for are shown as a summary, unless the client says otherwise."
        ),
    ] = True
    cache_breakpoints: Annotated[
        bool,
        Meta(
            description="Cache breakpoints are set where the model needs them and the client set none."
        ),
    ] = True
    cache_breakpoints_messages: Annotated[
        bool,
        Meta(
            description="A top-level `cache_control` of a Messages request moves to the system prompt and the last message."
        ),
    ] = True
    claude_tool_ids: Annotated[
        bool, Meta(description="Tool-call ids with a dot become hashes for Claude.")
    ] = True
    mistral_tool_ids: Annotated[
        bool, Meta(description="Tool-call ids become nine letters and digits for Mistral's models.")
    ] = True
    mistral_strict: Annotated[
        bool, Meta(description="`strict` is removed from functions for Mistral's models.")
    ] = True
    provider_order: Annotated[
        bool,
        Meta(
            description="Routers are asked to try the providers first that serve a family in full."
        ),
    ] = True
    thoughts_back: Annotated[
        bool,
        Meta(
            description="`reasoning_details` that are nobody's leave the messages for upstreams that are no routers; their text "
            "becomes `reasoning_content` where the vendor wants it back."
        ),
    ] = True
    reasoning_details: Annotated[
        bool,
        Meta(
            description="Thoughts that an upstream tells as `reasoning_content` are told as `reasoning_details` too, in replies."
        ),
    ] = True
