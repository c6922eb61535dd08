"""Sessions and the agent: what was said, how the next answer comes about, which tools may run for it.

conversation.py  Conversation: what a screen or a script may ask for; SessionInfo, SessionView
transcript.py    a session's file: JSON lines, safe against a crash in mid-write
store.py         SessionStore: all sessions of one folder
export.py        a session as Markdown or JSON
prompt.py        the system prompt
approval.py      whether a tool call runs, is asked about, or is refused
dangers.py       commands that are asked about whatever the policy says
calls.py         the tool calls of one answer: asked, run side by side, told
request.py       one answer of a model through failover, as events
compaction.py    older messages become a summary when the context is full
agent.py         Agent: one turn, from the person's message to its end
"""
