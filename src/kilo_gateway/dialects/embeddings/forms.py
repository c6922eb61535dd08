"""The tables: how clients of a dialect ask for embeddings, and how vendors are asked."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from kilo_gateway.dialects.embeddings.ask import ClientForm, UpstreamForm
from kilo_gateway.dialects.embeddings.cohere import CohereUpstream
from kilo_gateway.dialects.embeddings.gemini import GeminiClients, GeminiUpstream
from kilo_gateway.dialects.embeddings.ollama import OllamaUpstream
from kilo_gateway.dialects.embeddings.openai import LIKE_OPENAI, OpenAIClients

FormName = Literal[
    "openai", "floats", "mistral", "voyage", "jina", "perplexity", "gemini", "cohere", "ollama"
]

CLIENTS: Mapping[str, ClientForm] = MappingProxyType(
    {"openai_chat": OpenAIClients(), "gemini": GeminiClients()}
)

UPSTREAMS: Mapping[str, UpstreamForm] = MappingProxyType(
    {
        **LIKE_OPENAI,
        "gemini": GeminiUpstream(),
        "cohere": CohereUpstream(),
        "ollama": OllamaUpstream(),
    }
)
