"""Kilo Gateway: one endpoint and one key for many models. ARCHITECTURE.md is the map of its rooms."""

__version__ = "0.1.0"
