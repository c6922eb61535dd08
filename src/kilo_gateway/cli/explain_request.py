"""`kilo-gateway explain --request`: what a request would become for each deployment."""

import asyncio
import os
from pathlib import Path

import typer

from kilo_gateway.cli.tables import PROBLEM, fail, print_json, show_table
from kilo_gateway.config.load import Loaded
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.registry import DIALECTS

_MOST_BYTES = 64 * 1024 * 1024


def show_renditions(
    loaded: Loaded, home: Path, dialect: str, request: Path, grant: Grant, *, as_json: bool
) -> None:
    """Print what the request would become; exits with a sentence where it cannot be read or served."""
    from kilo_gateway.app import renditions  # noqa: PLC0415 - start time

    if dialect not in DIALECTS:
        fail(f'there is no dialect "{dialect}": choose one of {", ".join(DIALECTS)}', PROBLEM)
    try:
        if request.stat().st_size > _MOST_BYTES:
            fail(f"{request} is larger than a request may be", PROBLEM)
        body = request.read_bytes()
    except OSError as error:
        fail(f"{request} cannot be read: {error.strerror}", PROBLEM)
    try:
        found = asyncio.run(renditions(loaded, os.environ, home, dialect, body, grant))
    except Fault as fault:
        fail(fault.message, PROBLEM)
    if as_json:
        print_json(found)
        return
    show_table(
        ("deployment", "asked in", "rules applied", "dropped", "refused"),
        [
            (
                one.deployment,
                one.dialect,
                ", ".join(one.rules) or "none",
                ", ".join(one.dropped) or "nothing",
                one.refused or "no",
            )
            for one in found
        ],
    )
    typer.echo("The bodies are shown with --json.")
