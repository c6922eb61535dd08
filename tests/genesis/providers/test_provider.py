"""The plug-in of the manual works as it stands there, against a real server."""

import re
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from genesis.core.events import StreamEnd, TextDelta
from genesis.core.message import TextBlock, UserMessage
from genesis.core.model import Model
from genesis.core.secret import Secret
from genesis.providers.installed import installed_plugins
from genesis.providers.provider import ChatRequest, Endpoint, Manifest
from genesis.providers.registry import Registry
from tests.genesis.servers import Answer, events, serving, text_chunk

PAGE = Path(__file__).parents[3] / "docs" / "genesis" / "plugins.md"
HI = (UserMessage((TextBlock("hi"),)),)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """The plug-in of the page, as an installer would leave it."""
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    manifest, code, project = blocks
    package = tmp_path / "acme_provider"
    package.mkdir()
    (package / "manifest.toml").write_text(manifest)
    (package / "__init__.py").write_text(code)
    [(group, entries)] = tomllib.loads(project)["project"]["entry-points"].items()
    record = tmp_path / "acme_provider-1.0.dist-info"
    record.mkdir()
    lines = [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (record / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("acme_provider", None)
    yield Registry(entries=installed_plugins([str(tmp_path)]), warn=pytest.fail)
    sys.modules.pop("acme_provider", None)


def test_its_manifest_is_read_without_its_code(registry):
    manifest = registry.manifests["acme"]
    assert (manifest.env, manifest.models[0].context_window) == (("ACME_API_KEY",), 200000)
    assert "acme_provider" not in sys.modules


async def test_it_answers(registry):
    async with serving(lambda _: events(text_chunk("hello", "stop"))) as server:
        endpoint = registry.endpoint("acme", None, Secret("ak-1"), {"ACME_REGION": "us"})
        endpoint = msgspec.structs.replace(endpoint, base_url=server.url)
        request = ChatRequest(registry.manifests["acme"].models[0], HI, thinking="low")
        found = [one async for one in registry.load("acme").stream(endpoint, request)]
    assert found[0] == TextDelta("hello")
    assert isinstance(found[1], StreamEnd)
    [asked] = server.asked
    assert asked.all("x-acme-region") == ["us"]
    assert asked.all("authorization") == ["Bearer ak-1"]
    assert asked.json["thinking_depth"] == "low"


@pytest.mark.parametrize(
    ("answer", "models", "warnings"),
    [
        (
            Answer(200, b'["acme-xl"]'),
            [Model("acme-xl", "Acme acme-xl", context_window=200_000)],
            0,
        ),
        (Answer(200, b"<html>"), [], 1),
    ],
)
async def test_it_lists_its_models(registry, answer, models, warnings):
    told = []
    async with serving(lambda _: answer) as server:
        endpoint = Endpoint(server.url)
        code = registry.load("acme")
        assert await code.discover(endpoint, timeout_s=2.0, warn=told.append) == models
    assert len(told) == warnings


def test_the_page_names_every_field_of_a_manifest():
    table = PAGE.read_text().partition("## The manifest")[2].partition("## The code")[0]
    named = set(re.findall(r"^\| `\[*([\w-]+)\]*` \|", table, re.MULTILINE))
    assert named == {name.replace("_", "-") for name in Manifest.__struct_fields__}


def test_the_example_is_short():
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    assert len(code.splitlines()) <= 45
