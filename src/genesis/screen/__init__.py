"""What people see: streamed Markdown, tool calls, approvals, the status line, the prompt and its slash commands.

theme.py        the styles, by name
highlight.py    code in colours
inline.py       Markdown within a line
markdown.py     Markdown blocks as lines
stream.py       Markdown that is still being written: finished blocks once, the rest as a tail
live.py         the lines at the bottom of the terminal that change, and what is above them that does not
terminal.py     where lines go: size, colours
tool_lines.py   tool calls, their results and approvals as lines
status.py       the status line
turn_view.py    one turn as lines: what is finished, what still changes
turn.py         one turn driven: events, keys, cancel, approvals
input.py        the prompt
history.py      what was typed, kept in a private file
completion.py   completion of commands, models, sessions, files
attachments.py  `@file`, pasted paths of pictures
commands.py     the slash commands
hangup.py       a terminal that has gone away
typed.py        lines that are typed where nothing is drawn
launch.py       opens the chat on a terminal or on a pipe
desk.py         the session that is open, and what was chosen for it
past.py         what was said before, as lines
export.py       a session as a file
listing.py      what `/models` and `/model` answer
keys.py         keys while no prompt asks: for now, or for the next prompt
thinking.py     thinking, folded or shown
display.py      what is remembered between turns
chat.py         the conversation in a terminal
plain.py        the conversation where there is no terminal
pipe.py         an answer on one stream, what is beside it on the other
"""
