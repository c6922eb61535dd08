"""`genesis gateway`: the daemon, run here, started apart, stopped, asked after, installed."""

import asyncio
import os
import sys
from collections import deque
from contextlib import aclosing
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from genesis import __version__
from genesis.auth.profiles import Profiles
from genesis.commands.light_command import LightCommand, LightGroup
from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.config.shell_env import RememberedShell
from genesis.core.fault import GenesisError
from genesis.core.refs import ModelRef
from genesis.core.secret import Secret

if TYPE_CHECKING:
    from socket import socket

    from genesis.daemon.access import Access
    from genesis.daemon.process import Claim

LOOK_S = 2.0
NOT_RUNNING = "The daemon does not run. `genesis gateway start` starts it."
RESTART = "Restart it: genesis gateway stop, then start."
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Unconfigured = Annotated[
    bool, typer.Option("--allow-unconfigured", help='Start although gateway.mode is not "local".')
]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        cls=LightGroup,
        help="The daemon: holds sessions so that several terminals share them.",
        no_args_is_help=True,
    )
    for command in (run, start, stop, status, logs, install, uninstall):
        group.command(command.__name__, cls=LightCommand)(command)
    app.add_typer(group, name="gateway")


def run(allow_unconfigured: Unconfigured = False) -> None:
    """Run the daemon in this terminal, until Ctrl-C."""
    from genesis.daemon import process
    from genesis.daemon.serving import listen

    shell = RememberedShell()
    paths, loaded = _loaded(shell)
    access = _access(loaded, allow_unconfigured=allow_unconfigured)
    own = None
    if access.secret is None and loaded.settings.gateway.auth.mode != "none":
        own = token_hex(24)  # clients of this user find it beside the port
        access = replace(access, secret=Secret(own))
    with process.claimed(paths) as claim, listen(access) as door:
        # The folder that it was started in is not the daemon's: its `.env` would be read.
        os.chdir(paths.state_dir)
        asyncio.run(_serve(access, own, claim, door, shell))


def start(allow_unconfigured: Unconfigured = False) -> None:
    """Start the daemon apart from this terminal."""
    from genesis.daemon import process

    paths, loaded = _loaded()
    _access(loaded, allow_unconfigured=allow_unconfigured)
    found = process.running(paths)
    if found is None:
        found = process.start(paths, ["--allow-unconfigured"] if allow_unconfigured else [])
        told = "Started the daemon"
    else:
        told = "The daemon runs already"
    sys.stdout.write(f"{told} (pid {found.pid}) on {found.access(None).url}.\n")


def stop() -> None:
    """Stop the daemon; running turns get 10 seconds."""
    from genesis.daemon import process

    told = "Stopped the daemon." if process.stop(Paths.of(os.environ)) else NOT_RUNNING
    sys.stdout.write(f"{told}\n")


def status(json: Json = False) -> None:
    """Whether the daemon runs and answers. Exit code 1 if not."""
    from genesis.daemon import process, service

    paths, loaded = _loaded()
    if loaded.settings.gateway.mode == "remote":
        _tell_remote(loaded, is_json=json)
        return
    found = process.running(paths)
    access = _access(loaded)
    if found is not None:
        access = found.access(access.secret)
    health = health_of(access) if found is not None else None
    problem = _problem(health) if found is not None else NOT_RUNNING
    if json:
        facts = {
            "running": found is not None,
            "pid": found.pid if found is not None else None,
            "answers": health is not None,
            "usable": not problem,
            "url": access.url,
            "auth": loaded.settings.gateway.auth.mode,
            "version": (health or {}).get("version"),
            "installed": service.unit_path(os.environ).exists(),
            "log": str(process.log_file(paths)),
        }
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    elif found is not None:
        sys.stdout.write(f"The daemon runs (pid {found.pid}) on {access.url}.\n")
    if problem and not json:
        sys.stdout.write(f"{problem}\n")
    if problem:
        raise typer.Exit(1)


def logs(
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many.", min=1)] = 50,
) -> None:
    """The last lines of the daemon's log."""
    from genesis.daemon import process, service

    log = process.log_file(Paths.of(os.environ))
    if log.exists():
        with log.open(encoding="utf-8", errors="replace") as file:
            sys.stdout.writelines(deque(file, maxlen=lines))
    elif service.unit_path(os.environ).exists():
        raise GenesisError(
            f"systemd keeps the daemon's log: journalctl --user -u {service.UNIT} -n {lines}"
        )
    else:
        raise GenesisError("There is no log: the daemon was not started in the background yet.")


