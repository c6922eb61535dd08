"""`kilo-gateway serve`: production. Does what its configuration file says, and nothing by itself."""

import os
from pathlib import Path
from typing import Annotated

import typer

from kilo_gateway.app.gateway import Ready, Start
from kilo_gateway.app.home import Home
from kilo_gateway.cli.database import database_url
from kilo_gateway.cli.home import config_path, loaded_settings, state_home
from kilo_gateway.cli.serving import run_gateway
from kilo_gateway.cli.tables import fail
from kilo_gateway.config.load import load


def serve(
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Configuration file [default: $KILO_GATEWAY_CONFIG]."),
    ] = None,
) -> None:
    """Serve what the configuration file names; nothing is found or made by itself.

    SIGHUP or a changed file reloads it, SIGTERM drains. Keys are made with `kilo-gateway keys create`.
    """
    environ = dict(os.environ)
    path = config_path(config, environ)
    if path is None:
        fail(
            "serve needs a configuration file: --config FILE, or `kilo-gateway up` to start without one"
        )
    loaded = loaded_settings(path, environ)
    settings = loaded.settings
    home = state_home(environ, settings.state.home)
    start = Start(
        loaded=loaded,
        reload=lambda: load(path, environ),
        environ=environ,
        home=Home(home),
        database_url=database_url(loaded, environ, home),
        finds_upstreams=False,
        mints_first_key=False,
        has_local_model=settings.local_model.enabled is True,
        has_simulator=settings.simulator.enabled is True,
        host=settings.server.host,
        port=settings.server.port,
    )
    run_gateway(start, _say_ready)


def _say_ready(ready: Ready) -> None:
    host = f"[{ready.host}]" if ":" in ready.host else ready.host
    typer.echo(f"kilo-gateway serves on http://{host}:{ready.port}", err=True)
