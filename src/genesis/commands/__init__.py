"""Commands: one file for each command group, loaded when that command is asked for. Heavy libraries are imported late.

A command's module has `register(app)`. `models.py` is joined by files of its own: `model_*.py`, `installation.py` (what is
known without the network), `light_command.py` (commands that start without pydantic).
"""
