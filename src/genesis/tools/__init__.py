"""What a model may do: tools that read, write and run in one workspace. They decide nothing about permission.

tool.py         Tool, ToolContext, ToolResult: what every tool is and gets and gives
workspace.py    Workspace: every path is resolved and must stay inside, and out of Genesis' own state
environment.py  what commands see of the environment: no keys
closed.py       what a command starts cannot read the environment and memory of Genesis
diff.py         the diff of a change, as people see it before they allow it
ignore.py       which files a search skips
searching.py    the work of a search, in a process of its own
read.py write.py edit.py search.py exec.py   the tools
toolbox.py      all of them by name
"""
