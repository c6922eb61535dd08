"""The daemon's systemd user unit, and the environment that it gets (genesis.md 14.2)."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from genesis.auth.profiles import Profile
from genesis.config.dotenv import safe_name
from genesis.config.environment import service_variables
from genesis.config.files import write_private
from genesis.config.load import Loaded
from genesis.config.paths import HOME_VARIABLE, Paths, account_home

UNIT = "genesis-gateway.service"
SYSTEMCTL_S = 30


def unit_path(environ: Mapping[str, str]) -> Path:
    """Where systemd looks for the unit: in the user's own settings, wherever the state of Genesis is."""
    chosen = environ.get("XDG_CONFIG_HOME", "")
    home = environ.get("HOME", "").strip()
    base = Path(chosen) if chosen.startswith("/") else _home(home) / ".config"
    return base / "systemd" / "user" / UNIT


def environment_path(paths: Paths) -> Path:
    """Where its environment is: a private file, since it may hold keys."""
    return paths.state_dir / "gateway.service.env"


def service_environment(loaded: Loaded, profiles: Mapping[str, Profile]) -> dict[str, str]:
    """What the service gets: the state folder's `.env`, the settings' `env` block over it, and the variables that
    stored keys and the settings' token refer to. Not this terminal's environment."""
    found = service_variables(loaded.paths, loaded.raw)
    auth = loaded.settings.gateway.auth
    names = [profile.key_env for profile in profiles.values()]
    names += [one.ref.id for one in (auth.token, auth.password) if one is not None and one.ref]
    for name in names:
        if name and name in loaded.environ:
            found[name] = loaded.environ[name]
    return {
        name: value
        for name, value in found.items()
        if safe_name(name) and value.strip() and not set("\n\r\0") & set(value)
    }


def unit_text(paths: Paths, environ: Mapping[str, str]) -> str:
    """The unit file."""
    places = (
        (HOME_VARIABLE, paths.home, _home(environ.get("HOME", "").strip())),
        ("GENESIS_STATE_DIR", paths.state_dir, paths.home / ".genesis"),
        ("GENESIS_CONFIG_PATH", paths.config_path, paths.state_dir / "genesis.json"),
    )
    environment = "".join(
        f"Environment={_word(f'{name}={here}')}\n" for name, here, usual in places if here != usual
    )
    return (
        "[Unit]\n"
        "Description=Genesis gateway: sessions of the terminal agent\n"
        "After=network-online.target\n\n"
        "[Service]\n"
        f"ExecStart={_word(sys.executable)} -m genesis.main gateway run\n"
        f"EnvironmentFile=-{_escaped(str(environment_path(paths)))}\n"
        f"{environment}"
        "Restart=on-failure\n"
        "RestartSec=5\n"
        "TimeoutStopSec=20\n\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def install(
    loaded: Loaded, profiles: Mapping[str, Profile], environ: Mapping[str, str]
) -> list[str]:
    """Write both files and start the service; sentences about what was done and what is left to do."""
    paths, unit = loaded.paths, unit_path(environ)
    rows = service_environment(loaded, profiles)
    write_private(
        environment_path(paths), "".join(f"{name}={_quoted(rows[name])}\n" for name in rows)
    )
    write_private(unit, unit_text(paths, environ))
    told = [f"Wrote {paths.shown(unit)}", f"Wrote {paths.shown(environment_path(paths))}"]
    commands = [["daemon-reload"], ["enable", UNIT], ["restart", UNIT]]
    done = (
        "Started it; it starts with your login from now on. To let it run without a login: "
        "loginctl enable-linger"
    )
    return told + _systemctl(commands, done)


def uninstall(paths: Paths, environ: Mapping[str, str]) -> list[str]:
    """Stop the service and remove both files."""
    unit = unit_path(environ)
    told = _systemctl([["disable", "--now", UNIT]], "Stopped it.") if unit.exists() else []
    for path in (unit, environment_path(paths)):
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
    for number, words in enumerate(commands):
        problem = _problem([program, "--user", *words])
        if problem:
            return [
                f"`{lines[number]}` failed: {problem}. When a user session of systemd is there, run:",
                *(f"  {line}" for line in lines[number:]),
            ]
    return [success]


def _problem(command: list[str]) -> str:
    """What went wrong with a command; nothing if it worked."""
    try:
        done = subprocess.run(  # noqa: S603 - found on PATH, fixed words
            command, capture_output=True, text=True, check=False, timeout=SYSTEMCTL_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stderr.strip().rstrip(".")[:300]
    return (said or f"code {done.returncode}") if done.returncode else ""


def _home(text: str) -> Path:
    return Path(text) if text else account_home()


def _escaped(text: str) -> str:
    """A text in a unit file, where % begins a specifier."""
    return text.replace("%", "%%")


def _word(text: str) -> str:
    """One word of a unit file's line."""
    return _escaped(_quoted(text))


def _quoted(value: str) -> str:
    """A value in quotes, as in an environment file."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
