"""Plug-ins are found by entry points and read without being run; row C13."""

import sys

import pytest

from genesis.config.schema import PluginEntry as PluginEntrySettings
from genesis.config.schema import Plugins
from genesis.config.schema_models import ProviderSettings
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.providers.installed import PluginEntry
from genesis.providers.kilocode.discovery import STATIC
from genesis.providers.provider import Endpoint
from genesis.providers.registry import Registry

MANIFEST = (
    'id = "acme"\nlabel = "Acme"\nbase-url = "http://127.0.0.1:1/v1"\napi = "openai-completions"\n'
)


def entry(name, value):
    return PluginEntry(name, value, "a-package")


OURS = [
    entry("kilocode", "genesis.providers.kilocode.plugin:provider"),
    entry("openai-compatible", "genesis.providers.openai_compatible.plugin:provider"),
]


@pytest.fixture
def acme(tmp_path, monkeypatch):
    package = tmp_path / "acme_plugin"
    package.mkdir()
    (package / "__init__.py").write_text("def provider():\n    raise RuntimeError('no luck')\n")
    (package / "manifest.toml").write_text(MANIFEST)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "acme_plugin", raising=False)
    return entry("acme", "acme_plugin:provider")


def test_our_plugins_are_installed_like_anybodys():
    registry = Registry(warn=pytest.fail)
    kilo = registry.manifests["kilocode"]
    assert (kilo.label, kilo.base_url) == ("Kilo Gateway", "https://api.kilo.ai/api/gateway/")  # A1
    assert (kilo.env, kilo.api, kilo.models) == (
        ("KILOCODE_API_KEY",),
        "openai-completions",
        STATIC,
    )  # A5
    assert kilo.auth_choice is not None
    assert kilo.auth_choice.profile == "kilocode:default"


def test_a_manifest_is_read_without_running_code(acme):
    registry = Registry(entries=[*OURS, acme], warn=pytest.fail)
    assert registry.manifests["acme"].label == "Acme"
    assert "acme_plugin" not in sys.modules


def test_a_plugin_that_fails_is_named(acme):
    registry = Registry(entries=[*OURS, acme])
    with pytest.raises(GenesisError, match='plug-in "acme" failed to load: no luck'):
        registry.load("acme")


def test_a_broken_manifest_leaves_the_plugin_out_with_a_warning(acme, tmp_path):
    (tmp_path / "acme_plugin" / "manifest.toml").write_text('id = "acme"')
    warnings = []
    registry = Registry(
        entries=[*OURS, acme, entry("gone", "no_such_package:x")], warn=warnings.append
    )
    assert set(registry.manifests) == {"kilocode", "openai-compatible"}
    assert [warning.split('"')[1] for warning in warnings] == ["acme", "gone"]


def test_a_name_that_is_taken_leaves_the_later_plugin_out(acme, tmp_path):
    manifest = MANIFEST.replace('"acme"', '"kilocode"')
    (tmp_path / "acme_plugin" / "manifest.toml").write_text(manifest)
    warnings = []
    registry = Registry(entries=[acme, *OURS], warn=warnings.append)
    assert registry.manifests["kilocode"].label == "Kilo Gateway"
    assert 'the provider "kilocode" is there already' in warnings[0]


@pytest.mark.parametrize("ident", ["Acme", "a/b", ""])
def test_an_id_that_a_reference_could_not_name_is_refused(acme, tmp_path, ident):
    manifest = MANIFEST.replace('"acme"', f'"{ident}"')
    (tmp_path / "acme_plugin" / "manifest.toml").write_text(manifest)
    warnings = []
    assert not Registry(entries=[acme], warn=warnings.append).manifests
    assert "small letters" in warnings[0]


def test_the_code_may_be_a_module_of_the_package(acme, tmp_path):
    (tmp_path / "acme_plugin" / "plugin.py").write_text("def provider():\n    return 'made'\n")
    (tmp_path / "acme_plugin" / "__init__.py").write_text("")
    registry = Registry(entries=[entry("acme", "acme_plugin.plugin:provider")], warn=pytest.fail)
    assert registry.load("acme") == "made"


def test_C13_a_list_of_allowed_plugins_keeps_the_built_in_ones(acme):
    assert set(Registry(entries=[*OURS, acme], allow=["telegram"]).manifests) == {
        "kilocode",
        "openai-compatible",
    }
    assert "acme" in Registry(entries=[*OURS, acme], allow=["acme"]).manifests
    off = Registry(entries=OURS, deny=["kilocode"])
    assert "kilocode" not in off.manifests
    with pytest.raises(GenesisError, match="switched off in the settings"):
        off.load("kilocode")


def test_a_provider_that_nobody_claims_is_the_generic_ones():
    registry = Registry(entries=OURS)
    assert registry.load("my-server") is registry.load("openai-compatible")


def test_a_provider_of_the_settings_has_the_plugin_of_its_wire_format():
    anthropic = entry("anthropic", "genesis.providers.anthropic.plugin:provider")
    registry = Registry(entries=[*OURS, anthropic])
    mine = registry.load("mine", "anthropic-messages")
    assert mine is registry.load("anthropic")
    assert registry.load("other", "openai-completions") is registry.load("openai-compatible")


def test_an_endpoint_is_as_the_settings_say():
    registry, key = Registry(entries=OURS), Secret("kk-1")
    plain = registry.endpoint("kilocode", None, key, {"A": "1"})
    assert plain == Endpoint("https://api.kilo.ai/api/gateway/", key, {}, "kilocode", {"A": "1"})
    settings = ProviderSettings(
        base_url="http://here/", models=(), headers={"X-Tenant": "a"}, auth_header=False
    )
    mine = registry.endpoint("kilocode", settings, key)
    assert (mine.base_url, mine.key, mine.headers) == ("http://here/", None, {"X-Tenant": "a"})


async def test_connections_are_kept_and_given_back():
    registry = Registry(entries=OURS, keeps_connections=True)
    registry.load("kilocode")
    await registry.aclose()


def test_the_settings_say_which_plugins_are_left_out():
    off = Plugins(entries={"Anthropic": PluginEntrySettings(enabled=False)}, deny=("kilocode",))
    assert set(Registry.of(off, pytest.fail).manifests) == {"openai-compatible"}
    assert {"anthropic", "kilocode"} <= set(Registry.of(Plugins(), pytest.fail).manifests)
