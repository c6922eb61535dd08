"""What happens when a model does not answer: why it failed, who answers instead, which keys rest, what people read.

rules.py      the tables: statuses, symbolic codes, texts, each in the order in which they are asked
signals.py    what an error says of itself, and the errors inside it
classify.py   the Reason of an error, and whether the conversation was too long for the model
cooldowns.py  how long a key rests after failures; pure steps from one KeyStats to the next
order.py      which stored key of a provider comes first
state.py      auth-state.json: KeyStats and the order that commands set
bench.py      Bench: the one owner of that state while Genesis runs
choice.py     which models the settings choose
chain.py      the candidates of a request, and the attempts until one answers
redact.py     takes what looks like a key out of a text
messages.py   the sentences that people read
"""
