"""The shared client of OpenAI-compatible servers, and what other dialects use of it.

client.py       asks: models, and a streamed answer
discovery.py    the models of a server, or a warning that says why there are none
asking.py       one POST whose answer streams, in any dialect
connections.py  how requests reach a server
bounds.py       a reply may not grow without end
body.py         a ChatRequest as the JSON of a request
pairing.py      a conversation made fit to be sent
stream.py       the chunks of an answer as StreamEvents
calls.py        tool calls that come in pieces
usage.py        tokens and what they cost
listing.py      the entries of a list of models
faults.py       what a server or the network says went wrong, as a ProviderError
"""
