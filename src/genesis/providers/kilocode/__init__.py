"""The Kilo Gateway as a provider: discovery with a static fallback, its feature header, its form of reasoning.

manifest.toml  id, variables, base URL, static model
discovery.py   the gateway's list of models as ours
levels.py      thinking levels: spellings, clamping, defaults, what a provider's complaint asks for
reasoning.py   the `reasoning` object of a request
signatures.py  thought signatures cleaned before a conversation is sent again
plugin.py      joins the parts; the entry point names it
"""
