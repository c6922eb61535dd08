"""Where the gateway's state and its configuration file are, and the settings that hold for a command."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from kilo_gateway.cli.tables import fail, note
from kilo_gateway.config.load import Loaded, load
from kilo_gateway.config.overrides import CONFIG_VARIABLE, HOME_VARIABLE

CONFIG_FILE = "config.toml"

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file (default: $KILO_GATEWAY_CONFIG, else config.toml in the home).",
        show_default=False,
    ),
]


def home_path(environ: Mapping[str, str], configured: str = "") -> Path:
    """The state directory, which may not exist yet: `configured`, else $KILO_GATEWAY_HOME, else ~/.kilo-gateway."""
    named = configured or environ.get(HOME_VARIABLE, "")
    return Path(named).expanduser().absolute() if named else Path.home() / ".kilo-gateway"


def state_home(environ: Mapping[str, str], configured: str = "") -> Path:
    """The state directory, made with mode 0700 if need be.

    Ends the command (exit code 2) where it cannot be trusted: it belongs to somebody else, or others may write to it.
    """
    home = home_path(environ, configured)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = home.stat()
    except OSError as error:
        fail(f"the state directory {home} cannot be made: {error.strerror}. {_CHOOSE}")
    if state.st_uid != os.geteuid():
        fail(f"the state directory {home} belongs to another user (uid {state.st_uid}). {_CHOOSE}")
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        fail(f"others may write to the state directory {home}: chmod 700 it. {_CHOOSE}")
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        fail(f"the state directory {home} is not writable: chmod 700 it. {_CHOOSE}")
    return home


def config_path(option: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file: the option, else $KILO_GATEWAY_CONFIG, else config.toml in the home if it is there."""
    if option is not None:
        return option
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE]).expanduser()
    usual = home_path(environ) / CONFIG_FILE
    return usual if usual.is_file() else None


def loaded_settings(option: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Settings without errors; tells all problems and ends the command (exit code 2) otherwise."""
    loaded = load(config_path(option, environ), environ)
    if not loaded.ok:
        for problem in loaded.errors:
            note(str(problem))
        fail("the configuration is wrong: `kilo-gateway check` tells more")
    return loaded


_CHOOSE = f"{HOME_VARIABLE} chooses another directory"
