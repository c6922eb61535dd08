"""`kilo-gateway check`: is the configuration right, and do the upstreams answer?"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from kilo_gateway.cli.home import ConfigOption, config_path, home_path
from kilo_gateway.cli.tables import (
    PROBLEM,
    USAGE,
    JsonOption,
    count_text,
    note,
    print_json,
    show_table,
)
from kilo_gateway.config.load import Loaded, load
from kilo_gateway.config.problem import Problem
from kilo_gateway.config.schema import schema_json

if TYPE_CHECKING:
    from kilo_gateway.app import ProbeResult


class UpstreamReport(msgspec.Struct, frozen=True):
    """One probed upstream, as printed for programs."""

    upstream: str
    ok: bool
    status: int | None
    models: int | None
    latency_ms: float | None
    message: str


class Report(msgspec.Struct, frozen=True):
    """The whole answer, as printed for programs."""

    ok: bool
    file: str | None
    problems: tuple[Problem, ...]
    upstreams: tuple[UpstreamReport, ...]


def check(
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    no_probe: Annotated[
        bool, typer.Option("--no-probe", help="Do not ask the upstreams for their models.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the file and end.")
    ] = False,
) -> None:
    """Check the configuration and ask every upstream for its models.

    Exit code 0: all is well; 1: an upstream does not answer as it should; 2: the configuration is wrong.
    """
    if schema:
        typer.echo(schema_json().decode(), nl=False)
        return
    loaded = load(config_path(config, os.environ), os.environ)
    probed = _probe(loaded, os.environ) if loaded.ok and not no_probe else ()
    report = _report(loaded, probed)
    if as_json:
        print_json(report)
    else:
        _show(report, loaded.path, is_probed=loaded.ok and not no_probe)
    if not loaded.ok:
        raise typer.Exit(USAGE)
    if not report.ok:
        raise typer.Exit(PROBLEM)


def _probe(loaded: Loaded, environ: Mapping[str, str]) -> "Sequence[ProbeResult]":
    from kilo_gateway.app import probe  # noqa: PLC0415 - start time

    home = home_path(environ, loaded.settings.state.home)
    return asyncio.run(probe(loaded, environ, home))


def _report(loaded: Loaded, probed: "Sequence[ProbeResult]") -> Report:
    return Report(
        ok=loaded.ok and all(answer.ok for answer in probed),
        file=str(loaded.path) if loaded.path else None,
        problems=loaded.problems,
        upstreams=tuple(
            msgspec.convert(answer, UpstreamReport, from_attributes=True) for answer in probed
        ),
    )


def _show(report: Report, path: Path | None, *, is_probed: bool) -> None:
    for problem in report.problems:
        note(str(problem))
    name = str(path) if path else "no configuration file, the environment alone"
    errors = sum(problem.severity == "error" for problem in report.problems)
    warnings = len(report.problems) - errors
    typer.echo(f"{name}: {_plural(errors, 'error')}, {_plural(warnings, 'warning')}")
    if not is_probed:
        return
    if not report.upstreams:
        typer.echo("No upstream is configured or found in the environment.")
        return
    show_table(
        ("upstream", "state", "status", "models", "ms", "message"),
        [_row(answer) for answer in report.upstreams],
        numeric=("status", "models", "ms"),
    )


def _row(answer: UpstreamReport) -> tuple[str, ...]:
    return (
        answer.upstream,
        "ok" if answer.ok else "FAILED",
        "-" if answer.status is None else str(answer.status),
        count_text(answer.models),
        "-" if answer.latency_ms is None else f"{answer.latency_ms:.0f}",
        answer.message,
    )


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
