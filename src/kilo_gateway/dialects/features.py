"""Features: what a request or a reply may hold, and what a dialect does with each: the loss matrix as data.

Each dialect states a `Carry` for every feature in a table. The table decides what is named as dropped and what is refused;
`docs/loss-matrix.md` is made from it. Writers only write what has a place.

    KEPT      it has a place of its own           CLOSE     something near it, told in `note`
    DROPPED   it is left out, and named           REFUSED   without it the answer would be another one: a 400 says so
"""

from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum
from typing import NamedTuple

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.conversation import (
    Conversation,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    is_given,
)


class Feature(StrEnum):
    """One thing that a request may hold. The value is its name for people, in `x-kilo-dropped` and in the matrix."""

    TEMPERATURE = "temperature"
    TOP_P = "top_p"
    TOP_K = "top_k"
    MIN_P = "min_p"
    FREQUENCY_PENALTY = "frequency_penalty"
    PRESENCE_PENALTY = "presence_penalty"
    REPETITION_PENALTY = "repetition_penalty"
    SEED = "seed"
    STOP = "stop"
    COUNT = "n"
    LOGPROBS = "logprobs"
    LOGIT_BIAS = "logit_bias"
    MAX_TOKENS = "max_tokens"
    EFFORT = "reasoning effort"
    BUDGET = "reasoning budget"
    HIDDEN_THINKING = "reasoning hidden"
    THINKING = "thinking in messages"
    SIGNATURES = "thinking signatures"
    SEALED_THINKING = "sealed thinking"
    CALL_SIGNATURES = "tool call signatures"
    TOOLS = "tools"
    STRICT_TOOLS = "strict tools"
    CUSTOM_TOOLS = "custom tools"
    SERVER_TOOLS = "server tools"
    FORCED_TOOL = "tool_choice of one tool"
    ALLOWED_TOOLS = "allowed tools"
    SERIAL_TOOLS = "parallel tool calls off"
    FAILED_RESULTS = "failed tool results"
    RESULT_MEDIA = "media in tool results"
    JSON_OUTPUT = "JSON output"
    SCHEMA_OUTPUT = "structured output"
    VERBOSITY = "verbosity"
    OUTPUT_MEDIA = "output modalities"
    IMAGE_DATA = "image by data"
    IMAGE_URL = "image by URL"
    DOCUMENT_DATA = "document by data"
    DOCUMENT_URL = "document by URL"
    AUDIO = "audio"
    VIDEO = "video"
    FILE_ID = "file by id"
    LATER_SYSTEM = "system message in between"
    NAMES = "names of speakers"
    CACHE_MARKS = "cache breakpoints"
    CITATIONS = "citations in messages"
    REFUSALS = "refusals in messages"
    OPAQUE = "parts of one dialect only"
    CACHE_KEY = "cache key"
    SERVICE_TIER = "service_tier"
    METADATA = "metadata"
    STORED = "store"


class Place(Enum):
    """What a dialect has for a feature."""

    KEPT = "kept"
    CLOSE = "close"
    DROPPED = "dropped"
    REFUSED = "refused"


class Carry(NamedTuple):
    """How a dialect carries one feature; `note` says more where that is not the whole of it."""

    place: Place
    note: str = ""


KEPT = Carry(Place.KEPT)
DROPPED = Carry(Place.DROPPED)
Carries = Mapping[Feature, Carry]


def close(note: str) -> Carry:
    """Something near the feature."""
    return Carry(Place.CLOSE, note)


def refused(note: str) -> Carry:
    """No place, and no answer without it. The note says what to do instead."""
    return Carry(Place.REFUSED, note)


def lost(conversation: Conversation, carries: Carries, target: str) -> tuple[str, ...]:
    """Names of what the target cannot carry of a request, in the order of the table.

    Raises Fault unsupported_field for what would change the answer.
    """
    if conversation.needs:
        raise Fault(
            Kind.UNSUPPORTED_FIELD,
            f"{target} cannot take: {conversation.needs[0]}. Only an upstream that speaks the dialect"
            f" {conversation.dialect} can: send the whole conversation instead, or ask a model that has such an upstream.",
            param=conversation.needs[0],
        )
    used = frozenset(features_of(conversation))
    names = list[str]()
    for feature, carry in carries.items():
        if feature not in used:
            continue
        if carry.place is Place.REFUSED:
            raise Fault(
                Kind.UNSUPPORTED_FIELD,
                f"{target} cannot take: {feature.value}. {carry.note}".rstrip(),
                param=feature.value,
            )
        if carry.place is Place.DROPPED:
            names.append(feature.value)
    return (*names, *conversation.unknown)


def nothing_dropped(_conversation: Conversation, _target: object) -> tuple[str, ...]:
    """For dialects whose table says all."""
    return ()


def features_of(conversation: Conversation) -> Iterator[Feature]:
    """Everything that a request holds; some may come twice."""
    yield from _of_sampling(conversation)
    yield from _of_tools(conversation)
    yield from _of_the_rest(conversation)
    for text in conversation.system:
        yield from _of_part(text)
    for message in conversation.messages:
        yield from _of_message(message)


