"""The environment in force: process, `.env` files, the settings' `env` block, the login shell, in this order (genesis.md 14)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genesis.config.dotenv import for_service, read_dotenv, safe_name, trusted_by_folder
from genesis.config.paths import Paths
from genesis.config.substitution import has_reference

Warn = Callable[[str], None]


@dataclass
class Environment:
    """Variables and where each came from ("env", ".env", "config env", "shell env"). What is there is never replaced."""

    values: dict[str, str]
    sources: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def add(self, variables: Mapping[str, str], source: str, *, fills_blank: bool = False) -> None:
        """Add what is missing; with `fills_blank` also what is there but blank."""
        for name, value in variables.items():
            present = self.values.get(name)
            if present is None or (fills_blank and not present.strip()):
                self.values[name] = value
                self.sources[name] = source


def with_files(
    environ: Mapping[str, str], paths: Paths, folder: Path | None, warn: Warn
) -> Environment:
    """The process's environment and the `.env` files: the working folder's (untrusted), then the state folder's."""
    found = Environment(dict(environ), dict.fromkeys(environ, "env"))
    if folder is not None and not _is_same_file(folder / ".env", paths.dotenv):
        theirs = read_dotenv(folder / ".env")
        found.add(trusted_by_folder(theirs), ".env")
        found.ignored = tuple(sorted(set(theirs) - set(trusted_by_folder(theirs))))
    own = read_dotenv(paths.dotenv)
    found.add(own, ".env")
    if paths.gateway_env is not None:
        service = read_dotenv(paths.gateway_env)
        for name in sorted(set(own) & set(service)):
            if own[name] != service[name]:
                warn(
                    f"[dotenv] Conflicting values in {paths.dotenv} and {paths.gateway_env} for {name}; "
                    f"keeping {paths.dotenv}."
                )
        found.add(service, ".env")
    return found


def service_variables(paths: Paths, raw: Mapping[str, Any]) -> dict[str, str]:
    """What a system service gets: the state folder's `.env` and the settings' `env` block, which wins (genesis.md 14.2).

    `raw` is the file's content with its variables replaced. Never what the shell happens to hold.
    """
    return for_service(read_dotenv(paths.dotenv)) | for_service(block_variables(raw.get("env")))


def _is_same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def block_variables(block: Any) -> dict[str, str]:
    """The variables of the settings' `env` block; what stands at its top beats `vars`. Unsafe or unresolved ones are left out."""
    if not isinstance(block, dict):
        return {}
    inner = block.get("vars")
    merged = dict(inner) if isinstance(inner, dict) else {}
    merged |= {name: value for name, value in block.items() if name not in {"vars", "shellEnv"}}
    return {
        name: value
        for name, value in merged.items()
        if isinstance(value, str) and safe_name(name) and not has_reference(value)
    }
