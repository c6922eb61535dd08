"""Anthropic's Messages API as a provider, through the same door as the others.

manifest.toml  id, variable, base URL, a static model
body.py        a ChatRequest as the JSON of a request
stream.py      the events of an answer as StreamEvents
plugin.py      its Provider; the entry point names it
"""
