"""HTTP in and out, for programs.

listener.py   one client connection: requests in, in order and in bounds
arrival.py    a request while it arrives
guard.py      limits of a listening server; which connections are slow, idle or stuck
app.py        finds the row of the path, lets it answer, turns a Fault into an answer
routes.py     the table of URLs, all of them
service.py    what the handlers work with, and what a call sees of the world
request.py    what came: the head, the bounded body, the credential
hints.py      attribution and routing hints in the headers
generate.py   chat completions, completions, embeddings: one handler
listing.py    models and providers, by grant
probes.py     live, ready, metrics, and the front page
faults.py     Fault -> status, headers and body
reply.py      an answer on its way out
"""
