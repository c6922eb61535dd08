"""What a request written to this dialect can hold.

Servers of this dialect differ: OpenAI's own API refuses members that it does not know, routers and self-hosted servers take
more. `CARRIES` is the published table; `carries_for(target)` is the same for one deployment, with every "it depends" decided. The writer
asks the latter, so that what is dropped is what is named.
"""

from types import MappingProxyType
from typing import Literal

from kilo_gateway.dialects.features import DROPPED, KEPT, Carries, Feature, close
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.openai_models import is_reasoner

# Quirks that are looked at here:
# ids_have_vendor          a router like OpenRouter: takes `reasoning`, `reasoning_details`, cache marks
# free                     a self-hosted server: takes further sampling
# short_tool_ids           Mistral: ids of nine characters, `random_seed`, `document_url`, nothing unknown
# reasoning_content_back   DeepSeek, Moonshot: thoughts of tool loops go back as `reasoning_content`
# thinking_object          Z.ai, DeepSeek, Moonshot: `thinking: {"type": ...}` switches it on and off
# max_completion_tokens    OpenAI's name of the limit, whatever the model is called
ROUTER, SELF_HOSTED, SHORT_IDS = "ids_have_vendor", "free", "short_tool_ids"
THOUGHTS_BACK, THINKING_OBJECT = "reasoning_content_back", "thinking_object"
COMPLETION_LIMIT = "max_completion_tokens"

_OPEN = close("by routers and self-hosted servers; others would refuse the call")
_OWN = close("by OpenAI and routers; others would refuse the call")
_UNSAMPLED = close("by all models but OpenAI's that reason")
_REASONS = close("by models that reason")

CARRIES: Carries = MappingProxyType(
    {
        Feature.TEMPERATURE: _UNSAMPLED,
        Feature.TOP_P: _UNSAMPLED,
        Feature.TOP_K: _OPEN,
        Feature.MIN_P: _OPEN,
        Feature.FREQUENCY_PENALTY: _UNSAMPLED,
        Feature.PRESENCE_PENALTY: _UNSAMPLED,
        Feature.REPETITION_PENALTY: _OPEN,
        Feature.SEED: KEPT,
        Feature.STOP: _UNSAMPLED,
        Feature.COUNT: DROPPED,
        Feature.LOGPROBS: _UNSAMPLED,
        Feature.LOGIT_BIAS: _UNSAMPLED,
        Feature.MAX_TOKENS: KEPT,
        Feature.EFFORT: _REASONS,
        Feature.BUDGET: close(
            "as an effort: low to 4,096 tokens, medium to 16,384, then high; routers take the number"
        ),
        Feature.HIDDEN_THINKING: close("by routers; other servers show what they show"),
        Feature.THINKING: close(
            "to routers, Mistral, DeepSeek and Moonshot, which take thoughts back"
        ),
        Feature.SIGNATURES: close("to routers, for models of the vendor that signed"),
        Feature.SEALED_THINKING: close("to routers, for models of the vendor that sealed"),
        Feature.CALL_SIGNATURES: close("to Gemini models"),
        Feature.TOOLS: KEPT,
        Feature.STRICT_TOOLS: close("by all but Mistral"),
        Feature.CUSTOM_TOOLS: close("by OpenAI's own models"),
        Feature.SERVER_TOOLS: DROPPED,
        Feature.FORCED_TOOL: KEPT,
        Feature.ALLOWED_TOOLS: close(
            "other tools are not sent, where the server has no field for it"
        ),
        Feature.SERIAL_TOOLS: KEPT,
        Feature.FAILED_RESULTS: close("in words: the result begins with Error"),
        Feature.RESULT_MEDIA: close(
            "in a message of the user's behind the results; routers take it in the result"
        ),
        Feature.JSON_OUTPUT: KEPT,
        Feature.SCHEMA_OUTPUT: KEPT,
        Feature.VERBOSITY: _OWN,
        Feature.OUTPUT_MEDIA: _OWN,
        Feature.IMAGE_DATA: KEPT,
        Feature.IMAGE_URL: KEPT,
        Feature.DOCUMENT_DATA: close("plain text goes as text under its name"),
        Feature.DOCUMENT_URL: close("routers and Mistral fetch it; OpenAI refuses it"),
        Feature.AUDIO: KEPT,
        Feature.VIDEO: close("as video_url, which routers, Qwen and self-hosted servers take"),
        Feature.FILE_ID: close("an id means something only to the server that gave it"),
        Feature.LATER_SYSTEM: KEPT,
        Feature.NAMES: KEPT,
        Feature.CACHE_MARKS: close(
            "for Claude and Qwen models, and Gemini behind routers; others cache by themselves"
        ),
        Feature.CITATIONS: DROPPED,
        Feature.REFUSALS: close("in a field of its own by OpenAI and routers, else as text"),
        Feature.OPAQUE: DROPPED,
        Feature.CACHE_KEY: close("by OpenAI, Mistral and routers; others would refuse the call"),
        Feature.SERVICE_TIER: _OWN,
        Feature.METADATA: _OWN,
        Feature.STORED: _OWN,
    }
)


