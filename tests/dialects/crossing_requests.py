"""Every recorded request, written in each of the other dialects, and read again: what differs must be what the loss matrix tells.

A request is looked at in facets (its texts by speaker, its tools, each setting). A facet may differ only if the request
holds something that, by the target's own table, it drops or has only something near.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.conversation import (
    Conversation,
    Media,
    Message,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
    is_given,
)
from kilo_gateway.dialects.features import Feature, Place, features_of, lost
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.translate import hub_of
from tests.dialects.recordings import FILES, recordings

# A model of each dialect that takes as much as any.
TARGETS = {
    "openai_chat": Target("anthropic/claude-sonnet-4.5", quirks=frozenset({"ids_have_vendor"})),
    "openai_responses": Target("gpt-5.1"),
    "anthropic_messages": Target("claude-sonnet-4-5"),
    "gemini": Target("gemini-3-pro-preview"),
    "bedrock": Target("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
}
VENDORS: dict[str, Vendor] = {
    "anthropic_messages": "anthropic",
    "bedrock": "anthropic",
    "gemini": "google",
    "openai_responses": "openai",
}
_TEXTS = (
    Feature.LATER_SYSTEM,
    Feature.JSON_OUTPUT,
    Feature.SCHEMA_OUTPUT,
    Feature.REFUSALS,
    Feature.OPAQUE,
    Feature.RESULT_MEDIA,
    Feature.DOCUMENT_DATA,
    Feature.DOCUMENT_URL,
    Feature.NAMES,
    Feature.THINKING,
)
_MEDIA = (
    Feature.IMAGE_DATA,
    Feature.IMAGE_URL,
    Feature.DOCUMENT_DATA,
    Feature.DOCUMENT_URL,
    Feature.AUDIO,
    Feature.VIDEO,
    Feature.FILE_ID,
    Feature.RESULT_MEDIA,
)
_CHOICE = (
    Feature.FORCED_TOOL,
    Feature.ALLOWED_TOOLS,
    Feature.SERVER_TOOLS,
    Feature.CUSTOM_TOOLS,
)
# Facet -> the features by which it may change. A facet that has a feature's name changes by that one.
CAUSES: dict[str, tuple[Feature, ...]] = {
    "system": _TEXTS,
    "said by users": _TEXTS,
    "said by models": _TEXTS,
    "tools": (Feature.CUSTOM_TOOLS, Feature.ALLOWED_TOOLS, Feature.STRICT_TOOLS),
    "choice": _CHOICE,
    "calls": (Feature.CUSTOM_TOOLS,),
    "results": (Feature.FAILED_RESULTS, Feature.RESULT_MEDIA, Feature.CUSTOM_TOOLS),
    "media": _MEDIA,
    "reasoning": (Feature.EFFORT, Feature.BUDGET),
    "output": (Feature.JSON_OUTPUT, Feature.SCHEMA_OUTPUT),
    "thoughts": (Feature.THINKING, Feature.SIGNATURES),
}


# What differs in another way: (recording, target) -> why.
EXCEPTIONS = {
    ("openai.openai-responses.cb9453bd", "gemini"): "Instructions without any input: Gemini wants a turn of the user's, and gets them as one",
}  # fmt: skip
# What a target demands though the client did not say it.
DEMANDS = {
    ("anthropic_messages", str(Feature.MAX_TOKENS)): "an answer has a limit",
    ("bedrock", "tools"): "tools that were called are declared",
    ("bedrock", "choice"): "tools that were called are declared",
}


def facets(conversation: Conversation) -> dict[str, Any]:
    """What a request says, so that it can be compared whichever dialect it came in."""
    sampling, reasoning = conversation.sampling, conversation.reasoning
    parts = [(message.role, part) for message in conversation.messages for part in message.parts]
    return {
        "system": _joined(text.text for text in conversation.system),
        "said by users": _said(conversation, "user"),
        "said by models": _said(conversation, "assistant"),
        "thoughts": "".join(part.text for _, part in parts if isinstance(part, Thinking)),
        "calls": [_call(part) for _, part in parts if isinstance(part, ToolCall)],
        "results": sorted(_result(part) for _, part in parts if isinstance(part, ToolResult)),
        "media": [_medium(one) for one in _media(conversation)],
        "tools": _tools(conversation),
        "choice": _choice(conversation),
        "output": conversation.output.kind,
        Feature.TEMPERATURE: sampling.temperature,
        Feature.TOP_P: sampling.top_p,
        Feature.TOP_K: sampling.top_k,
        Feature.FREQUENCY_PENALTY: sampling.frequency_penalty or None,
        Feature.PRESENCE_PENALTY: sampling.presence_penalty or None,
        Feature.SEED: sampling.seed,
        Feature.STOP: sampling.stop,
        Feature.MAX_TOKENS: sampling.max_tokens,
        Feature.LOGPROBS: bool(sampling.logprobs or sampling.top_logprobs),
        "reasoning": (reasoning.effort, reasoning.budget_tokens),
        Feature.SERIAL_TOOLS: _tools(conversation) != []
        and conversation.tool_choice.is_parallel is False,
        Feature.VERBOSITY: conversation.output.verbosity,
        Feature.METADATA: _json(conversation.account.metadata),
    }


def _said(conversation: Conversation, role: str) -> str:
    """Words of one side, without regard to how they are cut into messages and parts."""
    return _joined(
        part.text
        for message in conversation.messages
        if message.role == role
        for part in message.parts
        if isinstance(part, Text | Refusal)
    )


def _joined(texts: Iterable[str]) -> str:
    return "".join("".join(texts).split())


def _media(conversation: Conversation) -> Iterator[Media]:
    def inside(message: Message) -> Iterator[Media]:
        for part in message.parts:
            if isinstance(part, Media):
                yield part
            elif isinstance(part, ToolResult):
                yield from (one for one in part.parts if isinstance(one, Media))

    for message in conversation.messages:
        yield from inside(message)


def _medium(media: Media) -> tuple[str, str]:
    text = base64.b64encode(media.text.encode()).decode()
    return media.kind, media.data or media.url or media.file_id or text


def _call(call: ToolCall) -> tuple[str, Any]:
    try:
        return call.name, json.loads(call.arguments or "{}")
    except ValueError:
        return call.name, call.arguments


def _result(result: ToolResult) -> str:
    text = "".join(part.text for part in result.parts if isinstance(part, Text))
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return _joined([text])


def _tools(conversation: Conversation) -> list[tuple[str, str, Any]]:
    """The tools that may be called."""
    if conversation.tool_choice.mode == "none":
        return []
    return [
        (tool.name, tool.description, _json(tool.parameters))
        for tool in conversation.tools
        if not tool.server
    ]


def _json(raw: msgspec.Raw) -> Any:
    value = json.loads(bytes(raw)) if is_given(raw) else {}
    if isinstance(value, dict) and not value.get("properties", True):
        return {}  # takes nothing: said in several ways
    return value


def _choice(conversation: Conversation) -> tuple[str, ...]:
    choice = conversation.tool_choice
    return (choice.mode or "auto", choice.name) if _tools(conversation) else ()


@dataclass
class Requests:
    """Of the requests of one file in one other dialect: how many are the same, differ as the matrix tells, are refused as it
    tells; and those that differ otherwise."""

    same: int = 0
    told: int = 0
    refused: int = 0
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.same + self.told + self.refused + len(self.wrong)


def cross(file: str, target: str) -> Requests:
    """All requests of a file that were answered, in a dialect."""
    source, hub, found = hub_of(FILES[file][0]), hub_of(target), Requests()
    for recording in recordings(file):
        if recording.request is None or not recording.is_good:
            continue
        body = json.dumps(recording.request | {"model": recording.model}).encode()
        try:
            conversation = source.read_request(read_fields(body))
        except Fault:
            continue  # it is of another format than its file says
        aim = msgspec.structs.replace(
            TARGETS[target], reads_thinking=VENDORS.get(recording.dialect, "")
        )
        carries = hub.carries_for(aim)
        try:
            named = lost(conversation, carries, hub.title)
            named += hub.dropped_for(conversation, aim)
            again = hub.read_request(read_fields(hub.write_request(conversation, aim)))
        except Fault as fault:
            if fault.param is None:
                found.wrong[recording.id] = f"refused without a name: {fault.message}"
            else:
                found.refused += 1
            continue
        note(found, recording.id, unexplained(conversation, again, named, target), named)
    return found


def note(found: Requests, ident: str, differing: "Differing", named: tuple[str, ...]) -> None:
    if differing.unexplained:
        found.wrong[ident] = ", ".join(differing.unexplained)
    elif differing.explained or named:
        found.told += 1
    else:
        found.same += 1


@dataclass
class Differing:
    """Facets that differ, with and without a reason in the target's table."""

    explained: list[str]
    unexplained: list[str]


