"""`genesis models status --check`: 0 fine, 1 missing or expired, 2 expiring soon (genesis.md 10.5)."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from genesis.main import main

HOUR = 3_600_000


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("KILOCODE_API_KEY", "ANTHROPIC_API_KEY", "GENESIS_STATE_DIR", "GENESIS_CONFIG_PATH", "GENESIS_HOME"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".genesis" / "agents" / "main" / "agent"
    folder.mkdir(parents=True)
    return folder


def store(agent: Path, **profiles: tuple[str, int | None]) -> None:
    """Keys by name: their provider, and in how many hours they end."""
    now = time.time_ns() // 1_000_000
    content: dict[str, Any] = {}
    for name, (provider, hours) in profiles.items():
        entry = {"type": "api_key" if hours is None else "token", "provider": provider, "key": f"{name}-secret-1234567"}  # fmt: skip
        content[name] = entry if hours is None else entry | {"expires": now + hours * HOUR}
    (agent / "auth-profiles.json").write_bytes(
        msgspec.json.encode({"version": 1, "profiles": content})
    )


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ({}, 1),
        ({"a": ("kilocode", None)}, 0),
        ({"a": ("kilocode", 25)}, 0),
        ({"a": ("kilocode", 23)}, 2),
        ({"a": ("kilocode", -1)}, 1),
        ({"a": ("kilocode", -1), "b": ("kilocode", None)}, 0),
        ({"a": ("kilocode", 1), "b": ("kilocode", None)}, 2),
        ({"a": ("kilocode", None), "b": ("anthropic", -1)}, 0),
    ],
    ids=["none", "endless", "later", "soon", "expired", "another is used", "soon is used first", "not in use"],
)  # fmt: skip
def test_the_exit_code_tells_how_long_the_keys_in_use_last(
    agent: Path,
    capsys: pytest.CaptureFixture[str],
    profiles: dict[str, tuple[str, int | None]],
    expected: int,
) -> None:
    store(agent, **profiles)
    assert main(["models", "status", "--check"]) == expected
    assert main(["models", "status"]) == 0
    assert "secret" not in capsys.readouterr().out


def test_scripts_and_people_read_when_a_key_ends(
    agent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(agent, a=("kilocode", 5), b=("kilocode", -50), c=("anthropic", 100))
    main(["models", "status", "--json"])
    told = msgspec.json.decode(capsys.readouterr().out)["auth"]["oauth"]
    assert [(one["profileId"], one["status"]) for one in told["profiles"]] == [
        ("a", "expiring"),
        ("b", "expired"),
        ("c", "ok"),
    ]
    assert [(one["provider"], one["status"]) for one in told["providers"]] == [
        ("anthropic", "ok"),
        ("kilocode", "expiring"),
    ]
    main(["models", "status"])
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("Keys that expire")
    assert lines[at + 1 : at + 4] == [
        "- a (token) expires in 4 h",
        "- b (token) has expired 50 h ago: `genesis models auth login --provider kilocode`",
        "- c (token) expires in 4 days",
    ]
