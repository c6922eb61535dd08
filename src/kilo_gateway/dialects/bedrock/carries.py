"""What a request that is written to this dialect keeps: the row of the loss matrix."""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.dialects.features import DROPPED, KEPT, Carries, Carry, Feature, close, refused
from kilo_gateway.dialects.hub import Target

_SAMPLED = close("left out for Claude after 4.6 and beside thinking, which refuse it")
_OWN_THOUGHTS = close("those that the model's own vendor signed or sealed; others are left out")
_AS_BYTES = "Send its bytes as base64."

CARRIES: Mapping[Feature, Carry] = MappingProxyType(
    {
        Feature.TEMPERATURE: close("at most 1; left out for Claude after 4.6 and beside thinking"),
        Feature.TOP_P: _SAMPLED,
        Feature.TOP_K: close("for Claude, Nova and Mistral"),
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
        Feature.EFFORT: close(
            "for Claude, Nova 2, gpt-oss and Qwen 3; as a budget for older Claude"
        ),
        Feature.BUDGET: close("for Claude up to 4.6, else as effort"),
        Feature.HIDDEN_THINKING: close("for Claude"),
        Feature.THINKING: _OWN_THOUGHTS,
        Feature.SIGNATURES: _OWN_THOUGHTS,
        Feature.SEALED_THINKING: _OWN_THOUGHTS,
        Feature.CALL_SIGNATURES: DROPPED,
        Feature.TOOLS: KEPT,
        Feature.STRICT_TOOLS: KEPT,
        Feature.CUSTOM_TOOLS: close(
            "a tool that takes one string, `input`; its grammar is left out"
        ),
        Feature.SERVER_TOOLS: close("Bedrock's own; others are left out"),
        Feature.FORCED_TOOL: close("a model with budgets does not think beside it"),
        Feature.ALLOWED_TOOLS: close("the others are not offered"),
        Feature.SERIAL_TOOLS: DROPPED,
        Feature.FAILED_RESULTS: KEPT,
        Feature.RESULT_MEDIA: KEPT,
        Feature.JSON_OUTPUT: close("a sentence in the system prompt"),
        Feature.SCHEMA_OUTPUT: close("for Claude, objects take no further members"),
        Feature.VERBOSITY: DROPPED,
        Feature.OUTPUT_MEDIA: refused("The model writes text alone."),
        Feature.IMAGE_DATA: close("PNG, JPEG, GIF and WebP"),
        Feature.IMAGE_URL: close("s3:// alone; others are refused"),
        Feature.DOCUMENT_DATA: close(
            "PDF, office documents and text; its name in plain characters"
        ),
        Feature.DOCUMENT_URL: close("s3:// alone; others are refused"),
        Feature.AUDIO: KEPT,
        Feature.VIDEO: KEPT,
        Feature.FILE_ID: refused(_AS_BYTES),
        Feature.LATER_SYSTEM: close("a user's text in <system> tags"),
        Feature.NAMES: DROPPED,
        Feature.CACHE_MARKS: close("for Claude and Nova: four; one behind Claude's tools"),
        Feature.CITATIONS: KEPT,
        Feature.REFUSALS: close("as text"),
        Feature.OPAQUE: close("Bedrock's own; others are left out"),
        Feature.CACHE_KEY: DROPPED,
        Feature.SERVICE_TIER: close("priority, default, flex and reserved"),
        Feature.METADATA: close("16 texts"),
        Feature.STORED: DROPPED,
    }
)


def carries_for(_target: Target) -> Carries:
    """The same for every model: what depends on it is named by `writing.dropped_for`."""
    return CARRIES
