"""Paths: every file and folder of Genesis, decided once from the environment."""

import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from os import getuid
from pathlib import Path

HOME_VARIABLE = "GENESIS_HOME"
STATE_VARIABLE = "GENESIS_STATE_DIR"
CONFIG_VARIABLE = "GENESIS_CONFIG_PATH"


@dataclass(frozen=True)
class Paths:
    """Where things are. `gateway_env` is None when the state folder was chosen by hand (genesis.md 14)."""

    home: Path
    state_dir: Path
    config_path: Path
    agent_dir: Path
    sessions_dir: Path
    workspace_default: Path
    dotenv: Path
    gateway_env: Path | None
    logs: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Paths":
        """The paths that this environment asks for; `~` at the front of an override is the home folder."""
        home = _home(environ)
        chosen = environ.get(STATE_VARIABLE, "").strip()
        state_dir = _expanded(chosen, home) if chosen else home / ".genesis"
        config = environ.get(CONFIG_VARIABLE, "").strip()
        agent = state_dir / "agents" / "main"
        return cls(
            home=home,
            state_dir=state_dir,
            config_path=_expanded(config, home) if config else state_dir / "genesis.json",
            agent_dir=agent / "agent",
            sessions_dir=agent / "sessions",
            workspace_default=state_dir / "workspace",
            dotenv=state_dir / ".env",
            gateway_env=None if chosen else home / ".config" / "genesis" / "gateway.env",
            logs=state_dir / "logs",
        )

    @property
    def auth_profiles(self) -> Path:
        """The store of keys."""
        return self.agent_dir / "auth-profiles.json"

    @property
    def auth_state(self) -> Path:
        """What is known of the keys' failures and uses; holds no key."""
        return self.agent_dir / "auth-state.json"

    @property
    def models_file(self) -> Path:
        """The catalog as it was last discovered."""
        return self.agent_dir / "models.json"

    def shown(self, path: Path) -> str:
        """The path as people read it: `~` instead of the home folder."""
        try:
            return f"~/{path.relative_to(self.home)}"
        except ValueError:
            return str(path)

    def expand(self, text: str) -> Path:
        """A path of the settings: `~` is the home folder, a relative one starts there too."""
        return _expanded(text, self.home)


def account_home() -> Path:
    """The home folder that the system has on record for this user, whatever HOME says."""
    return Path(pwd.getpwuid(getuid()).pw_dir)


def _home(environ: Mapping[str, str]) -> Path:
    account = environ.get("HOME", "").strip()
    base = Path(account) if account else account_home()
    chosen = environ.get(HOME_VARIABLE, "").strip()
    return _expanded(chosen, base) if chosen else base


def _expanded(text: str, home: Path) -> Path:
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return home / text if not text.startswith("/") else Path(text)
