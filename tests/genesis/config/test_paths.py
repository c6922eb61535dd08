"""Where files are."""

from pathlib import Path

import pytest

from genesis.config.paths import Paths


@pytest.mark.parametrize(
    ("environ", "state", "config"),
    [
        ({"HOME": "/h"}, "/h/.genesis", "/h/.genesis/genesis.json"),
        ({"HOME": "/h", "GENESIS_HOME": "/g"}, "/g/.genesis", "/g/.genesis/genesis.json"),
        ({"HOME": "/h", "GENESIS_HOME": "~/g"}, "/h/g/.genesis", "/h/g/.genesis/genesis.json"),
        ({"HOME": "/h", "GENESIS_STATE_DIR": "/s"}, "/s", "/s/genesis.json"),
        ({"HOME": "/h", "GENESIS_STATE_DIR": "~/s"}, "/h/s", "/h/s/genesis.json"),
        ({"HOME": "/h", "GENESIS_CONFIG_PATH": "/c.json5"}, "/h/.genesis", "/c.json5"),
        (
            {"HOME": "/h", "GENESIS_STATE_DIR": "/s", "GENESIS_CONFIG_PATH": "~/c"},
            "/s",
            "/h/c",
        ),
        ({"HOME": "/h", "GENESIS_STATE_DIR": "  "}, "/h/.genesis", "/h/.genesis/genesis.json"),
    ],
)
def test_overrides(environ, state, config):
    paths = Paths.of(environ)
    assert (str(paths.state_dir), str(paths.config_path)) == (state, config)


def test_what_belongs_to_the_agent_is_under_the_state_folder():
    paths = Paths.of({"HOME": "/h"})
    agent = Path("/h/.genesis/agents/main")
    assert paths.agent_dir == agent / "agent"
    assert paths.sessions_dir == agent / "sessions"
    assert paths.auth_profiles == agent / "agent" / "auth-profiles.json"
    assert paths.models_file == agent / "agent" / "models.json"
    assert paths.auth_state == agent / "agent" / "auth-state.json"
    assert paths.workspace_default == Path("/h/.genesis/workspace")


def test_the_services_file_counts_only_with_the_default_state_folder():
    assert Paths.of({"HOME": "/h"}).gateway_env == Path("/h/.config/genesis/gateway.env")
    assert Paths.of({"HOME": "/h", "GENESIS_STATE_DIR": "/h/.genesis"}).gateway_env is None


def test_people_read_a_tilde():
    paths = Paths.of({"HOME": "/h"})
    assert paths.shown(paths.config_path) == "~/.genesis/genesis.json"
    assert paths.shown(Path("/etc/x")) == "/etc/x"
    assert paths.expand("~/w") == paths.expand("w") == Path("/h/w")
    assert paths.expand("/w") == Path("/w")


def test_without_home_the_account_tells():
    assert Paths.of({}).home.is_absolute()
