"""The manual keeps up with the code: what exists is documented, and what is documented exists and works."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer.main
import yaml

from kilo_gateway.cli.main import make_app
from kilo_gateway.config.load import load
from kilo_gateway.config.schema import Settings, schema_json
from kilo_gateway.core.fault import KINDS
from kilo_gateway.edge.routes import API, OWN, PREFIXES
from kilo_gateway.local.scenario import _READERS, parse_scenario
from kilo_gateway.relay import heads
from kilo_gateway.telemetry.exposition import FAMILIES
from kilo_gateway.upstreams.profiles import profiles

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
MANUAL = [ROOT / "README.md", *PAGES]
WRITTEN = [page for page in MANUAL if page.parent != DOCS / "reference"]
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
# Put before a TOML block that is not a configuration file by itself.
UNLOADED = "<!-- not a configuration"


@cache
def text_of(page: Path) -> str:
    return page.read_text()


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def manual() -> str:
    return "\n".join(map(text_of, PAGES))


@cache
def code_spans() -> frozenset[str]:
    """Everything in `backticks` under docs/."""
    return frozenset(re.findall(r"`([^`\n]+)`", manual()))


# --- what exists is documented


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0


def properties(schema: dict[str, Any]) -> Iterator[str]:
    """Names of all settings in a JSON Schema."""
    for name, value in schema.get("properties", {}).items():
        yield name
        yield from properties(value)
    for part in schema.get("$defs", {}).values():
        yield from properties(part)


def test_every_setting_is_documented() -> None:
    names = set(properties(msgspec.json.decode(schema_json())))
    assert {"max_attempts", "base_url", "upstreams"} <= names
    sections = set(Settings.__struct_fields__)
    missing = {name for name in names - sections if name not in code_spans()}
    missing |= {name for name in sections if f"[{name}" not in manual()}
    assert missing == set()


def commands(command: Any, path: tuple[str, ...] = ("kilo-gateway",)) -> Iterator[Any]:
    yield path, command
    for name, one in getattr(command, "commands", {}).items():
        yield from commands(one, (*path, name))


@cache
def command_table() -> dict[tuple[str, ...], Any]:
    return dict(commands(typer.main.get_command(make_app())))


def options_of(command: Any) -> set[str]:
    names = {name for one in command.params for name in getattr(one, "opts", ())}
    return {name for name in names if name.startswith("-")} | {"--help", "-h"}


def test_every_command_and_option_is_documented() -> None:
    page = text_of(DOCS / "reference" / "cli.md")
    for path, command in command_table().items():
        heading = f"\n## `{' '.join(path)}`\n"
        assert heading in page, path
        section = page.partition(heading)[2].partition("\n## ")[0]
        for option in options_of(command) - {"-h"}:
            assert option in section, (path, option)


def test_every_kind_of_fault_is_documented() -> None:
    page = text_of(DOCS / "reference" / "errors.md")
    assert [kind for kind in KINDS if f"| `{kind.value}` |" not in page] == []


def test_every_metric_is_documented() -> None:
    page = text_of(DOCS / "reference" / "metrics.md")
    assert [name for name in FAMILIES if f"`{name}" not in page] == []


def test_queries_in_the_manual_ask_for_metrics_that_exist() -> None:
    asked = set(re.findall(r"\b(?:gen_ai|kilo_gateway)_[a-z_]+(?=[\[{])", manual()))
    known = {
        name + suffix for name in FAMILIES for suffix in ("", "_total", "_bucket", "_count", "_sum")
    }
    assert asked
    assert asked - known == set()


def test_every_url_is_documented() -> None:
    assert [path for path in (*API, *OWN, *PREFIXES) if path not in code_spans()] == []


def test_every_vendor_is_documented() -> None:
    page = text_of(DOCS / "reference" / "vendors.md")
    assert [name for name in profiles() if f"| `{name}` |" not in page] == []


def test_every_header_of_ours_is_documented() -> None:
    source = Path(heads.__file__).read_text()
    names = set(re.findall(r"(x-kilo-[a-z-]+): ", source))
    assert names
    page = text_of(DOCS / "how-to" / "clients.md")
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_word_of_the_simulator_is_documented() -> None:
    page = text_of(DOCS / "how-to" / "simulator.md")
    words = set(_READERS) - {"retry", "error", "no"}  # parts of words
    assert [word for word in words if not re.search(rf"^\| `{word}\b", page, re.MULTILINE)] == []


def test_every_dependency_has_its_decision() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    rows = [*project["dependencies"], *extras["local"], *extras["postgres"]]
    names = {re.split(r"[<>=;\[ ]", row)[0].lower() for row in rows}
    page = text_of(DOCS / "decisions" / "0007-dependencies.md")
    listed = set(re.findall(r"[a-z0-9-]+", page.partition("|---|")[2]))
    assert names - listed == set()


def test_every_page_is_in_the_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert [
        name for name in map(name_of, PAGES) if name.removeprefix("docs/") not in str(nav)
    ] == []


def test_every_decision_is_short_and_listed() -> None:
    index = text_of(DOCS / "decisions" / "README.md")
    assert len(DECISIONS) >= 10
    for page in DECISIONS:
        assert f"({page.name})" in index
        assert len(text_of(page).splitlines()) <= 40, page.name
        assert "**Decision.**" in text_of(page), page.name


# --- what is documented exists


def slug(heading: str) -> str:
    """A heading's anchor, as mkdocs (and, for plain words, GitHub) makes it."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def prose_of(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)


