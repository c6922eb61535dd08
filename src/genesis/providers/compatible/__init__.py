"""The shared client of OpenAI-compatible servers.

body.py    a ChatRequest as the JSON of a request
stream.py  the chunks of an answer as StreamEvents
faults.py  what a server or the network says went wrong, as a ProviderError
client.py  asks: models, and a streamed answer
"""
