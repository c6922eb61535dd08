"""The programs that are measured: how each is started, found ready and stopped."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from machine import cpu_s, first_line, free_port

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
CONF = HERE / "conf"
LITELLM_KEY = "sk-test"
_START_LIMIT_S = {"litellm": 180.0}


class SkippedError(Exception):
    """A target cannot be measured here; the text says why."""


@dataclass(slots=True)
class Running:
    """A started program: where it answers, and with which key."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    key: str = ""
    model: str = "mock"
    cold_start: dict[str, float] = field(default_factory=dict)
    home: Path | None = None
    environ: dict[str, str] | None = None

    @property
    def pid(self) -> int:
        """Its root process."""
        return self.process.pid

    def stop(self) -> None:
        """Ask it to end; end it if it does not."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Bench:
    """One run of the benchmarks: its directory, and every process that it must end."""

    directory: Path
    upstream: int = 0
    quiet: int = 0
    running: list[Running] = field(default_factory=list)

    def stop_all(self) -> None:
        """End what runs, the last started first."""
        while self.running:
            self.running.pop().stop()

    def stop(self, target: Running) -> None:
        """End one."""
        target.stop()
        self.running.remove(target)

    def start(  # one call for every program
        self,
        name: str,
        command: list[str],
        port: int,
        *,
        key: str = "",
        environ: dict[str, str] | None = None,
        model: str = "mock",
        key_in_output: str = "",
    ) -> Running:
        """Start a program and wait until it has answered one call, whose time from the start is its cold start.

        `key_in_output`: the program prints its key, with this prefix.
        """
        output = self.directory / f"{name}.out"
        with output.open("wb") as out, (self.directory / f"{name}.err").open("wb") as log:
            began = time.monotonic()
            process = subprocess.Popen(
                command,
                stdout=out,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=environ,
                cwd=self.directory,
                start_new_session=True,
            )
        target = Running(name, process, port, key, model, environ=environ)
        self.running.append(target)
        limit = began + _START_LIMIT_S.get(name, 30.0)
        while True:
            if key_in_output and not target.key:
                target.key = _word_in(output, key_in_output)
            if (target.key or not key_in_output) and answers(target):
                target.cold_start = {"s": time.monotonic() - began, "cpu_s": cpu_s(process.pid)}
                return target
            if process.poll() is not None or time.monotonic() > limit:
                text = (self.directory / f"{name}.err").read_text(errors="replace")[-2000:]
                raise SkippedError(f"{name} did not start: {text or 'no output'}")
            time.sleep(0.002)


def answers(target: Running) -> bool:
    """Whether one small call is answered with status 200."""
    body = (
        f'{{"model":"{target.model}","messages":[{{"role":"user","content":"Hi"}}],"max_tokens":8}}'
    )
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {target.key}\r\n"
        f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    try:
        with socket.create_connection(("127.0.0.1", target.port), timeout=30) as connection:
            connection.sendall(request.encode())
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def build() -> None:
    """Compile the mock upstream and the load generator."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise SystemExit("benchmarks need a C compiler (cc)")
    BUILD.mkdir(exist_ok=True)
    for name in ("mock", "load"):
        source, program = HERE / f"{name}.c", BUILD / name
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            command = [compiler, "-O2", "-pthread", "-o", str(program), str(source)]
            subprocess.run(command, check=True)


def start_direct(bench: Bench) -> Running:
    """The mock upstream itself; and a second one, for the streams that are looked at while the first is busy."""
    bench.quiet = free_port()
    bench.start("quiet", [str(BUILD / "mock"), str(bench.quiet)], bench.quiet)
    bench.upstream = free_port()
    return bench.start("direct", [str(BUILD / "mock"), str(bench.upstream)], bench.upstream)