def links_of(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", prose_of(page))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", MANUAL, ids=name_of)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", prose_of(target), re.MULTILINE)
            assert anchor in map(slug, headings), link


def blocks_of(page: Path) -> Iterator[str]:
    """Lines of shell: indented blocks, and fenced ones that are marked as shell."""
    text = text_of(page)
    for body in re.findall(r"^```(?:sh|shell|bash)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from body.splitlines()
    yield from (line[4:] for line in prose_of(page).splitlines() if line.startswith("    "))


def invocations() -> Iterator[tuple[str, list[str]]]:
    """(page, words after the program's name) of each kilo-gateway command in the manual."""
    for page in WRITTEN:
        spans = re.findall(r"`(?:[A-Z_]+=\S+ )*(kilo-gateway [a-z-][^`]*)`", prose_of(page))
        for line in [*blocks_of(page), *spans]:
            found = re.search(r"(?<![\w./-])(?:\S*/bin/)?kilo-gateway ((?:-|[a-z]).*)", line)
            if found and not line.lstrip().startswith(("git ", "Environment")):
                words = shlex.split(found[1].partition(" > ")[0], comments=True)
                yield name_of(page), words


def test_commands_in_the_manual_exist_with_their_options() -> None:
    seen = 0
    for page, words in invocations():
        command, path = command_table()["kilo-gateway",], ("kilo-gateway",)
        rest = list(words)
        while rest and (*path, rest[0]) in command_table():
            path = (*path, rest.pop(0))
            command = command_table()[path]
        assert len(path) > 1 or words[0].startswith("-"), (page, words)
        unknown = {
            word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)
        } - options_of(command)
        assert unknown == set(), (page, words)
        seen += 1
    assert seen > 20


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert ("kilo-gateway", "frobnicate") not in command_table()
    assert "--port" in options_of(command_table()["kilo-gateway", "up"])
    assert "--port" not in options_of(command_table()["kilo-gateway", "serve"])


def configurations() -> Iterator[Any]:
    """Each TOML block of the manual, for parametrize."""
    for page in WRITTEN:
        if page.parent == DOCS / "genesis":
            continue  # the agent's settings are JSON5; what is TOML there belongs to plug-ins
        parts = re.split(r"^```toml\n(.*?)^```$", text_of(page), flags=re.MULTILINE | re.DOTALL)
        for number in range(1, len(parts), 2):
            if UNLOADED not in parts[number - 1].strip().rpartition("\n")[2]:
                yield pytest.param(parts[number], id=f"{name_of(page)}-{number // 2 + 1}")


@pytest.mark.parametrize("text", list(configurations()))
def test_configurations_in_the_manual_load_without_problems(text: str, tmp_path: Path) -> None:
    for name in re.findall(r'"file:([^"]+)"', text):
        (tmp_path / name).write_text("not-a-key\n")
    for name in re.findall(r'ca_file = "([^"]+)"', text):
        (tmp_path / name).write_text("")
    environ = dict.fromkeys(re.findall(r'"env:([A-Z_]+)"', text), "not-a-key")
    environ |= {row.env[0]: "not-a-key" for row in profiles().values() if row.env}
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    assert [str(problem) for problem in load(path, environ).problems] == []


def test_there_are_configurations_in_the_manual() -> None:
    assert len(list(configurations())) >= 10


def test_variables_in_the_manual_set_something(tmp_path: Path) -> None:
    names = set(re.findall(r"KILO_GATEWAY__[A-Z_]+=\S+?(?=[`\s])", "\n".join(map(text_of, MANUAL))))
    assert names
    environ = dict(name.split("=", 1) for name in names)
    assert [str(problem) for problem in load(None, environ).problems] == []


def test_scenarios_in_the_manual_are_understood() -> None:
    found = set(re.findall(r"\bsim/([a-z0-9][a-z0-9-]*)", "\n".join(map(text_of, WRITTEN))))
    assert len(found) > 10
    for scenario in found:
        parse_scenario(scenario)