def install() -> None:
    """Let systemd run the daemon from your login on."""
    from genesis.daemon import process, service

    paths, loaded = _loaded()
    _access(loaded, allow_unconfigured=False)
    if not service.unit_path(os.environ).exists() and process.stop(paths):
        sys.stdout.write("Stopped the daemon that ran: systemd starts its own.\n")
    for line in service.install(loaded, Profiles(paths.auth_profiles).load(), os.environ):
        sys.stdout.write(f"{line}\n")


def uninstall() -> None:
    """Undo `install`."""
    from genesis.daemon import service

    for line in service.uninstall(Paths.of(os.environ), os.environ):
        sys.stdout.write(f"{line}\n")


def _tell_remote(loaded: Loaded, *, is_json: bool) -> None:
    """Whether the daemon elsewhere can be used. Exit code 1 if not."""
    from genesis.daemon.remote import problem_of, remote_of

    remote = remote_of(loaded, os.environ)
    problem = asyncio.run(problem_of(remote))
    if is_json:
        facts = {"mode": "remote", "url": remote.url, "usable": not problem, "problem": problem}
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    else:
        told = problem or f"The daemon elsewhere runs on {remote.url} (gateway.mode is remote)."
        sys.stdout.write(f"{told}\n")
    if problem:
        raise typer.Exit(1)


async def _serve(
    access: "Access", own: str | None, claim: "Claim", door: "socket", shell: RememberedShell
) -> None:
    """Compose the daemon and serve until it is stopped. `own` is its token where the settings have none."""
    from genesis.app import Genesis
    from genesis.daemon.completions import Choices, Completions
    from genesis.daemon.freshness import Freshness
    from genesis.daemon.process import Running
    from genesis.daemon.server import Server
    from genesis.daemon.serving import Serving
    from genesis.daemon.turns import Places
    from genesis.failover.redact import redacted
    from genesis.screen.hangup import Terminals

    genesis = Genesis.open(os.environ, warn=_warn, shell=shell)
    paths, places = genesis.paths, Places()
    refresh = Freshness((paths.config_path, paths.dotenv), genesis.reload, sys.stderr.write)

    def resolve(name: str) -> ModelRef:
        return genesis.conversation.facts.resolve(name)  # a reload puts others in their place

    def log(text: str) -> None:
        sys.stderr.write(redacted(text, *genesis.sources.secrets_for_logs()))

    choices = Choices(
        models=lambda: genesis.sources,
        resolve=resolve,
        references=lambda: list(genesis.sources.catalog().references()),
    )
    completions = Completions(choices, places, refresh=refresh)
    server = Server(
        genesis.conversation, completions.routes(), places=places, refresh=refresh, log=log
    )
    host, port = door.getsockname()[:2]
    at = replace(access, host=host, port=port)

    def ready() -> None:
        claim.publish(Running(os.getpid(), at.host, at.port, own))
        sys.stdout.write(f"Genesis gateway {__version__} on {at.url} (pid {os.getpid()})\n")
        sys.stdout.flush()

    async with aclosing(genesis):
        serving = Serving(
            server.app(at),
            server.turns,
            ready=ready,
            reload=refresh.reload,
            terminals=Terminals(sys.stdin, sys.stdout, sys.stderr),
        )
        await serving.serve(sockets=[door])
    sys.stdout.write("Genesis gateway has stopped.\n")


def health_of(access: "Access") -> dict[str, object] | None:
    """What a daemon of Genesis tells of itself there; None if none answers. The pid is told to those who are let in."""
    from genesis.daemon import client

    return asyncio.run(client.health_of(access, LOOK_S))


def _problem(health: dict[str, object] | None) -> str:
    """Why a daemon that runs is of no use; nothing if it is."""
    if health is None:
        return "It does not answer. `genesis gateway logs` may tell why."
    if "pid" not in health:
        return f"It has another token than the settings. {RESTART}"
    if health.get("version") != __version__:
        return f"It is of version {health.get('version')}, this is {__version__}. {RESTART}"
    return ""


def _loaded(shell: RememberedShell | None = None) -> tuple[Paths, Loaded]:
    paths = Paths.of(os.environ)
    return paths, load(paths, os.environ, warn=_warn, run_shell=shell).require()


def _access(loaded: Loaded, *, allow_unconfigured: bool = True) -> "Access":
    from genesis.daemon.access import access_of

    return access_of(loaded, allow_unconfigured=allow_unconfigured)


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")
