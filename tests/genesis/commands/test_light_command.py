"""Commands whose texts and flags are taken as they are, with the same outcome as any other command's."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.core import TyperCommand
from typer.testing import CliRunner

from genesis.commands.light_command import LightCommand, LightGroup

TAKES = """text: {text!r}, count: {count!r}, names: {names!r}, flag: {flag!r}, file: {file!r}"""


def app_of(command: type[TyperCommand], group: type) -> typer.Typer:
    app = typer.Typer(cls=group)

    @app.callback()
    def root(verbose: Annotated[bool, typer.Option("--verbose")] = False) -> None:
        """A group."""

    @app.command(cls=command)
    def take(
        names: Annotated[list[str], typer.Argument()],
        text: Annotated[str | None, typer.Option("--text")] = None,
        count: Annotated[int, typer.Option("--count", min=1)] = 3,
        flag: Annotated[bool, typer.Option("--flag/--no-flag")] = False,
        file: Annotated[Path | None, typer.Option("--file")] = None,
    ) -> None:
        sys.stdout.write(TAKES.format(**locals()))

    return app


@pytest.mark.parametrize(
    "words",
    [
        ["a", "b"],
        ["a", "--text", "5", "--count", "7", "--flag", "--file", "x"],
        ["a", "--no-flag", "--text="],
        [],
        ["a", "--count", "0"],
        ["a", "--count", "many"],
        ["a", "--unknown"],
    ],
)
def test_light_or_not_the_outcome_is_the_same(words: list[str]) -> None:
    light, usual = (
        CliRunner().invoke(app_of(command, group), ["take", *words])
        for command, group in ((LightCommand, LightGroup), (TyperCommand, typer.core.TyperGroup))
    )
    assert (light.exit_code, light.output) == (usual.exit_code, usual.output)


@pytest.mark.parametrize(("words", "loads"), [(["--text", "x"], False), (["--count", "5"], True)])
def test_only_what_needs_a_check_loads_the_library_for_it(words: list[str], loads: bool) -> None:
    program = f"""
import sys
from typing import Annotated
import typer
from genesis.commands.light_command import LightCommand
app = typer.Typer(add_completion=False)
@app.command(cls=LightCommand)
def take(text: Annotated[str | None, typer.Option("--text")] = None,
         count: Annotated[int, typer.Option("--count")] = 3) -> None:
    sys.stdout.write(str("pydantic" in sys.modules))
app({words!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    expected: Any = "True" if loads else "False"
    assert done.stdout == expected