def unexplained(
    conversation: Conversation, again: Conversation, named: tuple[str, ...], target: str
) -> Differing:
    """How a request differs after it was told in another dialect, and which of it the dialect's published table tells."""
    carries = hub_of(target).carries
    one, other = facets(conversation), facets(again)
    used = set(features_of(conversation))
    if conversation.reasoning.is_on is not None:
        used |= set(CAUSES["reasoning"])  # on and off are told by how much
    differing = Differing([], [])
    for name in (name for name in one if one[name] != other[name]):
        if not one[name] and (target, name) in DEMANDS:
            continue
        causes = CAUSES.get(name) or (Feature(name),)
        is_told = any(
            cause.value in named or (cause in used and carries[cause].place is Place.CLOSE)
            for cause in causes
        )
        if is_told:
            differing.explained.append(str(name))
        else:
            differing.unexplained.append(f"{name}: {one[name]!r:.150} -> {other[name]!r:.150}")
    return differing


@cache
def crossings() -> dict[tuple[str, str], Requests]:
    """All files in all other dialects."""
    return {
        (file, target): cross(file, target)
        for file in FILES
        for target in TARGETS
        if target != FILES[file][0]
    }


def table(titles: dict[str, str]) -> str:
    """The table for people."""
    rows = [["recorded requests of", *titles.values()], ["---"] * (len(titles) + 1)]
    for file in FILES:
        cells = [_cell(crossings().get((file, target))) for target in titles]
        rows.append([f"{file} ({titles[FILES[file][0]]})", *cells])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(found: Requests | None) -> str:
    return "-" if found is None else f"{found.same} + {found.told} + {found.refused}"
