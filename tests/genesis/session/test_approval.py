"""What runs, what is asked about, what is refused."""

from pathlib import Path

import pytest

from genesis.session.approval import Policy, Remembered, Wish, judge
from genesis.tools.workspace import Workspace

READ = Wish("read", "reads")
EXEC = Wish("exec", "runs", "git status")
DANGER = Wish("exec", "runs", "rm -rf /")
PRIVATE = Wish("exec", "runs", "cat ~/.genesis/genesis.json")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    return Workspace(home / "work", home=home, protected=[home / ".genesis"])


def outcome(wish: Wish, policy: Policy, place: Workspace, *keys: str) -> str:
    return judge(wish, policy, Remembered(set(keys)), place).outcome


@pytest.mark.parametrize(
    ("wish", "mode", "allow", "expected"),
    [
        (READ, "ask", (), "run"),
        (READ, "read-only", (), "run"),
        (EXEC, "ask", (), "ask"),
        (EXEC, "ask", ("exec",), "ask"),
        (EXEC, "read-only", ("exec",), "refuse"),
        (EXEC, "all", (), "run"),
        (EXEC, "allow-list", (), "ask"),
        (EXEC, "allow-list", ("exec",), "run"),
        (EXEC, "allow-list", ("exec:git status",), "run"),
        (EXEC, "allow-list", ("exec:git *",), "run"),
        (EXEC, "allow-list", ("exec:git st",), "ask"),
        (EXEC, "allow-list", ("write",), "ask"),
        (EXEC, "allow-list", ("exec:",), "ask"),
        (Wish("exec", "runs", "git status; id"), "allow-list", ("exec:git status",), "ask"),
        (Wish("exec", "runs", "git status $(id)"), "allow-list", ("exec:git",), "ask"),
        (DANGER, "allow-list", ("exec",), "ask"),
        (DANGER, "all", (), "ask"),
        (DANGER, "read-only", (), "refuse"),
        (PRIVATE, "all", ("exec",), "refuse"),
        (PRIVATE, "ask", (), "refuse"),
        (Wish("write", "writes"), "allow-list", ("write",), "run"),
    ],
)  # fmt: skip
def test_decision(
    place: Workspace, wish: Wish, mode: str, allow: tuple[str, ...], expected: str
) -> None:
    assert outcome(wish, Policy(mode, allow), place) == expected


def test_nobody_to_ask_means_no(place: Workspace) -> None:
    assert outcome(EXEC, Policy("ask", can_ask=False), place) == "refuse"
    assert outcome(DANGER, Policy("all", can_ask=False), place) == "refuse"


def test_always_covers_that_command_only(place: Workspace) -> None:
    assert outcome(EXEC, Policy(), place, EXEC.key) == "run"
    assert outcome(Wish("exec", "runs", "git log"), Policy(), place, EXEC.key) == "ask"


def test_always_covers_no_danger(place: Workspace) -> None:
    assert outcome(DANGER, Policy(), place, DANGER.key) == "ask"


@pytest.mark.parametrize("name", [".git/hooks/pre-commit", ".envrc", "sub/.git/config"])
def test_files_that_run_by_themselves_are_asked_about(place: Workspace, name: str) -> None:
    wish = Wish("write", "writes", target=place.root / name)
    assert outcome(wish, Policy("all"), place) == "ask"
