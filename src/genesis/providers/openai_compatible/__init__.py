"""Any OpenAI-compatible server, by the name, base URL, key and models that the settings give it.

manifest.toml  the defaults
plugin.py      its Provider; the entry point names it
"""
