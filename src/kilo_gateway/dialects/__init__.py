"""Wire formats, sans-IO: bytes in, values out, and back. A dialect never touches a socket and never waits.

dialect.py          the protocol of the identity path: the verbs that every wire format offers
hub.py              the protocol of translation: to and from the hub form
conversation.py     the hub form of a request
answer.py           the hub form of a reply, whole and as deltas
features.py         what a request may hold, and what a dialect does with each: the loss matrix as data
translate.py        Passage: the way of one attempt's bytes, and of its reply's bytes back
registry.py         name -> Dialect
body.py             a JSON object body as its top-level members, each still in the client's own bytes
sse.py              incremental reading of server-sent events, the same for every chunking
passing.py          a stream that goes on as it came: usage, errors and the end are seen in its bytes
seal.py             a vendor's signature in a dialect of another vendor
token_estimate.py   about how many tokens a conversation has
rules/              what is mended in requests
embeddings/         texts in, vectors out, in each vendor's form
openai_chat/        Chat Completions, Completions, Embeddings and the operations beside them, as OpenAI speaks them
openai_responses/   Responses
anthropic_messages/ Messages
gemini/             generateContent, of the Gemini API and Vertex
"""
