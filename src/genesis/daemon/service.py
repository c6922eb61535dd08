"""The daemon's systemd user unit, and the environment that it gets (genesis.md 14.2)."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from genesis.auth.profiles import Profile
from genesis.config.dotenv import read_dotenv, safe_name
from genesis.config.environment import block_variables
from genesis.config.files import write_private
from genesis.config.load import Loaded
from genesis.config.paths import Paths

UNIT = "genesis-gateway.service"


def unit_path(paths: Paths) -> Path:
    """Where the unit is."""
    return paths.home / ".config" / "systemd" / "user" / UNIT


def environment_path(paths: Paths) -> Path:
    """Where its environment is: a private file, since it may hold keys."""
    return paths.state_dir / "gateway.service.env"


def service_environment(loaded: Loaded, profiles: Mapping[str, Profile]) -> dict[str, str]:
    """What the service gets: the state folder's `.env`, the settings' `env` block over it, and the variables that
    stored keys refer to. Not this terminal's environment."""
    found = read_dotenv(loaded.paths.dotenv) | block_variables(loaded.raw.get("env"))
    for profile in profiles.values():
        if profile.key_env and profile.key_env in loaded.environ:
            found[profile.key_env] = loaded.environ[profile.key_env]
    return {
        name: value
        for name, value in found.items()
        if safe_name(name) and value.strip() and "\n" not in value
    }


def unit_text(paths: Paths) -> str:
    """The unit file."""
    environment = "".join(
        f'Environment="{name}={value}"\n'
        for name, value in (
            ("GENESIS_STATE_DIR", paths.state_dir),
            ("GENESIS_CONFIG_PATH", paths.config_path),
        )
        if value not in {paths.home / ".genesis", paths.state_dir / "genesis.json"}
    )
    return (
        "[Unit]\n"
        "Description=Genesis gateway: sessions of the terminal agent\n"
        "After=network-online.target\n\n"
        "[Service]\n"
        f"ExecStart={sys.executable} -m genesis.main gateway run\n"
        f"EnvironmentFile=-{environment_path(paths)}\n"
        f"{environment}"
        "Restart=on-failure\n"
        "RestartSec=5\n"
        "TimeoutStopSec=20\n\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def install(loaded: Loaded, profiles: Mapping[str, Profile]) -> list[str]:
    """Write both files and start the service; sentences about what was done and what is left to do."""
    paths = loaded.paths
    rows = service_environment(loaded, profiles)
    quoted = [f'{name}="{_escaped(value)}"\n' for name, value in rows.items()]
    write_private(environment_path(paths), "".join(quoted))
    write_private(unit_path(paths), unit_text(paths))
    told = [f"Wrote {paths.shown(unit_path(paths))}"]
    commands = [["daemon-reload"], ["enable", "--now", UNIT]]
    return told + _systemctl(commands, "Started it; it starts with your login from now on.")


def uninstall(paths: Paths) -> list[str]:
    """Stop the service and remove both files."""
    told = (
        _systemctl([["disable", "--now", UNIT]], "Stopped it.") if unit_path(paths).exists() else []
    )
    for path in (unit_path(paths), environment_path(paths)):
        if path.exists():
            path.unlink()
            told.append(f"Removed {paths.shown(path)}")
    return told or ["It is not installed."]


def _systemctl(commands: list[list[str]], success: str) -> list[str]:
    program = shutil.which("systemctl")
    lines = [f"systemctl --user {' '.join(words)}" for words in commands]
    if program is None:
        return [
            "There is no systemctl here. Where there is one, run:",
            *(f"  {line}" for line in lines),
        ]
    for words, line in zip(commands, lines, strict=True):
        done = subprocess.run(  # noqa: S603 - found on PATH, fixed words
            [program, "--user", *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return [
                f"`{line}` failed: {done.stderr.strip()[:300] or done.returncode}. Run it yourself when a user session is there."
            ]
    return [success]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
