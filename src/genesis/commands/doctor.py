"""`genesis doctor`: looks at settings, permissions, keys, the gateway and saved sessions, and mends what it can."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from genesis.commands.installation import Installation, installation_of
from genesis.commands.light_command import LightCommand
from genesis.config import document
from genesis.config.doctor import Finding, examine
from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError

_SIGNS = {"error": "✗", "warning": "!", "note": "·"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("doctor", cls=LightCommand)(doctor)


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Offer to mend what can be mended, one by one.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --fix: mend all of it without asking.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask the gateway whether it answers.")
    ] = False,
) -> None:
    """Look for what is wrong, and say what to do. Exit code 1 if an error remains."""
    if json and fix and not yes:
        raise GenesisError("--fix with --json cannot ask. Add --yes.")
    done = _mended(_findings(offline=True), is_sure=yes, quiet=json) if fix else []
    found = _findings(offline=offline)
    if json:
        _print_json(found, done)
    else:
        _print(found, can_fix=not fix)
    if any(finding.level == "error" for finding in found):
        raise typer.Exit(1)


def _findings(*, offline: bool) -> list[Finding]:
    paths = Paths.of(os.environ)
    loaded = load(paths, os.environ, folder=Path.cwd())
    found = list(examine(loaded, time.time_ns() / 1e9))
    if not loaded.issues:
        found += _about_models(installation_of(loaded, _silent), offline=offline)
    return found


def _silent(_text: str) -> None:
    """The findings have all warnings already."""


def _about_models(home: Installation, *, offline: bool) -> Iterator[Finding]:
    choice = home.choice
    primary = choice.primary
    for warning in choice.warnings:
        yield Finding("models", "warning", warning)
    if primary is None:
        yield Finding(
            "models", "error", "There is no model to ask.", "`genesis onboard` sets one up."
        )
        return
    if not choice.is_configured:
        name = f"{primary.provider}/{primary.model}"
        yield Finding(
            "models",
            "note",
            f"No default model is set; {name} is used.",
            f"`genesis models set {name}` makes it your choice.",
        )
    has_key = home.has_key(primary.provider)
    if not has_key:
        yield _missing_key(home, primary.provider)
    if has_key and not offline:
        yield from _about_gateway(home, primary.provider)


def _missing_key(home: Installation, provider: str) -> Finding:
    manifest = home.manifests.get(provider)
    variables = " or ".join(manifest.env) if manifest is not None else ""
    also = f", or set {variables}" if variables else ""
    return Finding(
        "keys",
        "error",
        f'There is no key for provider "{provider}", which the default model needs.',
        f"`genesis models auth login --provider {provider}`{also}.",
    )


def _about_gateway(home: Installation, provider: str) -> Iterator[Finding]:
    if provider not in home.manifests:
        return
    from genesis.commands.model_discovery import discovered

    told: list[str] = []
    discovered(home, provider, told.append)
    for warning in told:
        yield Finding(
            "gateway",
            "warning",
            f"{home.accounts.base_url(provider)} did not give its models: {warning}.",
            "Check the network, and `models.providers` in the settings if the address is your own.",
        )


def _mended(found: list[Finding], *, is_sure: bool, quiet: bool) -> list[str]:
    """Mend what can be mended; what was done."""
    done: list[str] = []
    for finding in found:
        if finding.mend is None or not (is_sure or _agreed(finding)):
            continue
        try:
            done.append(finding.mend())
        except (OSError, GenesisError) as error:
            reason = error.message if isinstance(error, GenesisError) else error.strerror
            done.append(f"Could not mend this: {finding.message} {reason}")
        if not quiet:
            sys.stdout.write(f"{done[-1]}\n")
    return done


def _agreed(finding: Finding) -> bool:
    sys.stdout.write(f"{finding.message}\nMend it? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _print(found: list[Finding], *, can_fix: bool) -> None:
    if not found:
        sys.stdout.write("Everything is as it should be.\n")
        return
    for finding in found:
        sys.stdout.write(f"{_SIGNS[finding.level]} {finding.message}\n")
        if finding.cure:
            sys.stdout.write(f"    {finding.cure}\n")
    mendable = sum(finding.mend is not None for finding in found)
    if mendable and can_fix:
        sys.stdout.write(f"`genesis doctor --fix` can mend {mendable} of them.\n")


def _print_json(found: list[Finding], done: list[str]) -> None:
    report = {
        "ok": not any(finding.level == "error" for finding in found),
        "findings": [
            {
                "check": finding.check,
                "level": finding.level,
                "message": finding.message,
                "cure": finding.cure,
                "fixable": finding.mend is not None,
            }
            for finding in found
        ],
        "fixed": done,
    }
    sys.stdout.write(document.written(report))
