"""Where the agent works."""

from pathlib import Path

import pytest

from genesis.config.paths import Paths
from genesis.config.schema import AgentDefaults, Agents, Settings
from genesis.core.fault import GenesisError
from genesis.session.place import open_workspace, workspace_folder
from genesis.tools.workspace import ToolError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "project").mkdir()
    return Paths.of({"HOME": str(tmp_path)})


def settings(workspace: str | None) -> Settings:
    return Settings(agents=Agents(defaults=AgentDefaults(workspace=workspace)))


@pytest.mark.parametrize(
    ("chosen", "configured", "folder", "expected"),
    [
        ("project", "~/other", "~", "project"),
        (None, "~/other", "project", "other"),
        (None, "~/.genesis/workspace", "project", "project"),
        (None, None, "project", "project"),
        (None, None, "", ".genesis/workspace"),
        (None, None, "..", ".genesis/workspace"),
        (None, None, ".genesis/agents", ".genesis/workspace"),
    ],
)
def test_folder(
    paths: Paths, chosen: str | None, configured: str | None, folder: str, expected: str
) -> None:
    found = workspace_folder(
        paths,
        settings(configured),
        chosen=paths.home / chosen if chosen else None,
        folder=paths.home / folder,
    )
    assert found == paths.home / expected


def test_the_default_is_made(paths: Paths) -> None:
    place = open_workspace(paths, paths.workspace_default)
    assert place.root.stat().st_mode & 0o777 == 0o700
    with pytest.raises(ToolError, match="private state"):
        place.resolve("../agents/main/agent/auth-profiles.json")


def test_another_must_be_there(paths: Paths) -> None:
    with pytest.raises(GenesisError, match="is no folder"):
        open_workspace(paths, paths.home / "nowhere")


def test_settings_elsewhere_are_private_too(tmp_path: Path) -> None:
    paths = Paths.of({"HOME": str(tmp_path), "GENESIS_CONFIG_PATH": str(tmp_path / "c.json")})
    place = open_workspace(paths, tmp_path)
    for text in ("c.json", ".config/genesis/gateway.env", ".genesis/x"):
        with pytest.raises(ToolError, match="private state"):
            place.resolve(text)
