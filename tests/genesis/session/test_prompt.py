"""The system prompt."""

from datetime import date
from pathlib import Path

import pytest

from genesis.session.approval import Policy
from genesis.session.prompt import LONGEST_NOTES, system_prompt
from genesis.tools.toolbox import offered
from genesis.tools.workspace import Workspace


def prompt(root: Path) -> str:
    place = Workspace(root, home=root)
    return system_prompt(place, date(2026, 1, 2), offered("coding"), Policy("ask"))


def test_it_says_where_when_and_with_what(tmp_path: Path) -> None:
    text = prompt(tmp_path)
    assert f"Workspace: {tmp_path}\nToday: 2026-01-02\nTools: read, search, edit" in text
    assert "A person is asked" in text


def test_notes_of_the_workspace_are_in_it_and_bounded(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("use tabs " + "x" * 50_000)
    assert "use tabs" in prompt(tmp_path)
    assert len(prompt(tmp_path)) < LONGEST_NOTES + 2_000


@pytest.mark.parametrize("target", ["/etc/passwd", "AGENTS.md"])
def test_notes_that_lead_elsewhere_are_not(tmp_path: Path, target: str) -> None:
    (tmp_path / "AGENTS.md").symlink_to(target)
    assert "What the workspace" not in prompt(tmp_path)
