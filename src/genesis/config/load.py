"""load() and edit(): the two doors to the settings that other rooms use."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genesis.config import document
from genesis.config.environment import Environment, block_variables, with_files
from genesis.config.files import back_up, locked, write_private
from genesis.config.paths import Paths
from genesis.config.schema import Settings
from genesis.config.shell_env import RunShell, import_missing
from genesis.config.substitution import substitute
from genesis.config.validate import Issue, read_settings
from genesis.core.fault import ConfigError

Warn = Callable[[str], None]
# Imported from the login shell beside the providers' own variables.
DAEMON_SECRETS = ("GENESIS_GATEWAY_TOKEN", "GENESIS_GATEWAY_PASSWORD")


@dataclass(frozen=True)
class Loaded:
    """The settings as they are in force. `raw` is the file's content with variables replaced; `environ` the environment
    in force and `sources` where each variable came from; with `issues` the settings are only defaults."""

    paths: Paths
    settings: Settings
    raw: Mapping[str, Any]
    environ: Mapping[str, str]
    sources: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    shell_keys: tuple[str, ...] = field(default=())

    def require(self) -> "Loaded":
        """This, if the file is usable. Raises ConfigError that lists what is wrong."""
        if not self.issues:
            return self
        raise invalid(self.paths, self.issues)


def invalid(paths: Paths, issues: Iterable[Issue]) -> ConfigError:
    """The error of commands that need usable settings."""
    rows = tuple(issues)
    lines = [f"- {path or '<root>'}: {message}" for path, message in rows]
    return ConfigError(
        "\n".join([f"Invalid config at {paths.shown(paths.config_path)}", *lines]), rows
    )


def load(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    warn: Warn = lambda _text: None,
    folder: Path | None = None,
    expected: Iterable[str] = ("KILOCODE_API_KEY",),
    run_shell: RunShell | None = None,
) -> Loaded:
    """Read everything. Never raises for a bad file: `issues` tells. `folder` is the working folder (its `.env`);
    `expected` are the variables that the login shell is asked for."""
    warnings: list[str] = []

    def tell(text: str) -> None:
        warnings.append(text)
        warn(text)

    found = with_files(environ, paths, folder, tell)
    try:
        content = document.read(paths.config_path)
    except ConfigError as error:
        return Loaded(
            paths,
            Settings(),
            {},
            found.values,
            found.sources,
            tuple(warnings),
            (("", error.message),),
        )
    raw = _with_environment(paths, content, found, tell)
    settings, issues = read_settings(raw)
    imported = import_missing(
        settings.env.shell_env, found.values, (*expected, *DAEMON_SECRETS), tell, run_shell
    )
    found.add(imported, "shell env")
    return Loaded(
        paths,
        settings,
        raw if isinstance(raw, dict) else {},
        found.values,
        found.sources,
        tuple(warnings),
        issues,
        tuple(imported),
    )


def _with_environment(paths: Paths, content: Any, found: Environment, tell: Warn) -> Any:
    """The content with its variables replaced; its `env` block has joined the environment before."""

    def missing(name: str, path: str) -> None:
        tell(
            f'Config ({paths.shown(paths.config_path)}): missing env var "{name}" at {path} - '
            "feature using this value will be unavailable"
        )

    if isinstance(content, dict) and isinstance(content.get("env"), dict):
        block = substitute(content["env"], found.values, missing, "env")
        found.add(block_variables(block), "config env", fills_blank=True)
        rest = {name: value for name, value in content.items() if name != "env"}
        return {"env": block} | substitute(rest, found.values, missing)
    return substitute(content, found.values, missing)


def edit(paths: Paths, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the file: `change` gets its content as it is written (`${VAR}` texts are texts) and alters it in place.

    The old file is kept as a backup. Raises ConfigError if the file is not usable before or after; then nothing is written.
    """
    with locked(paths.config_path):
        content = document.read(paths.config_path)
        if not isinstance(content, dict):
            raise invalid(paths, [("", "The file must hold an object: { … }.")])
        before = document.written(content)
        change(content)
        _, issues = read_settings(content)
        if issues:
            raise invalid(paths, issues)
        text = document.written(content)
        if text != before or not paths.config_path.exists():
            back_up(paths.config_path)
            write_private(paths.config_path, text)
    return paths.config_path
