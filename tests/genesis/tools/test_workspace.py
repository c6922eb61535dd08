"""Paths stay in the workspace, and out of the state of Genesis."""

import os
import stat
from pathlib import Path

import pytest

from genesis.core.fault import GenesisError
from genesis.tools.workspace import ToolError, Workspace, read_bytes, write_bytes


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / ".genesis" / "workspace").mkdir(parents=True)
    (tmp_path / "home" / ".genesis" / "key").write_text("secret")
    (tmp_path / "home" / "space").mkdir()
    return tmp_path / "home"


def at(home: Path, root: Path) -> Workspace:
    state = home / ".genesis"
    return Workspace(root, home=home, protected=[state], open_inside=state / "workspace")


@pytest.mark.parametrize("text", ["a.txt", "./sub/../a.txt", "~/space/a.txt"])
def test_inside(home: Path, text: str) -> None:
    assert at(home, home / "space").resolve(text) == home / "space" / "a.txt"


@pytest.mark.parametrize(
    "text", ["..", "../x", "/etc/passwd", "~", "sub/../../x", "link/x", "link"]
)
def test_outside(home: Path, text: str) -> None:
    (home / "space" / "link").symlink_to("/etc")
    with pytest.raises(ToolError, match="outside of the workspace"):
        at(home, home / "space").resolve(text)


@pytest.mark.parametrize("text", ["", "  ", "a\0b"])
def test_no_path(home: Path, text: str) -> None:
    with pytest.raises(ToolError, match="empty or has a NUL"):
        at(home, home / "space").resolve(text)


@pytest.mark.parametrize(
    "text", [".genesis/key", "~/.genesis", "work/../.genesis/key", "space/link/key"]
)
def test_the_state_is_out_of_bounds_even_inside(home: Path, text: str) -> None:
    (home / "space" / "link").symlink_to(home / ".genesis")
    with pytest.raises(ToolError, match="private state"):
        at(home, home).resolve(text)


def test_the_default_workspace_inside_the_state_is_open(home: Path) -> None:
    place = at(home, home / ".genesis" / "workspace")
    assert place.resolve("a") == home / ".genesis" / "workspace" / "a"
    with pytest.raises(ToolError, match="private state"):
        place.resolve("../key")


def test_the_state_is_no_workspace(home: Path) -> None:
    with pytest.raises(GenesisError, match="cannot be a workspace"):
        at(home, home / ".genesis")


def test_a_loop_of_links(home: Path) -> None:
    (home / "space" / "a").symlink_to("b")
    (home / "space" / "b").symlink_to("a")
    with pytest.raises(ToolError):
        read_bytes(at(home, home / "space").resolve("a"), "a")


def test_a_pipe_is_not_waited_for(home: Path) -> None:
    os.mkfifo(home / "pipe")
    with pytest.raises(ToolError, match="not a regular file"):
        read_bytes(home / "pipe", "pipe")


def test_a_link_that_came_meanwhile_is_not_followed(home: Path) -> None:
    (home / "a").symlink_to(home / ".genesis" / "key")
    with pytest.raises(ToolError, match="cannot be read"):
        read_bytes(home / "a", "a")


def test_a_large_file_is_refused(home: Path) -> None:
    (home / "a").write_bytes(b"x" * 11)
    with pytest.raises(ToolError, match="11 bytes"):
        read_bytes(home / "a", "a", limit=10)


def test_a_written_file_keeps_its_mode(home: Path) -> None:
    path = home / "run.sh"
    path.write_text("x")
    path.chmod(0o755)
    write_bytes(path, b"new", "run.sh")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o755)
    assert sorted(entry.name for entry in home.iterdir()) == [".genesis", "run.sh", "space"]


def test_what_cannot_be_written_is_said(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(ToolError, match="cannot be written"):
        write_bytes(home / "file" / "x", b"", "x")


def test_names_are_safe_to_show(home: Path) -> None:
    place = at(home, home / "space")
    assert place.shown(home / "space" / "a\x1b]0;x\x07\nb") == "a␛]0;x␇ b"
