"""The daemon: holds sessions so that several terminals share them, over a small HTTP protocol on loopback.

access.py       where it listens and who may talk to it
server.py       the protocol: sessions, turns as event streams, approvals
completions.py  the OpenAI-compatible door in front of the default model
watchers.py     other terminals that watch a session's turn
client.py       DaemonConversation: the same Conversation, over HTTP
process.py      started, stopped and found by its pid
service.py      its systemd user unit
"""