def start_nginx(bench: Bench) -> Running:
    """nginx, one worker."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise SkippedError("nginx is not installed")
    port = free_port()
    conf = _configure(bench, "nginx.conf", port)
    return bench.start("nginx", [program, "-c", str(conf), "-e", "stderr"], port)


def start_kilo(bench: Bench) -> Running:
    """Our gateway with everything on but a line per call, as nginx is measured without its access log."""
    return _start_serve(bench, "kilo", call_log="false")


def start_kilo_log(bench: Bench) -> Running:
    """Our gateway with its call log on too."""
    return _start_serve(bench, "kilo-log", call_log="true")


def _start_serve(bench: Bench, name: str, call_log: str) -> Running:
    """`kilo-gateway serve`, with a home of its own that has been in use."""
    port = free_port()
    conf = _configure(bench, "kilo.toml", port, name=f"{name}.toml", call_log=call_log)
    home = bench.directory / f"{name}-home"
    environ = _environ(home)
    key = first_line_of_key(environ, conf)
    command = [program_of_ours(), "serve", "--config", str(conf)]
    first = bench.start(name, command, port, key=key, environ=environ)
    bench.stop(first)  # the first start of a home makes its database: it is measured by itself
    target = bench.start(name, command, port, key=key, environ=environ)
    target.home = home
    return target


def start_kilo_up(bench: Bench, home: Path) -> Running:
    """`kilo-gateway up --no-local-model` in an empty home: it prints its key, the simulator answers."""
    port = free_port()
    command = [program_of_ours(), "up", "--no-local-model", "--port", str(port)]
    return bench.start(
        "kilo-up",
        command,
        port,
        environ=_environ(home),
        model="sim/echo",
        key_in_output="kg_live_",
    )


def start_litellm(bench: Bench) -> Running:
    """LiteLLM's proxy with one worker, from a venv of its own."""
    port = free_port()
    conf = _configure(bench, "litellm.yaml", port)
    environ = _environ(bench.directory) | {
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    command = [str(install_litellm()), "--config", str(conf), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", "1"]
    return bench.start("litellm", command, port, key=LITELLM_KEY, environ=environ)


START: dict[str, Callable[[Bench], Running]] = {
    "direct": start_direct,
    "nginx": start_nginx,
    "kilo": start_kilo,
    "kilo-log": start_kilo_log,
    "litellm": start_litellm,
}


def program_of_ours() -> str:
    """The gateway's program, from the environment that runs the benchmarks."""
    program = Path(sys.executable).with_name("kilo-gateway")
    if not program.exists():
        raise SystemExit("run this with the project's .venv/bin/python (make bench does)")
    return str(program)


def first_line_of_key(environ: dict[str, str], conf: Path) -> str:
    """A key made as people make one."""
    command = [program_of_ours(), "keys", "create", "bench", "--config", str(conf)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return next(word for word in done.stdout.split() if word.startswith("kg_live_"))


def metered(target: Running) -> str:
    """What `kilo-gateway usage` counted, as JSON text: proof that metering was on."""
    if target.home is None:
        return ""
    command = [program_of_ours(), "usage", "--json", "--config"]
    command.append(str(target.home.parent / "kilo.toml"))
    environ = _environ(target.home)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return done.stdout


def install_litellm() -> Path:
    """LiteLLM's program; installed first if it is missing (some hundred megabytes)."""
    venv = BUILD / "litellm-venv"
    program = venv / "bin" / "litellm"
    if program.exists():
        return program
    print("installing LiteLLM into benchmarks/build/litellm-venv", file=sys.stderr, flush=True)
    wanted = ["-r", str(HERE / "requirements-litellm.txt")]
    python = str(venv / "bin" / "python")
    uv = shutil.which("uv")
    if uv is not None:
        make = [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)]
        install = [uv, "pip", "install", "--quiet", "--python", python, *wanted]
    else:
        make = [sys.executable, "-m", "venv", str(venv)]
        install = [python, "-m", "pip", "install", "--quiet", *wanted]
    try:
        subprocess.run(make, check=True)
        subprocess.run(install, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SkippedError(f"LiteLLM could not be installed: {error}") from error
    return program


def versions(names: list[str]) -> dict[str, str]:
    """The version of each measured program."""
    asked = {
        "nginx": [shutil.which("nginx") or "/usr/sbin/nginx", "-v"],
        "kilo": [sys.executable, "-c", "import kilo_gateway; print(kilo_gateway.__version__)"],
        "litellm": [str(BUILD / "litellm-venv" / "bin" / "litellm"), "--version"],
    }
    return {name: first_line(asked[name]) for name in names if name in asked}


def _configure(
    bench: Bench, template: str, port: int, *, name: str = "", call_log: str = ""
) -> Path:
    """A configuration made from its template, in a file of that name, or of the template's."""
    text = (CONF / template).read_text()
    values = {"RUNDIR": bench.directory, "UPSTREAM": bench.upstream, "PORT": port}
    values["QUIET"] = bench.quiet or bench.upstream
    for word, value in {**values, "KEY": LITELLM_KEY, "CALL_LOG": call_log}.items():
        text = text.replace(f"@{word}@", str(value))
    path = bench.directory / (name or template)
    path.write_text(text)
    return path


def _environ(home: Path) -> dict[str, str]:
    """Nothing of the user's: no upstream is found in his environment, no state of his is touched."""
    home.mkdir(exist_ok=True)
    names = (
        "PATH",
        "LANG",
        "TMPDIR",
        "PYTHONPATH",
    )  # the last one: to measure another tree of ours
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {"HOME": str(home), "KILO_GATEWAY_HOME": str(home)}


def _word_in(path: Path, prefix: str) -> str:
    words = path.read_text(errors="replace").split()
    return next((word for word in words if word.startswith(prefix)), "")


def end_on_signals() -> None:
    """SIGTERM ends the benchmarks as Ctrl-C does, so that what they started ends with them."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
