"""Commands find the database of the configuration, and say when they cannot."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from kilo_gateway.cli.database import database_url
from kilo_gateway.config.load import load


@pytest.mark.parametrize(
    ("configured", "url"),
    [
        ("", "sqlite+aiosqlite:////h/gateway.db"),
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("postgres://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("env:URL", "postgresql+asyncpg://secret@h/d"),
    ],
)
def test_the_address_names_the_driver(configured: str, url: str) -> None:
    environ = {"KILO_GATEWAY__STATE__DATABASE": configured, "URL": "postgresql://secret@h/d"}
    assert database_url(load(None, environ), environ, Path("/h")) == url


def test_a_database_that_cannot_be_opened_ends_the_command(home: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from kilo_gateway.cli.keys import keys; keys(['list'])"],
        env={**os.environ, "KILO_GATEWAY__STATE__DATABASE": "sqlite:////nowhere/at/all.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "error: The database cannot be used" in result.stderr
    assert home.is_dir()


def test_an_address_that_is_not_understood_is_not_shown(
    run: Callable[..., Result], config: Callable[[str], Path]
) -> None:
    config("[state]\ndatabase = 'what://u:sk-1@h'\n")
    result = run("keys", "list")
    assert result.exit_code == 1
    assert "sk-1" not in result.output
