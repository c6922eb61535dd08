"""A conversation made fit to be sent: every tool call with its result right behind it, no failed answers (genesis.md 6.2, 8.1).

Nothing is invented: a call without a result goes, as does a result without a call.
"""

import re
from collections.abc import Sequence

import msgspec

from genesis.core.message import AssistantMessage, Message, ToolCallBlock, ToolResultMessage

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")
_ID_CHARACTERS = 40


def wire_id(ident: str) -> str:
    """A tool call's id as every server takes it."""
    return _NOT_IN_IDS.sub("_", ident.partition("|")[0])[:_ID_CHARACTERS]


def paired(messages: Sequence[Message]) -> list[Message]:
    """The messages that are sent. A result belongs to the last answer before it: ids may come again in later turns."""
    sent: list[Message] = []
    for turn in _turns(messages):
        head = turn[0]
        if not isinstance(head, AssistantMessage):
            sent += [one for one in turn if not isinstance(one, ToolResultMessage)]
        elif head.stop_reason in {"error", "aborted"}:
            sent += [one for one in turn[1:] if not isinstance(one, ToolResultMessage)]
        else:
            sent += _answered(head, turn[1:])
    return sent


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages in groups, of which each but the first begins with an answer."""
    turns: list[list[Message]] = []
    for message in messages:
        if isinstance(message, AssistantMessage) or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _answered(answer: AssistantMessage, after: Sequence[Message]) -> list[Message]:
    """An answer with the results of its calls, each once and in the order of the calls, then what else was said."""
    results: dict[str, ToolResultMessage] = {}
    for message in after:
        if isinstance(message, ToolResultMessage):
            results.setdefault(message.tool_call_id, message)
    calls = [block.id for block in answer.content if isinstance(block, ToolCallBlock)]
    kept = {ident: results[ident] for ident in calls if ident in results}
    if len(kept) < len(calls):
        content = tuple(
            block
            for block in answer.content
            if not isinstance(block, ToolCallBlock) or block.id in kept
        )
        answer = msgspec.structs.replace(answer, content=content)
    others = (one for one in after if not isinstance(one, ToolResultMessage))
    return [*([answer] if answer.content else []), *kept.values(), *others]
