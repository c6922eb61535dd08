"""Keys: their one store, how they are cleaned and shown, and the order in which they are looked up.

texts.py      what people paste made a key; keys masked for people
profiles.py   Profiles: auth-profiles.json, the only file that holds keys
lookup.py     find_key: which key a provider is asked with, and where it came from
"""
