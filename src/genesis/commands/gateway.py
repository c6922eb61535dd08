"""`genesis gateway`: the daemon, run here, started apart, stopped, asked after, installed."""

import asyncio
import os
import sys
from collections import deque
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from genesis import __version__
from genesis.auth.profiles import Profiles
from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError

if TYPE_CHECKING:
    from genesis.daemon.access import Access

DRAIN_S = 10
LOOK_S = 0.5
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Unconfigured = Annotated[
    bool, typer.Option("--allow-unconfigured", help='Start although gateway.mode is not "local".')
]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        help="The daemon: holds sessions so that several terminals share them.",
        no_args_is_help=True,
    )
    for command in (run, start, stop, status, logs, install, uninstall):
        group.command(command.__name__)(command)
    app.add_typer(group, name="gateway")


def run(allow_unconfigured: Unconfigured = False) -> None:
    """Run the daemon in this terminal, until Ctrl-C."""
    import uvicorn

    from genesis.app import Genesis
    from genesis.daemon import process
    from genesis.daemon.completions import Completions
    from genesis.daemon.server import Server

    paths, loaded = _loaded()
    access = _access(loaded, allow_unconfigured=allow_unconfigured)
    if process.running_pid(paths) not in {None, os.getpid()}:
        raise GenesisError(f"The daemon runs already (pid {process.running_pid(paths)}).")

    async def serve() -> bool:
        genesis = Genesis.open(os.environ, warn=_warn)
        door = Completions(genesis.sources, lambda: genesis.sources.catalog().references())
        app = Server(genesis.conversation, door.routes()).app(access)
        config = uvicorn.Config(
            app,
            host=access.host,
            port=access.port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=DRAIN_S,
            server_header=False,
        )
        server = uvicorn.Server(config)
        try:
            await server.serve()
        finally:
            await genesis.aclose()
        return server.started

    process.write_pid(paths)
    sys.stdout.write(f"Genesis gateway {__version__} on {access.url} (pid {os.getpid()})\n")
    sys.stdout.flush()
    try:
        if not asyncio.run(serve()):
            raise typer.Exit(1)
    except SystemExit:
        raise GenesisError(
            f"The daemon could not listen on {access.url}: the port is taken, or the address is not this machine's. "
            "Choose another with `genesis config set gateway.port <number>`."
        ) from None
    finally:
        process.forget_pid(paths)


def start(allow_unconfigured: Unconfigured = False) -> None:
    """Start the daemon apart from this terminal."""
    from genesis.daemon import process

    paths, loaded = _loaded()
    access = _access(loaded, allow_unconfigured=allow_unconfigured)
    pid = process.running_pid(paths)
    if pid is not None:
        sys.stdout.write(f"The daemon runs already (pid {pid}) on {access.url}.\n")
        return
    arguments = ["--allow-unconfigured"] if allow_unconfigured else []
    pid = process.start(paths, arguments, lambda: is_healthy(access))
    sys.stdout.write(f"Started the daemon (pid {pid}) on {access.url}.\n")


def stop() -> None:
    """Stop the daemon; running turns get 10 seconds."""
    from genesis.daemon import process

    paths, _ = _loaded()
    told = "Stopped the daemon." if process.stop(paths) else "The daemon does not run."
    sys.stdout.write(f"{told}\n")


def status(json: Json = False) -> None:
    """Whether the daemon runs and answers. Exit code 1 if not."""
    from genesis.daemon import process, service

    paths, loaded = _loaded()
    access = _access(loaded, allow_unconfigured=True)
    pid = process.running_pid(paths)
    answers = is_healthy(access)
    if json:
        facts = {
            "running": pid is not None,
            "pid": pid,
            "answers": answers,
            "url": access.url,
            "auth": loaded.settings.gateway.auth.mode,
            "installed": service.unit_path(paths).exists(),
            "log": str(process.log_file(paths)),
        }
        sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    else:
        runs = f"runs (pid {pid})" if pid is not None else "does not run"
        sys.stdout.write(
            f"The daemon {runs} and {'answers' if answers else 'does not answer'} on {access.url}.\n"
        )
    if not answers:
        raise typer.Exit(1)


def logs(
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many.", min=1)] = 50,
) -> None:
    """The last lines of the daemon's log."""
    from genesis.daemon import process

    paths, _ = _loaded()
    try:
        with process.log_file(paths).open(encoding="utf-8", errors="replace") as file:
            sys.stdout.writelines(deque(file, maxlen=lines))
    except FileNotFoundError:
        raise GenesisError(
            "There is no log: the daemon was not started in the background yet."
        ) from None


def install() -> None:
    """Let systemd run the daemon from your login on."""
    from genesis.daemon import service

    paths, loaded = _loaded()
    _access(loaded, allow_unconfigured=False)
    for line in service.install(loaded, Profiles(paths.auth_profiles).load()):
        sys.stdout.write(f"{line}\n")


def uninstall() -> None:
    """Undo `install`."""
    from genesis.daemon import service

    paths, _ = _loaded()
    for line in service.uninstall(paths):
        sys.stdout.write(f"{line}\n")


def is_healthy(access: "Access") -> bool:
    """Whether a daemon of Genesis answers there."""
    import httpx

    try:
        answer = httpx.get(f"{access.url}/health", timeout=LOOK_S, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and b'"genesis"' in answer.content


def _loaded() -> tuple[Paths, Loaded]:
    paths = Paths.of(os.environ)
    return paths, load(paths, os.environ, warn=_warn).require()


def _access(loaded: Loaded, *, allow_unconfigured: bool) -> "Access":
    from genesis.daemon.access import access_of

    return access_of(loaded, allow_unconfigured=allow_unconfigured)


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")
