"""What is wrong with an installation's files, and how it is mended. Keys and the network are the command's own part."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from genesis.config import document
from genesis.config.files import BACKUPS, PRIVATE_DIR, PRIVATE_FILE, back_up, write_private
from genesis.config.load import Loaded, edit, issues_of
from genesis.config.paths import Paths
from genesis.config.setting_path import remove
from genesis.core.fault import ConfigError

Level = Literal["error", "warning", "note"]
STALE_DAYS = 7
# A session that is being written to may look torn for a moment.
_SETTLED_S = 10
_TAIL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. `cure` is what a person can do; `mend` does it and says what was done."""

    check: str
    level: Level
    message: str
    cure: str = ""
    mend: Callable[[], str] | None = field(default=None, repr=False)


def examine(loaded: Loaded, now_s: float) -> Iterator[Finding]:
    """All findings about files. What is mended can bring up more, so look again after a repair."""
    paths = loaded.paths
    yield from _settings(loaded)
    yield from _plain_keys(loaded)
    yield from _permissions(paths)
    yield from _catalog(paths, now_s)
    yield from _sessions(paths, now_s)


def _settings(loaded: Loaded) -> Iterator[Finding]:
    paths = loaded.paths
    shown = paths.shown(paths.config_path)
    for path, message in loaded.issues:
        if not path:
            yield _unreadable(paths, message)
        elif message.startswith("unknown key"):
            yield Finding(
                "config",
                "error",
                f"{shown}: {path}: {message}",
                f"`genesis config unset '{path}'`, or correct its name.",
                _Unset(paths, path),
            )
        else:
            cure = f"Correct it: `genesis config set '{path}' VALUE`, or unset it."
            yield Finding("config", "error", f"{shown}: {path}: {message}", cure)
    for warning in loaded.warnings:
        yield Finding("environment", "warning", warning)
    if loaded.ignored:
        yield Finding(
            "environment",
            "note",
            f"The .env of this folder may not set {', '.join(loaded.ignored)}, so that was passed over.",
            f"If you want it, put it in {paths.shown(paths.dotenv)}.",
        )


def _unreadable(paths: Paths, message: str) -> Finding:
    shown = paths.shown(paths.config_path)
    good = next((path for path in _backups(paths) if _is_good(path)), None)
    if good is None:
        return Finding("config", "error", f"{shown}: {message}", "Correct the file by hand.")
    return Finding(
        "config",
        "error",
        f"{shown}: {message}",
        f"Correct the file by hand, or take its last good copy, {paths.shown(good)}.",
        _Restore(paths, good),
    )


@dataclass(frozen=True)
class _Unset:
    paths: Paths
    path: str

    def __call__(self) -> str:
        edit(self.paths, lambda content: remove(content, self.path), must_be_valid=False)
        return f"Took {self.path} out of {self.paths.shown(self.paths.config_path)}."


@dataclass(frozen=True)
class _Restore:
    paths: Paths
    good: Path

    def __call__(self) -> str:
        text = self.good.read_text(encoding="utf-8")
        name = self.paths.shown(self.good)
        back_up(self.paths.config_path)
        write_private(self.paths.config_path, text)
        return f"Put back {name}; the broken file is now {self.paths.config_path.name}.bak."


def _backups(paths: Paths) -> list[Path]:
    name = paths.config_path.name + ".bak"
    numbers = ("", *(f".{number}" for number in range(1, BACKUPS)))
    found = (paths.config_path.with_name(name + number) for number in numbers)
    return [path for path in found if path.is_file()]


def _is_good(path: Path) -> bool:
    try:
        return not issues_of(document.read(path))
    except ConfigError:
        return False


def _plain_keys(loaded: Loaded) -> Iterator[Finding]:
    paths = loaded.paths
    try:
        written = document.read(paths.config_path)
    except ConfigError:
        return
    for name, block in loaded.settings.models.providers.items():
        if block.api_key is None or block.api_key.literal is None:
            continue
        text = written["models"]["providers"][name]["apiKey"]
        if not text.startswith("${") and not text.isupper():
            yield Finding(
                "secrets",
                "warning",
                f"models.providers.{name}.apiKey in {paths.shown(paths.config_path)} is a key in plain text.",
                f"Store it with `genesis models auth login --provider {name}`, then "
                f"`genesis config unset models.providers.{name}.apiKey`.",
            )


