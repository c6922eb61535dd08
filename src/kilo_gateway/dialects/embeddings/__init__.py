"""Embeddings: texts in, vectors out, in the words of each vendor. Never streamed, and no conversation.

ask.py       the hub form: what is asked, what is answered, what vectors are for
vectors.py   a vector as numbers and as base64 of little-endian 32-bit floats
openai.py    OpenAI's form: clients, and the vendors that differ from it in a few names
gemini.py    embedContent and batchEmbedContents
cohere.py    Cohere's /v2/embed
ollama.py    Ollama's /api/embed
forms.py     the tables: how clients of a dialect ask, how vendors are asked
passage.py   the way of one attempt's bytes and of its reply's bytes back, in several requests where one is too small

A call goes  client's members --read_ask--> EmbeddingAsk --write--> upstream's bytes --read--> EmbeddingAnswer --write_answer--> client's.
"""
