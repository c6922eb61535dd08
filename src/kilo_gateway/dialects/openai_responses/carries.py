"""What a request to an upstream of this dialect can carry."""

from types import MappingProxyType

from kilo_gateway.dialects.features import DROPPED, KEPT, Carries, Feature, close, refused
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_models import takes_sampling

_UNSAMPLED = close("by all models but OpenAI's that always reason")
_SAMPLING = (
    Feature.TEMPERATURE,
    Feature.TOP_P,
    Feature.FREQUENCY_PENALTY,
    Feature.PRESENCE_PENALTY,
    Feature.LOGPROBS,
)
# Quirks of routers and of servers of one's own, whose models only have OpenAI's names.
_OTHERS = frozenset({"ids_have_vendor", "free"})

CARRIES: Carries = MappingProxyType(
    {
        Feature.TEMPERATURE: _UNSAMPLED,
        Feature.TOP_P: _UNSAMPLED,
        Feature.TOP_K: DROPPED,
        Feature.MIN_P: DROPPED,
        Feature.FREQUENCY_PENALTY: _UNSAMPLED,
        Feature.PRESENCE_PENALTY: _UNSAMPLED,
        Feature.REPETITION_PENALTY: DROPPED,
        Feature.SEED: DROPPED,
        Feature.STOP: DROPPED,
        Feature.COUNT: refused("It gives one answer: ask several times."),
        Feature.LOGPROBS: _UNSAMPLED,
        Feature.LOGIT_BIAS: DROPPED,
        Feature.MAX_TOKENS: KEPT,
        Feature.EFFORT: KEPT,
        Feature.BUDGET: close("as effort: low below 2,048 tokens, medium below 8,192, else high"),
        Feature.HIDDEN_THINKING: close("no summary is asked for"),
        Feature.THINKING: close(
            "with what its own vendor has sealed of it, or to an upstream whose models read plain thoughts"
        ),
        Feature.SIGNATURES: close("to the vendor that made them"),
        Feature.SEALED_THINKING: close("to the vendor that made them"),
        Feature.CALL_SIGNATURES: DROPPED,
        Feature.TOOLS: KEPT,
        Feature.STRICT_TOOLS: KEPT,
        Feature.CUSTOM_TOOLS: KEPT,
        Feature.SERVER_TOOLS: DROPPED,
        Feature.FORCED_TOOL: KEPT,
        Feature.ALLOWED_TOOLS: KEPT,
        Feature.SERIAL_TOOLS: KEPT,
        Feature.FAILED_RESULTS: close("said in words in front of the output"),
        Feature.RESULT_MEDIA: close("pictures and documents; sounds and films by name"),
        Feature.JSON_OUTPUT: KEPT,
        Feature.SCHEMA_OUTPUT: KEPT,
        Feature.VERBOSITY: KEPT,
        Feature.OUTPUT_MEDIA: refused("Ask a model that makes sounds or pictures in Chat."),
        Feature.IMAGE_DATA: KEPT,
        Feature.IMAGE_URL: KEPT,
        Feature.DOCUMENT_DATA: close("plain text goes as text under its name"),
        Feature.DOCUMENT_URL: KEPT,
        Feature.AUDIO: close("by data: WAV and MP3"),
        Feature.VIDEO: close("as OpenRouter takes it"),
        Feature.FILE_ID: close("the upstream's own files"),
        Feature.LATER_SYSTEM: KEPT,
        Feature.NAMES: DROPPED,
        Feature.CACHE_MARKS: close(
            "where the deployment says cache_breakpoints, without a time to live; others cache by themselves"
        ),
        Feature.CITATIONS: KEPT,
        Feature.REFUSALS: KEPT,
        Feature.OPAQUE: DROPPED,
        Feature.CACHE_KEY: KEPT,
        Feature.SERVICE_TIER: close("OpenAI's own words: auto, default, flex, priority, scale"),
        Feature.METADATA: KEPT,
        Feature.STORED: KEPT,
    }
)


def carries_for(target: Target) -> Carries:
    """The table for one deployment: OpenAI's models that always reason refuse sampling."""
    place = KEPT if samples(target) else DROPPED
    return {**CARRIES, **dict.fromkeys(_SAMPLING, place)}


def samples(target: Target) -> bool:
    """Whether a model takes temperature and its like."""
    return bool(target.quirks & _OTHERS) or takes_sampling(target.model)
