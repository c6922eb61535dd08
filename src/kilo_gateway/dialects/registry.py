"""The table name -> Dialect."""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.dialects.dialect import Dialect
from kilo_gateway.dialects.openai_chat import OpenAIChat

DIALECTS: Mapping[str, Dialect] = MappingProxyType({"openai_chat": OpenAIChat()})