def _permissions(paths: Paths) -> Iterator[Finding]:
    for path in _private(paths):
        want = PRIVATE_DIR if path.is_dir() else PRIVATE_FILE
        have = stat.S_IMODE(path.stat().st_mode)
        if have & ~want:
            yield Finding(
                "permissions",
                "error" if path == paths.auth_profiles else "warning",
                f"Others may open {paths.shown(path)} (mode {have:04o}).",
                f"`chmod {want:o} '{path}'`",
                _Close(paths, path, want),
            )


@dataclass(frozen=True)
class _Close:
    paths: Paths
    path: Path
    mode: int

    def __call__(self) -> str:
        self.path.chmod(self.mode)
        return f"{self.paths.shown(self.path)} is now for you alone (mode {self.mode:04o})."


def _private(paths: Paths) -> Iterator[Path]:
    """What only its owner should be able to open, as far as it exists."""
    agent = paths.agent_dir.parent
    folders = [
        paths.state_dir,
        agent.parent,
        agent,
        paths.agent_dir,
        paths.sessions_dir,
        paths.logs,
    ]
    files = [paths.config_path, *_backups(paths), paths.dotenv]
    files += [paths.gateway_env] if paths.gateway_env else []
    files += [paths.auth_profiles, paths.auth_state, paths.models_file]
    files += sorted(paths.sessions_dir.glob("*.jsonl")) + sorted(paths.logs.glob("*.log"))
    yield from (path for path in folders if path.is_dir())
    yield from (path for path in files if path.is_file())


def _catalog(paths: Paths, now_s: float) -> Iterator[Finding]:
    file = paths.models_file
    if not file.is_file():
        return
    shown = paths.shown(file)
    try:
        msgspec.json.decode(file.read_bytes(), type=dict)
    except (msgspec.DecodeError, msgspec.ValidationError):
        yield Finding(
            "catalog",
            "warning",
            f"{shown} is not readable JSON, so no discovered model is known.",
            "Delete it; it is written anew when models are discovered.",
            _Delete(paths, file),
        )
        return
    days = (now_s - file.stat().st_mtime) / 86_400
    if days > STALE_DAYS:
        yield Finding(
            "catalog",
            "note",
            f"The list of models is {days:.0f} days old ({shown}).",
            "The next `genesis chat` brings it up to date.",
        )


@dataclass(frozen=True)
class _Delete:
    paths: Paths
    path: Path

    def __call__(self) -> str:
        self.path.unlink(missing_ok=True)
        return f"Deleted {self.paths.shown(self.path)}."


def _sessions(paths: Paths, now_s: float) -> Iterator[Finding]:
    for file in sorted(paths.sessions_dir.glob("*.jsonl")):
        torn = _torn_bytes(file)
        if torn and now_s - file.stat().st_mtime > _SETTLED_S:
            yield Finding(
                "sessions",
                "warning",
                f"The last entry of {paths.shown(file)} is torn ({torn} bytes), as after a crash.",
                "Nothing to do: it is passed over. Repairing takes it out.",
                _Cut(paths, file, torn),
            )


def _torn_bytes(file: Path) -> int:
    """How many bytes stand behind the last whole line."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        opened.seek(max(0, size - _TAIL_BYTES))
        tail = opened.read()
    return len(tail) - (tail.rfind(b"\n") + 1)


@dataclass(frozen=True)
class _Cut:
    paths: Paths
    path: Path
    torn: int

    def __call__(self) -> str:
        if _torn_bytes(self.path) != self.torn:
            return f"{self.paths.shown(self.path)} has changed in the meantime and was left alone."
        with self.path.open("r+b") as file:
            file.truncate(self.path.stat().st_size - self.torn)
        return f"Took the torn entry out of {self.paths.shown(self.path)}."
