"""What a reset takes, and what it leaves."""

from datetime import UTC, datetime

import pytest

from genesis.commands.onboard_reset import reset, takes_keys
from genesis.config.paths import Paths

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FILES = (
    "genesis.json",
    "agents/main/agent/auth-profiles.json",
    "agents/main/sessions/s.jsonl",
    "workspace/a.txt",
)


@pytest.fixture
def paths(tmp_path):
    paths = Paths.of({"HOME": str(tmp_path)})
    for name in FILES:
        path = paths.state_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    return paths


@pytest.mark.parametrize(
    ("scope", "left"),
    [("config", FILES[1:]), ("config+creds+sessions", FILES[3:]), ("full", ())],
)
def test_each_scope_takes_its_part(paths, scope, left):
    reset(paths, scope, AT)
    assert tuple(name for name in FILES if (paths.state_dir / name).exists()) == left
    assert takes_keys(scope) is (FILES[1] not in left)
    assert (paths.state_dir / "genesis.json.bak").read_text() == "{}"


def test_conversations_are_moved_and_keys_are_gone(paths):
    told = reset(paths, "full", AT)
    aside = paths.state_dir / "removed" / "20260304-050607"
    assert sorted(one.name for one in aside.iterdir()) == ["sessions", "workspace"]
    assert aside.stat().st_mode & 0o777 == 0o700
    assert not list(paths.state_dir.rglob("auth-profiles*"))
    assert any("Moved ~/.genesis/agents/main/sessions to" in line for line in told)


def test_nothing_there_is_nothing_told(tmp_path):
    assert reset(Paths.of({"HOME": str(tmp_path)}), "full", AT) == []
