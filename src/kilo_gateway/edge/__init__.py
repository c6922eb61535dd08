"""HTTP in and out, for programs.

app.py        the ASGI callable: finds the row, answers, turns a Fault into an answer
routes.py     the table of URLs, all of them
service.py    what the handlers work with, and what a call sees of the world
request.py    the body, bounded; the credential; the attribution headers
reply.py      an answer on its way out, over ASGI
generate.py   chat completions, completions, embeddings: one handler
listing.py    models and providers, by grant
probes.py     live, ready, metrics, and the front page
faults.py     Fault -> status, headers and body
listener.py   uvicorn's protocol with limits for heads and slow clients, and a word when a client leaves
"""
