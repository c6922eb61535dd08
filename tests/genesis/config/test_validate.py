"""What is wrong with a settings file."""

import pytest

from genesis.config.schema import GATEWAY_PORT
from genesis.config.validate import read_settings

PROVIDER = {"baseUrl": "http://x", "models": []}


@pytest.mark.parametrize(
    ("content", "path", "message"),
    [
        pytest.param({"env": {"shellEnv": {"enabled": "yes"}}}, "env.shellEnv.enabled", "expected true or false, got a text", id="L36"),
        pytest.param({"env": {"shellEnv": {"timeoutMs": -1}}}, "env.shellEnv.timeoutMs", "expected a whole number of at least 0", id="below"),
        pytest.param({"env": {"K": 1}}, "env.K", "expected a text in quotes", id="variable"),
        pytest.param({"env": {"vars": {"K": 1}}}, "env.vars.K", "expected a text in quotes", id="inner-variable"),
        pytest.param({"env": {"shelEnv": {}}}, "env.shelEnv", 'expected a text in quotes. Did you mean "shellEnv"?', id="misspelt-section"),
        pytest.param({"agent": {}}, "agent", 'unknown key. Did you mean "agents"?', id="did-you-mean"),
        pytest.param({"qwzx": {}}, "qwzx", "unknown key", id="no-idea"),
        pytest.param({"primary": "x"}, "primary", 'unknown key. Did you mean "agents.defaults.model.primary"?', id="elsewhere"),
        pytest.param({"gateway": {"bind": "lann"}}, "gateway.bind", 'expected one of "loopback", "lan", "custom". Did you mean "lan"?', id="choice"),
        pytest.param({"gateway": {"port": 70000}}, "gateway.port", "expected a whole number of at most 65535", id="above"),
        pytest.param({"gateway": {"auth": {"token": 5}}}, "gateway.auth.token", 'expected a text in quotes, or {source: "env", id: "<VARIABLE>"}', id="secret"),
        pytest.param({"models": {"providers": {"k": PROVIDER | {"apiKey": {"source": "file", "id": "X"}}}}}, "models.providers.k.apiKey", 'expected a text in quotes, or {source: "env", id: "<VARIABLE>"}', id="reference"),
        pytest.param({"models": {"providers": {"k": {"models": []}}}}, "models.providers.k.baseUrl", "is missing. Where its API is, for example `https://api.kilo.ai/api/gateway/`.", id="missing"),
        pytest.param({"models": {"providers": {"k": {"baseUrl": "", "models": []}}}}, "models.providers.k.baseUrl", "must not be empty", id="empty"),
        pytest.param({"models": {"providers": {"k.l": PROVIDER | {"models": [{"id": "a", "name": "b", "reasonin": True}]}}}}, 'models.providers["k.l"].models[0].reasonin', 'unknown key. Did you mean "reasoning"?', id="deep"),
        pytest.param({"agents": {"defaults": {"model": 3}}}, "agents.defaults.model", "expected a text or an object {…} or null, got a whole number", id="union"),
        pytest.param({"tools": {"allow": "read"}}, "tools.allow", "expected a list […], got a text", id="list"),
        pytest.param([], "", "The file must hold an object: { … }.", id="root"),
    ],
)  # fmt: skip
def test_an_issue_has_a_path_and_a_sentence(content, path, message):
    _, issues = read_settings(content)
    assert issues == ((path, message),)


def test_all_issues_are_told_at_once():
    _, issues = read_settings({"a1": 1, "gateway": {"port": "x"}, "tools": {"approval": "yes"}})
    assert [path for path, _ in issues] == ["a1", "gateway.port", "tools.approval"]


@pytest.mark.parametrize(
    "content",
    [
        {"gateway": {"auth": {"mode": "sk-canary"}}},
        {"gateway": {"port": "sk-canary"}},
        {"models": {"mode": "sk-canary"}},
        {"tools": {"allow": "sk-canary"}},
        {"models": {"providers": {"k": PROVIDER | {"apiKey": {"source": "sk-canary"}}}}},
    ],
)
def test_no_message_quotes_a_value(content):
    settings, issues = read_settings(content)
    assert issues
    assert "canary" not in f"{issues} {settings}"


def test_the_settings_have_no_printed_secrets():
    settings, issues = read_settings(
        {
            "env": {"K": "canary", "vars": {"L": "canary"}},
            "gateway": {"auth": {"token": "canary"}},
            "models": {
                "providers": {"k": PROVIDER | {"apiKey": "canary", "headers": {"X-Key": "canary"}}}
            },
        }
    )
    assert not issues
    assert "canary" not in repr(settings)
    assert settings.models.providers["k"].api_key.literal.reveal() == "canary"


def test_an_empty_file_is_all_defaults():
    settings, issues = read_settings({})
    assert not issues
    assert settings.gateway.port == GATEWAY_PORT == 18789
    assert settings.agents.defaults.primary is None
    assert settings.models.mode == "merge"


@pytest.mark.parametrize(
    ("model", "primary", "fallbacks"),
    [
        ("a/b", "a/b", ()),
        ({"primary": "a/b"}, "a/b", ()),
        ({"primary": " a/b ", "fallbacks": ["c/d"]}, "a/b", ("c/d",)),
        ({"fallbacks": ["c/d"]}, None, ("c/d",)),
        ("  ", None, ()),
    ],
)
def test_a_model_is_a_text_or_a_section(model, primary, fallbacks):
    settings, issues = read_settings(
        {"agents": {"defaults": {"model": model, "imageModel": model}}}
    )
    defaults = settings.agents.defaults
    assert not issues
    assert (defaults.primary, defaults.fallbacks) == (primary, fallbacks)
    assert (defaults.image_primary, defaults.image_fallbacks) == (primary, fallbacks)


def test_what_onboarding_writes_is_valid():
    content = {
        "$schema": "x",
        "plugins": {"entries": {"kilocode": {"enabled": True}}},
        "auth": {
            "profiles": {"kilocode:default": {"provider": "kilocode", "mode": "api_key"}},
            "order": {"kilocode": ["kilocode:default"]},
        },
        "models": {
            "mode": "merge",
            "providers": {
                "kilocode": {
                    "baseUrl": "https://api.kilo.ai/api/gateway/",
                    "api": "openai-completions",
                    "models": [
                        {
                            "id": "kilo/auto",
                            "name": "Kilo Auto",
                            "reasoning": True,
                            "input": ["text", "image"],
                            "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
                            "contextWindow": 1000000,
                            "maxTokens": 128000,
                        }
                    ],
                }
            },
        },
        "agents": {
            "defaults": {
                "models": {"kilocode/kilo/auto": {"alias": "Kilo Gateway"}},
                "model": {"primary": "kilocode/kilo/auto"},
                "workspace": "~/.genesis/workspace",
            }
        },
        "gateway": {
            "mode": "local",
            "port": 18789,
            "bind": "loopback",
            "auth": {"mode": "token", "token": "0" * 48},
            "tailscale": {"mode": "off", "resetOnExit": False},
        },
        "session": {"dmScope": "per-channel-peer"},
        "tools": {"profile": "coding"},
        "wizard": {
            "lastRunAt": "t",
            "lastRunVersion": "v",
            "lastRunCommand": "c",
            "lastRunMode": "local",
        },
    }
    assert read_settings(content)[1] == ()
