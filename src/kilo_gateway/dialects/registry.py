"""The table name -> Dialect, and which of them are one."""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.dialects.anthropic_messages import AnthropicMessages, AnthropicOnBedrock
from kilo_gateway.dialects.bedrock import Bedrock
from kilo_gateway.dialects.dialect import Dialect
from kilo_gateway.dialects.gemini import Gemini, GeminiArray
from kilo_gateway.dialects.openai_chat import OpenAIChat
from kilo_gateway.dialects.openai_responses import OpenAIResponses

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            OpenAIChat(),
            OpenAIResponses(),
            AnthropicMessages(),
            Gemini(),
            GeminiArray(),
            Bedrock(),
            AnthropicOnBedrock(),
        )
    }
)
# Dialects that differ from another one only in how their streams are framed.
FRAMINGS: Mapping[str, str] = MappingProxyType({"gemini_array": "gemini"})
