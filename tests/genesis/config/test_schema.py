"""The settings as people write them."""

import pytest

from genesis.config.reference import settings
from genesis.config.schema import Settings
from genesis.config.validate import read_settings


def read(content):
    found, issues = read_settings(content)
    assert issues == ()
    return found


def test_an_empty_file_is_all_defaults():
    assert read({}) == Settings()
    defaults = Settings()
    assert defaults.agents.defaults.timeout_seconds == 600
    assert (defaults.tools.profile, defaults.tools.approval) == ("coding", "ask")
    assert (defaults.gateway.bind, defaults.gateway.auth.mode) == ("loopback", "token")
    assert defaults.env.shell_env.enabled is False


@pytest.mark.parametrize(
    ("model", "primary", "fallbacks"),
    [
        (None, None, ()),
        ("a/b", "a/b", ()),
        (" ", None, ()),
        ({"primary": "a/b"}, "a/b", ()),
        ({"primary": "a/b", "fallbacks": ["c/d"]}, "a/b", ("c/d",)),
        ({"fallbacks": ["c/d"]}, None, ("c/d",)),
    ],
)
def test_a_model_is_a_text_or_has_fallbacks(model, primary, fallbacks):
    content = {"model": model, "imageModel": model}
    defaults = read({"agents": {"defaults": content}}).agents.defaults
    assert (defaults.primary, defaults.fallbacks) == (primary, fallbacks)
    assert (defaults.image_primary, defaults.image_fallbacks) == (primary, fallbacks)


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"agents": {"defaults": {"timeoutSeconds": -1}}}, "agents.defaults.timeoutSeconds"),
        ({"gateway": {"port": 70000}}, "gateway.port"),
        ({"tools": {"approval": "never"}}, "tools.approval"),
        ({"auth": {"profiles": {"a": {"mode": "api_key"}}}}, "auth.profiles.a.provider"),
        ({"agents": {"defaults": {"thinkingDefault": "lots"}}}, "agents.defaults.thinkingDefault"),
    ],
)
def test_what_cannot_be_is_named_by_its_path(content, path):
    assert [where for where, _ in read_settings(content)[1]] == [path]


def test_every_setting_says_what_it_means():
    assert [row.path for row in settings() if not row.meaning.endswith((".", "?"))] == []
