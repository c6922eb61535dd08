"""Genesis: a terminal agent that meets LLM gateways over HTTP."""

__version__ = "0.1.0"
