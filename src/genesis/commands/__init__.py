"""Commands: one file for each command group, loaded when that command is asked for. Heavy libraries are imported late.

A command's module has `register(app)`. `models.py` is joined by files of its own: `model_*.py`, `installation.py` (what is
known without the network), `light_command.py` (commands that start without pydantic).
"""

# command -> the module that registers it, and what `genesis --help` says of it without loading it
COMMANDS = {
    "chat": ("genesis.commands.chat", "Chat in this terminal; what `genesis` alone does."),
    "agent": ("genesis.commands.agent", "Ask once, for scripts and pipes."),
    "sessions": ("genesis.commands.sessions", "List, show, export and delete what was said."),
    "models": ("genesis.commands.models", "List models, choose the default, see keys."),
    "onboard": ("genesis.commands.onboard", "Set up a provider and its key."),
    "config": ("genesis.commands.config", "Read, change and check the settings."),
    "doctor": ("genesis.commands.doctor", "Find what is wrong, and mend it."),
    "gateway": ("genesis.commands.gateway", "The daemon: several terminals share sessions."),
    "completion": ("genesis.commands.completion", "Print a script that completes commands."),
}
