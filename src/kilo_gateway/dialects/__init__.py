"""Wire formats, sans-IO: bytes in, values out, and back. A dialect never touches a socket and never waits.

dialect.py      the protocol: the verbs that every wire format offers
registry.py     name -> Dialect
body.py         a JSON object body as its top-level members, each still in the client's own bytes
sse.py          incremental reading of server-sent events, the same for every chunking
openai_chat/    Chat Completions, Completions and Embeddings as OpenAI speaks them
"""
