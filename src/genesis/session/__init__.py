"""Sessions and the agent: what was said, how the next answer comes about, which tools may run for it.

conversation.py  Conversation: what a screen or a script may ask for; SessionInfo, SessionView
local.py         the Conversation whose sessions live in this process
agent.py         Agent: runs turns of sessions, and stops them
turn.py          one turn, from the person's message to its end, whatever ends it
limit.py         how long a turn may take
request.py       one answer of a model through failover, as events
calls.py         the tool calls of one answer: judged, asked about, run, told
approval.py      whether a tool call runs, is asked about, or is refused
dangers.py       commands that are asked about whatever the policy says
reach.py         whether a command's paths lead to the private state
shell_words.py   what a command's words may become
compaction.py    when and where older messages give way to a summary
prompt.py        the system prompt
place.py         in which folder the agent works
sources.py       where models come from: settings, keys, plug-ins, catalog and discovery joined
transcript.py    a session's file: JSON lines, safe against a crash in mid-write
store.py         SessionStore: all sessions of one folder
export.py        a session as Markdown or JSON
"""
