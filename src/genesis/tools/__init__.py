"""What a model may do: tools that read, write and run in one workspace. They decide nothing about permission.

tool.py       Tool, ToolContext, ToolResult: what every tool is and gets and gives
workspace.py  Workspace: every path is resolved and must stay inside, and out of Genesis' own state
printable.py  names and output made safe to show
read.py write.py edit.py search.py run_command.py   the tools
toolbox.py    all of them by name
"""
