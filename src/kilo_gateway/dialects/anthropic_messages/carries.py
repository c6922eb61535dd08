"""What a request that is written to this dialect keeps: the row of the loss matrix."""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.dialects.features import DROPPED, KEPT, Carries, Carry, Feature, close, refused
from kilo_gateway.dialects.hub import Target

_SAMPLED = close("left out for Claude after 4.6 and beside thinking, which refuse it")
_OWN_THOUGHTS = close("those that the model's own vendor signed or sealed; others are left out")

CARRIES: Mapping[Feature, Carry] = MappingProxyType(
    {
        Feature.TEMPERATURE: close("at most 1; left out for Claude after 4.6 and beside thinking"),
        Feature.TOP_P: _SAMPLED,
        Feature.TOP_K: _SAMPLED,
        Feature.MIN_P: DROPPED,
        Feature.FREQUENCY_PENALTY: DROPPED,
        Feature.PRESENCE_PENALTY: DROPPED,
        Feature.REPETITION_PENALTY: DROPPED,
        Feature.SEED: DROPPED,
        Feature.STOP: close("white space alone is left out"),
        Feature.COUNT: refused("Ask once for each answer."),
        Feature.LOGPROBS: DROPPED,
        Feature.LOGIT_BIAS: DROPPED,
        Feature.MAX_TOKENS: close("a budget of thinking that was asked for is added to it"),
        Feature.EFFORT: close("as effort where the model thinks adaptively, else as a budget"),
        Feature.BUDGET: close("as effort where the model takes no budget"),
        Feature.HIDDEN_THINKING: KEPT,
        Feature.THINKING: _OWN_THOUGHTS,
        Feature.SIGNATURES: _OWN_THOUGHTS,
        Feature.SEALED_THINKING: _OWN_THOUGHTS,
        Feature.CALL_SIGNATURES: DROPPED,
        Feature.TOOLS: KEPT,
        Feature.STRICT_TOOLS: KEPT,
        Feature.CUSTOM_TOOLS: close(
            "a tool that takes one string, `input`; its grammar is left out"
        ),
        Feature.SERVER_TOOLS: close("Anthropic's own; others are left out"),
        Feature.FORCED_TOOL: close("a model with budgets does not think beside it"),
        Feature.ALLOWED_TOOLS: close("the others are not offered"),
        Feature.SERIAL_TOOLS: KEPT,
        Feature.FAILED_RESULTS: KEPT,
        Feature.RESULT_MEDIA: KEPT,
        Feature.JSON_OUTPUT: close("a sentence in the system prompt"),
        Feature.SCHEMA_OUTPUT: close("without its name; objects take no further members"),
        Feature.VERBOSITY: DROPPED,
        Feature.OUTPUT_MEDIA: refused("The model writes text alone."),
        Feature.IMAGE_DATA: KEPT,
        Feature.IMAGE_URL: KEPT,
        Feature.DOCUMENT_DATA: close("PDF and text"),
        Feature.DOCUMENT_URL: close("PDF"),
        Feature.AUDIO: refused("Send its words as text."),
        Feature.VIDEO: refused("Send pictures of it."),
        Feature.FILE_ID: close("of a file that is kept at Anthropic"),
        Feature.LATER_SYSTEM: close(
            "as such from Claude Opus 4.8 on, else as a user's text in <system> tags"
        ),
        Feature.NAMES: DROPPED,
        Feature.CACHE_MARKS: close("the first and the last three"),
        Feature.CITATIONS: close("Anthropic's own; of others the text stays"),
        Feature.REFUSALS: close("as text"),
        Feature.OPAQUE: close("Anthropic's own; others are left out"),
        Feature.CACHE_KEY: DROPPED,
        Feature.SERVICE_TIER: close("standard_only for flex and standard, else auto"),
        Feature.METADATA: DROPPED,
        Feature.STORED: DROPPED,
    }
)


def carries_for(_target: Target) -> Carries:
    """The same for every server: what depends on the model is named by `writing.dropped_for`."""
    return CARRIES
