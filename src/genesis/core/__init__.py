"""The vocabulary: frozen values that every other room speaks in. Imports nothing of ours and does no I/O.

model.py     Model: one model as a provider offers it; Cost
refs.py      ModelRef: `provider/model@profile`, as people and settings write it
message.py   the messages of a conversation and the blocks they are made of
events.py    what a provider streams, and what the agent tells while a turn runs
usage.py     tokens and their cost
secret.py    Secret: a text that has no printed form
text.py      words of strangers without escapes, controls shown, bidi overrides visible
hosts.py     which hosts are of this machine
pictures.py  which pictures models take
fault.py     GenesisError and its kinds: what went wrong, and what to do next
"""
