"""How commands speak: tables for people, one JSON value for programs, errors on standard error.

Exit codes: 0 all is well, 1 a problem was found, 2 wrong usage or a wrong configuration.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, NoReturn

import msgspec
import typer

from kilo_gateway.core.money import usd_text

PROBLEM = 1
USAGE = 2
# Lines of a table that is piped are never cut or wrapped, so that grep and awk see whole rows.
_PIPED_WIDTH = 10_000

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value instead.")]


def show_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: Sequence[str] = (),
    footer: Sequence[str] = (),
) -> None:
    """Print rows under their headings; `numeric` columns are set to the right, `footer` closes the table."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - start time
    from rich.console import Console  # noqa: PLC0415 - start time
    from rich.table import Table  # noqa: PLC0415 - start time
    from rich.text import Text  # noqa: PLC0415 - start time

    is_screen = sys.stdout.isatty()
    table = Table(box=SIMPLE_HEAD if is_screen else None, pad_edge=False, show_footer=bool(footer))
    for number, column in enumerate(columns):
        table.add_column(
            column,
            footer=Text(footer[number]) if footer else "",
            justify="right" if column in numeric else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: a model id may look like markup
    Console(width=None if is_screen else _PIPED_WIDTH, highlight=False).print(table)


def print_json(value: object) -> None:
    """Print one indented JSON value."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def note(message: str) -> None:
    """Tell a person something beside the result (standard error, so that pipes stay clean)."""
    typer.echo(message, err=True)


def fail(message: str, code: int = USAGE) -> NoReturn:
    """Say what is wrong on standard error and end the command."""
    typer.secho("error: ", fg=typer.colors.RED, nl=False, err=True)
    typer.echo(message, err=True)
    raise typer.Exit(code)


def count_text(count: int | None) -> str:
    """A number as people read it, "-" where unknown."""
    return "-" if count is None else f"{count:,}"


def dollars_text(nanodollars: int | None) -> str | None:
    """Exact US dollars, None where unknown."""
    return None if nanodollars is None else usd_text(nanodollars)
