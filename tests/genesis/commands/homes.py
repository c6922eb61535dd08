"""A user's folder with `genesis models` run in it, as a user runs it, with files of its own and no network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from genesis.commands.installation import Installation, open_installation
from genesis.main import main

NOWHERE = "http://127.0.0.1:9/api/gateway/"
CFG_MIN: dict[str, Any] = {
    "env": {"KILOCODE_API_KEY": "kk-test"},
    "agents": {"defaults": {"model": {"primary": "kilocode/kilo/auto"}}},
}
AUTO = {
    "id": "kilo/auto",
    "name": "Kilo: Auto",
    "context_length": 1_000_000,
    "architecture": {"input_modalities": ["text", "image"]},
    "pricing": {"prompt": "0.000005", "completion": "0.000025"},
}
SONNET = AUTO | {"id": "anthropic/claude-sonnet-4", "name": "Sonnet", "context_length": 200_000}


CODEX: dict[str, Any] = {
    "models": {
        "providers": {
            "codex": {
                "baseUrl": "http://127.0.0.1:9",
                "models": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}],
            }
        }
    },
    "agents": {
        "defaults": {
            "model": {"primary": "codex/a", "fallbacks": ["codex/b"]},
            "models": {"codex/a": {"alias": "Codex"}, "codex/b": {}},
        }
    },
}


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


class Home:
    """A user's folder, and commands run in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.state = folder / ".genesis"
        self.config = self.state / "genesis.json"
        self._capsys = capsys

    def configure(self, content: Any, base_url: str | None = None) -> "Home":
        if base_url is not None:
            content = content | {"models": {"providers": {"kilocode": {"baseUrl": base_url, "models": []}}}}  # fmt: skip
        self.state.mkdir(exist_ok=True, mode=0o700)
        self.config.write_bytes(msgspec.json.encode(content))
        return self

    def store(self, name: str, provider: str, key: str) -> None:
        path = self.state / "agents" / "main" / "agent" / "auth-profiles.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        known = msgspec.json.decode(path.read_bytes())["profiles"] if path.exists() else {}
        known[name] = {"type": "api_key", "provider": provider, "key": key}
        path.write_bytes(msgspec.json.encode({"version": 1, "profiles": known}))

    def written(self) -> Any:
        return msgspec.json.decode(self.config.read_bytes())

    def run(self, *words: str) -> Result:
        self._capsys.readouterr()
        code = main(["models", *words])
        told = self._capsys.readouterr()
        return Result(code, told.out, told.err)

    def open(self, **environ: str) -> Installation:
        """What commands know of it."""
        return open_installation({"HOME": str(self.folder), **environ}, pytest.fail)
