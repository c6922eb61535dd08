"""load() and edit(): the two doors to the settings that other rooms use."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genesis.config import document
from genesis.config.environment import Environment, block_variables, with_files
from genesis.config.files import back_up, locked, write_private
from genesis.config.paths import Paths
from genesis.config.schema import Settings, ShellEnv
from genesis.config.setting_path import found
from genesis.config.shell_env import KEY_VARIABLE, RunShell, Skipped, import_missing
from genesis.config.substitution import has_reference, substitute
from genesis.config.validate import NOT_AN_OBJECT, Issue, read_settings
from genesis.core.fault import ConfigError

Warn = Callable[[str], None]
# Imported from the login shell beside the providers' own variables.
DAEMON_SECRETS = ("GENESIS_GATEWAY_TOKEN", "GENESIS_GATEWAY_PASSWORD")


@dataclass(frozen=True)
class Loaded:
    """The settings as they are in force. `raw` is the file's content with variables replaced; `environ` the environment
    in force and `sources` where each variable came from ("env", ".env", "config env", "shell env"); with `issues` the
    settings are only defaults. `ignored` are the names that the working folder's `.env` may not set."""

    paths: Paths
    settings: Settings
    raw: Mapping[str, Any] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    sources: Mapping[str, str] = field(repr=False)
    warnings: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    shell_keys: tuple[str, ...] = ()
    shell_skipped: Skipped | None = None
    ignored: tuple[str, ...] = ()

    def require(self) -> "Loaded":
        """This, if the file is usable. Raises ConfigError that lists what is wrong."""
        if not self.issues:
            return self
        raise invalid(self.paths, self.issues)


def invalid(paths: Paths, issues: Iterable[Issue]) -> ConfigError:
    """The error of commands that need usable settings."""
    return _error(f"Invalid config at {paths.shown(paths.config_path)}", tuple(issues))


def refused(issues: Iterable[Issue]) -> ConfigError:
    """The error of a change that would make good settings bad ones."""
    return _error("The change is not valid, so nothing was written", tuple(issues))


def _error(head: str, issues: tuple[Issue, ...]) -> ConfigError:
    lines = [f"- {path or '<root>'}: {message}" for path, message in issues]
    return ConfigError("\n".join([head, *lines]), issues)


def load(
    paths: Paths,
    environ: Mapping[str, str],
    *,
    warn: Warn = lambda _text: None,
    folder: Path | None = None,
    expected: Iterable[str] = (KEY_VARIABLE,),
    run_shell: RunShell | None = None,
) -> Loaded:
    """Read everything. Never raises for a bad file: `issues` tells. `folder` is the working folder (its `.env`);
    `expected` are the variables that the login shell is asked for."""
    warnings: list[str] = []

    def tell(text: str) -> None:
        warnings.append(text)
        warn(text)

    environment = with_files(environ, paths, folder, tell)
    try:
        content = document.read(paths.config_path)
        broken: tuple[Issue, ...] = ()
    except ConfigError as error:
        content, broken = {}, (("", error.message),)
    blank = _Missing(paths, tell)
    block = _env_block(content, environment, blank)
    login = import_missing(
        _shell_settings(block), environment.values, (*expected, *DAEMON_SECRETS), tell, run_shell
    )
    environment.add(login.values, "shell env")
    raw = _replaced(content, block, environment, blank)
    settings, issues = read_settings(raw)
    return Loaded(
        paths=paths,
        settings=settings,
        raw=raw if isinstance(raw, dict) else {},
        environ=environment.values,
        sources=environment.sources,
        warnings=tuple(warnings),
        issues=broken or issues,
        shell_keys=tuple(login.values),
        shell_skipped=login.skipped,
        ignored=environment.ignored,
    )


@dataclass(frozen=True)
class _Missing:
    """Tells of a variable without a value."""

    paths: Paths
    tell: Warn

    def __call__(self, name: str, path: str) -> None:
        self.tell(
            f'Config ({self.paths.shown(self.paths.config_path)}): missing env var "{name}" at {path} - '
            "feature using this value will be unavailable"
        )


def _env_block(content: Any, environment: Environment, missing: _Missing) -> Any:
    """The file's `env` block with its variables replaced; what it sets has joined the environment."""
    block = content.get("env") if isinstance(content, dict) else None
    if not isinstance(block, dict):
        return block
    block = substitute(block, environment.values, missing, "env")
    environment.add(block_variables(block), "config env", fills_blank=True)
    return block


def _shell_settings(block: Any) -> ShellEnv:
    """Before the other settings are read, because they may use what the login shell gives."""
    shell_env = block.get("shellEnv") if isinstance(block, dict) else None
    settings, _ = read_settings({"env": {"shellEnv": shell_env}} if shell_env is not None else {})
    return settings.env.shell_env


def _replaced(content: Any, block: Any, environment: Environment, missing: _Missing) -> Any:
    if not isinstance(content, dict) or "env" not in content:
        return substitute(content, environment.values, missing)
    rest = {name: value for name, value in content.items() if name != "env"}
    return {"env": block} | substitute(rest, environment.values, missing)


def edit(
    paths: Paths, change: Callable[[dict[str, Any]], object], *, must_be_valid: bool = True
) -> Path:
    """Change the file: `change` gets its content as it is written (`${VAR}` texts are texts) and alters it in place.

    Comments stay, the old file is kept as a backup. Raises ConfigError if the result is not usable; then nothing is
    written. `must_be_valid=False` is for repairs that mend one thing after the other.
    """
    with locked(paths.config_path):
        text = document.read_text(paths.config_path)
        try:
            content = document.parse(text)
        except ConfigError as error:
            raise invalid(paths, [("", error.message)]) from None
        if not isinstance(content, dict):
            raise invalid(paths, [("", NOT_AN_OBJECT)])
        old_issues = issues_of(content)
        change(content)
        issues = issues_of(content)
        if issues and must_be_valid:
            raise invalid(paths, issues) if old_issues else refused(issues)
        new = document.changed(text, content)
        if new != text:
            _write(paths, new)
    return paths.config_path


def _write(paths: Paths, text: str) -> None:
    try:
        back_up(paths.config_path)
        write_private(paths.config_path, text)
    except OSError as error:
        raise ConfigError(
            f"{paths.shown(paths.config_path)} cannot be written: {error.strerror}. Nothing was changed."
        ) from error


def issues_of(content: Any) -> tuple[Issue, ...]:
    """What is wrong with a file's content before its variables are replaced: a `${VAR}` may become anything."""
    _, issues = read_settings(content)
    return tuple(
        (path, message)
        for path, message in issues
        if not (isinstance(value := found(content, path), str) and has_reference(value))
    )
