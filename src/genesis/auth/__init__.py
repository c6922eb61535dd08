"""Keys: their one store, how they are cleaned and shown, the order in which they are looked up, and how they are got.

texts.py      what people paste made a key; keys masked for people
profiles.py   Profiles: auth-profiles.json, the only file that holds keys
lookup.py     find_key: which key a provider is asked with, and where it came from
known.py      every secret that is known: for results of tools, and for logs
device.py     login by a page and a code (RFC 8628)
gateway_check.py  does a gateway let a key in; is there one on this machine. Brings httpx: load it late
"""
