"""Any OpenAI-compatible server, by the name, base URL, key and models that the settings give it."""

from genesis.providers.openai_compatible.plugin import OpenAICompatible


def provider() -> OpenAICompatible:
    """The plug-in, for the entry point."""
    return OpenAICompatible()
