"""Somebody who uses Genesis, for journeys."""

import os
import socket
import subprocess
import sys

import msgspec

GENESIS = [sys.executable, "-m", "genesis.main"]


class Person:
    """Somebody with a home, a project in it, and settings that name a gateway and a free port."""

    def __init__(self, home, gateway):
        self.project = home / "project"
        self.state = home / ".genesis"
        self.project.mkdir(parents=True)
        self.state.mkdir(mode=0o700)
        self.environ = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        provider = {"baseUrl": f"{gateway.url}/api/gateway/", "models": []}
        settings = {
            "gateway": {"mode": "local", "port": port, "auth": {"token": "ab" * 24}},
            "models": {"providers": {"kilocode": provider}},
            "agents": {"defaults": {"model": {"primary": "kilocode/sim/echo"}}},
        }
        (self.state / "genesis.json").write_bytes(msgspec.json.encode(settings))
        (self.state / ".env").write_text(f"KILOCODE_API_KEY={gateway.key}\n")

    def genesis(self, *words, said=None):
        done = subprocess.run(
            [*GENESIS, *words],
            env=self.environ,
            cwd=self.project,
            input=said,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr
