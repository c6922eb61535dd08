"""What a request that is written to this dialect keeps: its row of the loss matrix."""

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from kilo_gateway.dialects.conversation import (
    Conversation,
    Media,
    Opaque,
    Part,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
)
from kilo_gateway.dialects.features import DROPPED, KEPT, Carries, Feature, close, refused
from kilo_gateway.dialects.gemini import thinking
from kilo_gateway.dialects.hub import Target

_THINKS = close("Gemini 2.5 by a budget, later ones by a level; earlier ones do not think")

CARRIES: Carries = MappingProxyType(
    {
        Feature.TEMPERATURE: KEPT,
        Feature.TOP_P: KEPT,
        Feature.TOP_K: KEPT,
        Feature.MIN_P: DROPPED,
        Feature.FREQUENCY_PENALTY: KEPT,
        Feature.PRESENCE_PENALTY: KEPT,
        Feature.REPETITION_PENALTY: DROPPED,
        Feature.SEED: KEPT,
        Feature.STOP: KEPT,
        Feature.COUNT: refused("One answer is read: ask several times."),
        Feature.LOGPROBS: KEPT,
        Feature.LOGIT_BIAS: DROPPED,
        Feature.MAX_TOKENS: KEPT,
        Feature.EFFORT: _THINKS,
        Feature.BUDGET: _THINKS,
        Feature.HIDDEN_THINKING: _THINKS,
        Feature.THINKING: KEPT,
        Feature.SIGNATURES: close("those of Google's own models"),
        Feature.SEALED_THINKING: close("those of Google's own models"),
        Feature.CALL_SIGNATURES: close("those of Google's own models"),
        Feature.TOOLS: KEPT,
        Feature.STRICT_TOOLS: DROPPED,
        Feature.CUSTOM_TOOLS: close("as a function with the one member `input`"),
        Feature.SERVER_TOOLS: close("Google's own"),
        Feature.FORCED_TOOL: KEPT,
        Feature.ALLOWED_TOOLS: KEPT,
        Feature.SERIAL_TOOLS: DROPPED,
        Feature.FAILED_RESULTS: KEPT,
        Feature.RESULT_MEDIA: close("inside the result from Gemini 3 on, else behind it"),
        Feature.JSON_OUTPUT: KEPT,
        Feature.SCHEMA_OUTPUT: KEPT,
        Feature.VERBOSITY: DROPPED,
        Feature.OUTPUT_MEDIA: KEPT,
        Feature.IMAGE_DATA: KEPT,
        Feature.IMAGE_URL: close("Google fetches public addresses"),
        Feature.DOCUMENT_DATA: KEPT,
        Feature.DOCUMENT_URL: close("Google fetches public addresses"),
        Feature.AUDIO: KEPT,
        Feature.VIDEO: KEPT,
        Feature.FILE_ID: close("files at Google; others are refused"),
        Feature.LATER_SYSTEM: close("as something the user says"),
        Feature.NAMES: DROPPED,
        Feature.CACHE_MARKS: DROPPED,
        Feature.CITATIONS: DROPPED,
        Feature.REFUSALS: close("as text"),
        Feature.OPAQUE: close("Google's own parts"),
        Feature.CACHE_KEY: DROPPED,
        Feature.SERVICE_TIER: close("flex, priority and standard"),
        Feature.METADATA: DROPPED,
        Feature.STORED: DROPPED,
    }
)
_THINKING = (Feature.EFFORT, Feature.BUDGET, Feature.HIDDEN_THINKING)
_MARKS = (Feature.SIGNATURES, Feature.SEALED_THINKING, Feature.CALL_SIGNATURES)


def carries_for(target: Target) -> Carries:
    """The table for one model."""
    version = thinking.generation(target.model)
    thinks = "reasoning" in target.capabilities or (version is not None and version >= (2, 5))
    decided = dict.fromkeys(_THINKING, KEPT if thinks else DROPPED)
    decided |= dict.fromkeys(_MARKS, KEPT if target.reads_thinking == "google" else DROPPED)
    return {feature: decided.get(feature, carry) for feature, carry in CARRIES.items()}


def dropped_for(conversation: Conversation, target: Target) -> tuple[str, ...]:
    """Parts, tools and marks of other vendors, and how closely to look: they have no place, whatever the model.

    Where the model takes no marks at all, `carries_for` names them.
    """
    lost = dict[str, None]()
    if any(tool.server and tool.dialect != "gemini" for tool in conversation.tools):
        lost[Feature.SERVER_TOOLS.value] = None
    parts = [part for message in conversation.messages for part in message.parts]
    if target.reads_thinking == "google":
        lost |= dict.fromkeys(_foreign_marks(parts))
    if any(isinstance(part, Opaque) and part.dialect != "gemini" for part in parts):
        lost[Feature.OPAQUE.value] = None
    if any(isinstance(part, Media) and part.detail not in {"", "auto"} for part in parts):
        lost["image detail"] = None
    return tuple(lost)


def _foreign_marks(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case SealedThinking() if part.vendor != "google":
                yield Feature.SEALED_THINKING.value
            case Thinking() if part.signature and part.vendor != "google":
                yield Feature.SIGNATURES.value
            case ToolCall() | Text() if part.signature and part.vendor != "google":
                yield Feature.CALL_SIGNATURES.value
            case _:
                pass
