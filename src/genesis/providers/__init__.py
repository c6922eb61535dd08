"""Providers: plug-ins that offer models. A plug-in has a manifest that is read without running its code.

provider.py            Manifest and the Provider protocol: the whole contract of a plug-in
installed.py           the entry points `genesis.providers` of installed packages
registry.py            finds plug-ins by them; reads manifests, loads code when asked
accounts.py            what plug-ins, settings and environment say of each provider: address, key
compatible/            shared client of servers: discovery, request body, stream, faults
kilocode/              the Kilo Gateway, loaded like anybody's plug-in
anthropic/             Anthropic, by its own Messages API
openai_compatible/     any OpenAI-compatible server by name, base URL and key
"""
