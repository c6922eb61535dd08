"""The daemon: holds sessions so that several terminals share them, over a small HTTP protocol on loopback.

access.py       where it listens and who may talk to it
server.py       the protocol: sessions, turns as event streams, approvals
turns.py        the turns that run, who asked for them and who watches
completions.py  the OpenAI-compatible door in front of the default model; chat_wire.py is its wire
client.py       DaemonConversation: the same Conversation, over HTTP
remote.py       the daemon of mode remote: which one, and why it cannot be used
serving.py      listens, and stops without tearing turns apart
freshness.py    changed settings are in force with the next question
process.py      started, found and stopped: one lock, one file
service.py      its systemd user unit
"""
