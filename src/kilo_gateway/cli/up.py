"""`kilo-gateway up`: the first minute. Finds what there is, makes a key, serves, and says how to use it."""

import os
from typing import Annotated

import typer

from kilo_gateway.app.gateway import Ready, Start
from kilo_gateway.app.home import Home
from kilo_gateway.cli.database import database_url
from kilo_gateway.cli.home import ConfigOption, config_path, loaded_settings, state_home
from kilo_gateway.cli.serving import run_gateway
from kilo_gateway.config.load import load


def up(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to listen on; 0 takes a free one.", show_default="4000", min=0, max=65535
        ),
    ] = None,
    no_local_model: Annotated[
        bool, typer.Option("--no-local-model", help="Do not start the built-in model.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Start a gateway that needs no configuration.

    Uses upstreams whose API key is in the environment, model servers found on this machine, the built-in local model
    and the simulator. The first start prints an API key, once.
    """
    environ = dict(os.environ)
    path = config_path(config, environ)
    loaded = loaded_settings(config, environ)
    settings = loaded.settings
    home = state_home(environ, settings.state.home)
    start = Start(
        loaded=loaded,
        reload=lambda: load(path, environ),
        environ=environ,
        home=Home(home),
        database_url=database_url(loaded, environ, home),
        finds_upstreams=True,
        mints_first_key=True,
        has_local_model=not no_local_model and settings.local_model.enabled is not False,
        has_simulator=settings.simulator.enabled is not False,
        host=host or settings.server.host,
        port=settings.server.port if port is None else port,
    )
    run_gateway(start, _welcome)


def _welcome(ready: Ready) -> None:
    """Everything that a new user needs to paste, and no more."""
    host = "127.0.0.1" if ready.host in {"0.0.0.0", "::"} else ready.host  # noqa: S104 - only shown
    if ":" in host:
        host = f"[{host}]"
    url = f"http://{host}:{ready.port}"
    key = ready.first_key.key if ready.first_key is not None else "$KILO_GATEWAY_KEY"
    lines = [
        f"Kilo Gateway serves on {url}",
        f"  upstreams  {', '.join(ready.upstreams) or 'none yet'}",
    ]
    if ready.local_model_problem:
        lines.append(f"  local      {ready.local_model_problem}")
    if ready.first_key is not None:
        lines += [
            f"  API key    {key}",
            "             shown this once: keep it. `kilo-gateway keys create NAME` makes more.",
        ]
    else:
        lines.append(
            "  API key    made at the first start; `kilo-gateway keys create NAME` makes another."
        )
    lines += ["", *_recipes(url, key), ""]
    typer.echo("\n".join(lines))


def _recipes(url: str, key: str) -> list[str]:
    body = '{"model":"kilo/auto","stream":true,"messages":[{"role":"user","content":"Say hello."}]}'
    return [
        "curl",
        f'  curl -N {url}/v1/chat/completions -H "Authorization: Bearer {key}" \\',
        f"    -H 'Content-Type: application/json' -d '{body}'",
        "OpenAI SDK",
        f"  OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={key} python your_script.py",
        "genesis",
        f"  KILOCODE_API_KEY={key} genesis onboard --base-url {url}/api/gateway/",
        "Kilo CLI",
        f"  KILO_API_URL={url} KILO_API_KEY={key} kilo run -m kilo/kilo/auto 'Say hello.'",
        "Claude Code",
        f"  ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY={key} claude",
    ]
