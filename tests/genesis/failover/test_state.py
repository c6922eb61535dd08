"""auth-state.json: private, whole, and as good as new when it is damaged."""

import stat
from pathlib import Path

import msgspec

from genesis.failover.cooldowns import KeyStats
from genesis.failover.state import AuthState, AuthStateFile


def with_order(state: AuthState) -> AuthState:
    return msgspec.structs.replace(state, order={"p": ("p:a",)})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "agent" / "auth-state.json"
    AuthStateFile(path).change(with_order)
    assert AuthStateFile(path).load().order == {"p": ("p:a",)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_written_when_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "auth-state.json"
    AuthStateFile(path).change(lambda state: state)
    assert not path.exists()


def test_a_damaged_file_is_as_good_as_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "auth-state.json"
    path.write_text('{"usageStats": [')
    assert AuthStateFile(path).load() == AuthState()


def test_the_names_are_those_of_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "auth-state.json"
    AuthStateFile(path).change(lambda s: msgspec.structs.replace(s, usage_stats={"p:a": KeyStats(cooldown_until=5)}))  # fmt: skip
    assert msgspec.json.decode(path.read_bytes()) == {
        "version": 1,
        "order": {},
        "usageStats": {"p:a": {"cooldownUntil": 5}},
    }
