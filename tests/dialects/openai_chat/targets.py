"""Deployments as requests are written for them, and the one that a recorded exchange went to."""

from kilo_gateway.dialects.conversation import Vendor
from kilo_gateway.dialects.hub import Target
from tests.dialects.recordings import Recording

ROUTER = frozenset({"ids_have_vendor"})
OPENAI = Target("gpt-4.1", reads_thinking="openai")
REASONER = Target("gpt-5.6", reads_thinking="openai")
PLAIN = Target("some-model")
SELF_HOSTED = Target("some-model", quirks=frozenset({"free"}))
MISTRAL = Target(
    "magistral",
    quirks=frozenset({"short_tool_ids", "no_include_usage"}),
    capabilities=frozenset({"reasoning", "tools"}),
)
DEEPSEEK = Target("deepseek-chat", quirks=frozenset({"reasoning_content_back", "thinking_object"}))
CLAUDE = Target("anthropic/claude-x", reads_thinking="anthropic", quirks=ROUTER)
GEMINI = Target("google/gemini-x", reads_thinking="google", quirks=ROUTER)
ROUTED = Target("qwen/qwen-x", quirks=ROUTER)
ALL = (OPENAI, REASONER, PLAIN, SELF_HOSTED, MISTRAL, DEEPSEEK, CLAUDE, GEMINI, ROUTED)

_FAMILIES: tuple[tuple[str, Vendor], ...] = (
    ("claude", "anthropic"),
    ("gemini", "google"),
    ("gpt-", "openai"),
    ("grok", "xai"),
)
_QUIRKS = {
    "mistral": frozenset({"short_tool_ids", "no_include_usage"}),
    "openrouter": ROUTER,
    "deepseek": frozenset({"reasoning_content_back", "thinking_object", "free"}),
    "zai": frozenset({"reasoning_content_back", "thinking_object", "free"}),
    "gpustack": frozenset({"reasoning_content_back", "free"}),
    "ollama": frozenset({"reasoning_content_back", "free"}),
    "ollama-cloud": frozenset({"reasoning_content_back", "free"}),
    "crusoe": frozenset({"reasoning_content_back", "free"}),
    "cerebras": frozenset({"reasoning_content_back", "free"}),
    "groq": frozenset({"reasoning_content_back", "free"}),
    "xai": frozenset({"reasoning_content_back", "free"}),
}


def target_of(recording: Recording) -> Target:
    """The deployment of a recorded request, named as the client names it."""
    model = str((recording.request or {}).get("model") or "m")
    vendor = next((one for word, one in _FAMILIES if word in model), "")
    provider = recording.id.partition(".")[0]
    quirks = _QUIRKS.get(provider, frozenset({"free"}))
    if provider in {"openai", "azure"}:
        vendor, quirks = "openai", frozenset({"max_completion_tokens"})
        model = "gpt-5.6-chat" if model.startswith("gpt-5.6") else "gpt-4.1"
    capabilities = frozenset({"reasoning"}) if provider == "mistral" else frozenset[str]()
    return Target(model, vendor, quirks, capabilities)
