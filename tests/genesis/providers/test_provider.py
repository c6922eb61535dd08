"""The plug-in of the manual works as it stands there."""

import re
import sys
from pathlib import Path

import pytest

from genesis.core.events import StreamEnd, TextDelta
from genesis.core.message import TextBlock, UserMessage
from genesis.providers.installed import PluginEntry
from genesis.providers.provider import ChatRequest, Endpoint
from genesis.providers.registry import Registry

PAGE = Path(__file__).parents[3] / "docs" / "genesis" / "plugins.md"


@pytest.fixture
def example(tmp_path, monkeypatch):
    manifest, code, _ = re.findall(r"```(?:toml|python)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    package = tmp_path / "acme_provider"
    package.mkdir()
    (package / "manifest.toml").write_text(manifest)
    (package / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "acme_provider", raising=False)
    return PluginEntry("acme", "acme_provider:provider")


async def test_the_example_of_the_manual_answers(example):
    registry = Registry(entries=[example], warn=pytest.fail)
    manifest = registry.manifests["acme"]
    assert (manifest.env, manifest.models[0].context_window) == (("ACME_API_KEY",), 200000)
    request = ChatRequest(manifest.models[0], (UserMessage((TextBlock("say this back"),)),))
    events = [
        event async for event in registry.load("acme").stream(Endpoint(manifest.base_url), request)
    ]
    assert (
        "".join(event.text for event in events if isinstance(event, TextDelta)) == "say this back "
    )
    assert isinstance(events[-1], StreamEnd)