def carries_for(target: Target) -> Carries:
    """The table for one deployment."""
    decided = {feature: KEPT if taken else DROPPED for feature, taken in _conditions(target)}
    return {feature: decided.get(feature, carry) for feature, carry in CARRIES.items()}


def _conditions(target: Target) -> list[tuple[Feature, bool]]:
    is_router = ROUTER in target.quirks
    is_open = is_router or SELF_HOSTED in target.quirks
    is_own = is_router or is_openai(target)
    vendor = target.reads_thinking
    has_samples = not is_openai_reasoner(target)
    reasons = reasons_by_word(target)
    pairs = [
        (is_open, (Feature.TOP_K, Feature.MIN_P, Feature.REPETITION_PENALTY)),
        (has_samples, _SAMPLING),
        (reasons, (Feature.EFFORT, Feature.BUDGET)),
        (is_router, (Feature.HIDDEN_THINKING,)),
        (
            is_router or THOUGHTS_BACK in target.quirks or takes_thinking_parts(target),
            (Feature.THINKING,),
        ),
        (is_router and vendor != "", (Feature.SIGNATURES, Feature.SEALED_THINKING)),
        (vendor == "google", (Feature.CALL_SIGNATURES,)),
        (SHORT_IDS not in target.quirks, (Feature.STRICT_TOOLS,)),
        (is_openai(target), (Feature.CUSTOM_TOOLS,)),
        (marks(target) != "", (Feature.CACHE_MARKS,)),
        (is_own, _OPENAI_ONLY),
        (is_own or SHORT_IDS in target.quirks, (Feature.CACHE_KEY,)),
    ]
    return [(feature, taken) for taken, features in pairs for feature in features]


_SAMPLING = (
    Feature.TEMPERATURE,
    Feature.TOP_P,
    Feature.FREQUENCY_PENALTY,
    Feature.PRESENCE_PENALTY,
    Feature.STOP,
    Feature.LOGPROBS,
    Feature.LOGIT_BIAS,
)
_OPENAI_ONLY = (
    Feature.VERBOSITY,
    Feature.OUTPUT_MEDIA,
    Feature.SERVICE_TIER,
    Feature.METADATA,
    Feature.STORED,
)


def is_openai(target: Target) -> bool:
    """Whether it is a model of OpenAI's at OpenAI's own API, or Azure's: not behind a router, and no open weights."""
    if target.quirks & {ROUTER, SELF_HOSTED}:
        return False
    if COMPLETION_LIMIT in target.quirks:
        return True
    is_named = target.reads_thinking == "openai" or _name(target).startswith(_O_SERIES)
    return is_named and "oss" not in target.model


def is_openai_reasoner(target: Target) -> bool:
    """Whether it is one of OpenAI's models that reason: they refuse sampling and want `max_completion_tokens`."""
    if not is_openai(target):
        return False
    if is_reasoner(target.model):
        return True
    is_named = _name(target).startswith(("gpt-5", "gpt-6", "codex"))
    return not is_named and "reasoning" in target.capabilities


def reasons_by_word(target: Target) -> bool:
    """Whether an effort may be sent: models that are known not to reason refuse it."""
    return (
        not target.capabilities or "reasoning" in target.capabilities or is_openai_reasoner(target)
    )


def marks(target: Target) -> Literal["cache_control", "prompt_cache_breakpoint", ""]:
    """The member that marks a cache breakpoint; "" where there is none."""
    name = target.model.lower()
    if "claude" in name or "qwen" in name or target.reads_thinking == "anthropic":
        return "cache_control"
    if ROUTER in target.quirks:
        return "cache_control" if target.reads_thinking == "google" else ""
    return "prompt_cache_breakpoint" if _version(target) >= (5, 6) else ""


def takes_thinking_parts(target: Target) -> bool:
    """Whether thoughts go back as Mistral's parts of the content."""
    return SHORT_IDS in target.quirks and "reasoning" in target.capabilities


def least_effort(target: Target) -> str | None:
    """The least that a model of OpenAI's can think; None where it is not known."""
    if not is_openai_reasoner(target):
        return None
    name, version = _name(target), _version(target)
    if "codex" in name or "pro" in name or version < (5, 0):
        return "low"
    return "minimal" if version == (5, 0) else "none"


def _version(target: Target) -> tuple[int, int]:
    """5.6 of gpt-5.6, (0, 0) of what is no model of OpenAI's."""
    number = _name(target).removeprefix("gpt-").partition("-")[0]
    major, _, minor = number.partition(".")
    if not is_openai(target) or not major.isdecimal() or not (minor or "0").isdecimal():
        return 0, 0
    return int(major), int(minor or 0)


_O_SERIES = ("o1", "o3", "o4")


def _name(target: Target) -> str:
    return target.model.lower().rpartition("/")[2]