def _of_sampling(conversation: Conversation) -> Iterator[Feature]:
    sampling = conversation.sampling
    numbers = {
        Feature.TEMPERATURE: sampling.temperature,
        Feature.TOP_P: sampling.top_p,
        Feature.TOP_K: sampling.top_k,
        Feature.MIN_P: sampling.min_p,
        # Zero and one change nothing, and clients send them as a matter of course.
        Feature.FREQUENCY_PENALTY: sampling.frequency_penalty or None,
        Feature.PRESENCE_PENALTY: sampling.presence_penalty or None,
        Feature.REPETITION_PENALTY: None
        if sampling.repetition_penalty == 1
        else sampling.repetition_penalty,
        Feature.SEED: sampling.seed,
        Feature.STOP: sampling.stop or None,
        Feature.COUNT: None if sampling.count == 1 else sampling.count,
        Feature.LOGPROBS: sampling.logprobs or sampling.top_logprobs or None,
        Feature.MAX_TOKENS: sampling.max_tokens,
    }
    yield from (feature for feature, value in numbers.items() if value is not None)
    if is_given(sampling.logit_bias) and bytes(sampling.logit_bias) != b"{}":
        yield Feature.LOGIT_BIAS
    reasoning = conversation.reasoning
    if reasoning.effort is not None:
        yield Feature.EFFORT
    if reasoning.budget_tokens is not None:
        yield Feature.BUDGET
    if reasoning.is_shown is False:
        yield Feature.HIDDEN_THINKING


def _of_tools(conversation: Conversation) -> Iterator[Feature]:
    for tool in conversation.tools:
        if tool.server:
            yield Feature.SERVER_TOOLS
        else:
            yield Feature.CUSTOM_TOOLS if tool.is_custom else Feature.TOOLS
        if tool.is_strict:
            yield Feature.STRICT_TOOLS
        if tool.cache is not None:
            yield Feature.CACHE_MARKS
    choice = conversation.tool_choice
    if choice.mode == "tool":
        yield Feature.FORCED_TOOL
    if choice.allowed:
        yield Feature.ALLOWED_TOOLS
    if choice.is_parallel is False:
        yield Feature.SERIAL_TOOLS


def _of_the_rest(conversation: Conversation) -> Iterator[Feature]:
    output, account = conversation.output, conversation.account
    if output.kind == "json":
        yield Feature.JSON_OUTPUT
    elif output.kind == "schema":
        yield Feature.SCHEMA_OUTPUT
    if output.verbosity:
        yield Feature.VERBOSITY
    if set(output.modalities) - {"text"}:
        yield Feature.OUTPUT_MEDIA
    if account.cache_key:
        yield Feature.CACHE_KEY
    if account.service_tier not in {"", "auto", "default"}:
        yield Feature.SERVICE_TIER
    if is_given(account.metadata) and bytes(account.metadata) != b"{}":
        yield Feature.METADATA
    if account.is_stored:
        yield Feature.STORED


def _of_message(message: Message) -> Iterator[Feature]:
    if message.role == "system":
        yield Feature.LATER_SYSTEM
    if message.name:
        yield Feature.NAMES
    for part in message.parts:
        yield from _of_part(part)


_MEDIA = {
    "audio": Feature.AUDIO,
    "video": Feature.VIDEO,
}


def _of_part(part: Part) -> Iterator[Feature]:  # noqa: C901, PLR0912 - a branch for each kind of part
    if isinstance(part, Text | Media | ToolCall | ToolResult) and part.cache is not None:
        yield Feature.CACHE_MARKS
    match part:
        case Text():
            if part.citations:
                yield Feature.CITATIONS
            if part.signature:
                yield Feature.CALL_SIGNATURES
        case Media():
            yield _of_media(part)
        case Thinking():
            yield Feature.THINKING
            if part.signature:
                yield Feature.SIGNATURES
        case SealedThinking():
            yield Feature.SEALED_THINKING
        case ToolCall():
            if part.signature:
                yield Feature.CALL_SIGNATURES
        case ToolResult():
            yield from _of_result(part)
        case Refusal():
            yield Feature.REFUSALS
        case Opaque():
            yield Feature.OPAQUE


def _of_media(media: Media) -> Feature:
    if media.file_id:
        return Feature.FILE_ID
    if media.kind in _MEDIA:
        return _MEDIA[media.kind]
    if media.kind == "image":
        return Feature.IMAGE_URL if media.url else Feature.IMAGE_DATA
    return Feature.DOCUMENT_URL if media.url else Feature.DOCUMENT_DATA


def _of_result(result: ToolResult) -> Iterator[Feature]:
    if result.is_error:
        yield Feature.FAILED_RESULTS
    if any(isinstance(part, Media) for part in result.parts):
        yield Feature.RESULT_MEDIA
