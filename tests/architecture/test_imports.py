"""Imports stand at the top of a file, modules have names that say what, and a start loads no more than it needs."""

import ast
import subprocess
import sys

import pytest

from tests.architecture.trees import functions_of, sources, tree_of

# The start is a budget: what these files import late is not needed to serve, or not by every command.
LATE_IMPORTS = {
    "kilo_gateway/app/signers.py",
    "kilo_gateway/app/gateway.py",
    "kilo_gateway/app/ledger.py",
    "kilo_gateway/app/pricing.py",
    "kilo_gateway/cli/check.py",
    "kilo_gateway/cli/database.py",
    "kilo_gateway/cli/explain.py",
    "kilo_gateway/cli/explain_request.py",
    "kilo_gateway/cli/keys.py",
    "kilo_gateway/cli/models.py",
    "kilo_gateway/cli/serving.py",
    "kilo_gateway/cli/tables.py",
    "kilo_gateway/store/store.py",
}

# Of genesis a command loads what it needs when it is called; the parser of JSON5 only for a file that is no JSON.
GENESIS_LATE = ("genesis/commands/", "genesis/main.py", "genesis/app.py", "genesis/config/")

BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
NOT_NEEDED_TO_START = [
    "alembic",
    "genai_prices",
    "jinja2",
    "prometheus_client",
    "rich",
    "sqlalchemy",
]


def test_imports_stand_at_the_top_but_where_the_start_is_a_budget():
    late = {
        name
        for name in sources()
        for function in functions_of(name)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not name.startswith(GENESIS_LATE)
    }
    assert late == LATE_IMPORTS, (
        "move what is new to the top; strike what has no late import any more"
    )


def test_only_rooms_that_have_a_start_to_save_import_late():
    assert {name.split("/")[1] for name in LATE_IMPORTS} <= {"app", "cli", "store"}


@pytest.mark.parametrize("name", sources())
def test_no_module_is_named_after_nothing(name):
    assert not set(name.removesuffix(".py").split("/")) & BANNED_NAMES


@pytest.mark.parametrize("name", sources())
def test_every_file_says_in_a_sentence_what_it_is(name):
    docstring = ast.get_docstring(tree_of(name))
    assert docstring
    assert docstring.splitlines()[0].rstrip().endswith((".", "?", ":"))


def test_a_start_loads_no_library_that_it_does_not_need():
    program = "import sys, kilo_gateway.cli.up; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "kilo_gateway" in loaded
    assert sorted(loaded & set(NOT_NEEDED_TO_START)) == []
