"""The manual of genesis is true: its commands exist, its settings load, its plug-in works."""

import re
import shlex
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from genesis.config import document
from genesis.config.validate import read_settings
from genesis.core.model import Model
from genesis.daemon.turns import DROPPED
from genesis.failover import messages
from genesis.main import make_app, with_command
from genesis.providers.installed import PluginEntry
from genesis.providers.provider import Endpoint, Manifest
from genesis.providers.registry import Registry
from genesis.session.limit import Limit
from tests.genesis.servers import Answer, serving

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [*sorted((DOCS / "genesis").glob("*.md")), *sorted((DOCS / "how-to").glob("*.md"))]
# Words that only stand where a command would: `genesis onboard`, and lines of blocks.
INLINE = re.compile(r"`(genesis (?:-|[a-z])[^`]*)`")
LINE = re.compile(r"^(?:    |\t)(?:.*\| |export .*; )?(genesis(?: [^#|>\n]*)?)", re.MULTILINE)


@cache
def commands() -> dict[tuple[str, ...], Any]:
    """Each command by its words."""
    found: dict[tuple[str, ...], Any] = {}

    def walk(command: Any, path: tuple[str, ...]) -> None:
        found[path] = command
        for name in getattr(command, "list_commands", lambda _context: [])(None):
            walk(command.get_command(None, name), (*path, name))

    walk(typer.main.get_command(make_app()), ())
    return found


def options_of(command: Any) -> set[str]:
    own = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    return own | {"-h", "--help"}


def written() -> list[tuple[str, str]]:
    """Page and command line of each command in the manual."""
    found = []
    for page in PAGES:
        text = re.sub(r" \\\n\s+", " ", page.read_text())
        lines = [*INLINE.findall(text), *LINE.findall(text)]
        found += [(page.name, line.strip()) for line in lines]
    return found


@pytest.mark.parametrize(("page", "line"), written())
def test_a_command_in_the_manual_exists_with_its_options(page: str, line: str) -> None:
    words = with_command([word.strip("[]") for word in shlex.split(line)[1:]])
    path: tuple[str, ...] = ()
    while words and (*path, words[0]) in commands():
        path = (*path, words.pop(0))
    command = commands()[path]
    is_group = hasattr(command, "list_commands")
    assert not (is_group and words and words[0][0].isalpha()), f"{page}: no such command: {line}"
    unknown = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert unknown - options_of(command) == set(), f"{page}: {line}"


def test_the_manual_shows_many_commands_and_a_wrong_one_would_be_found() -> None:
    assert len({line for _, line in written()}) > 40
    assert ("frobnicate",) not in commands()
    assert "--json" not in options_of(commands()["chat",])


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        pattern = rf"^```{language}\n(.*?)^```$"
        texts = re.findall(pattern, page.read_text(), re.MULTILINE | re.DOTALL)
        found += [(f"{page.stem}-{number}", text) for number, text in enumerate(texts)]
    return found


@pytest.mark.parametrize(("where", "text"), blocks("json5"))
def test_settings_in_the_manual_are_valid(where: str, text: str) -> None:
    assert read_settings(document.parse(text))[1] == (), where


def test_the_plugin_of_the_manual_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = dict(blocks("toml")) | {f"py-{name}": text for name, text in blocks("python")}
    manifest = page["plugins-0"]
    package = tmp_path / "acme_provider"
    package.mkdir()
    (package / "manifest.toml").write_text(manifest)
    (package / "__init__.py").write_text(page["py-plugins-0"])
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "acme_provider", raising=False)
    value = tomllib.loads(page["plugins-1"])["project"]["entry-points"]["genesis.providers"]["acme"]
    registry = Registry(entries=[PluginEntry("acme", value, "acme")], warn=pytest.fail)
    assert registry.manifest("acme") == msgspec.convert(tomllib.loads(manifest), Manifest)
    assert registry.load("acme").__class__.__name__ == "Acme"


async def test_it_lists_its_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test_the_plugin_of_the_manual_works(tmp_path, monkeypatch)
    module = sys.modules["acme_provider"]
    warnings: list[str] = []
    async with serving(lambda _: Answer(200, b'["a", "b", 5]')) as server:
        there = Endpoint(server.url, provider="acme")
        found = await module.provider().discover(there, timeout_s=2.0, warn=warnings.append)
    assert found == [Model(id=name, name=f"Acme {name}", context_window=200_000) for name in "ab"]
    assert warnings == []


SENTENCES = [
    messages.MISSING_KEY,
    messages.RATE_LIMITED,
    messages.ALL_RATE_LIMITED,
    messages.OVERLOADED,
    messages.AT_CAPACITY,
    messages.TIMED_OUT,
    messages.SCHEMA,
    messages.OVERFLOW,
    messages.REASONING,
    messages.SESSION_EXPIRED,
    messages.SOMETHING,
    *(f"LLM request failed: {words}" for words, _ in messages.NETWORK),
    "returned a billing error",
    "The AI service is temporarily unavailable",
    "LLM error",
    "refused the API key",
    "does not accept this API key any more",
    "was not found at",
    DROPPED.text,
    Limit(600).sentence,
    Limit(600).compacting_sentence,
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_sentence_of_a_failure_has_its_cure(sentence: str) -> None:
    page = (DOCS / "genesis" / "troubleshooting.md").read_text()
    told = [row.split("|")[1].replace("…", "") for row in page.splitlines() if row.startswith("|")]
    beginnings = [part.strip(" `") for row in told for part in row.split("`, `")]
    assert any(begin and (begin in sentence or sentence in begin) for begin in beginnings)
