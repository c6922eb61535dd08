"""Every secret that is known."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from genesis.auth.known import after_a_crash, for_logs, keys_and_tokens
from genesis.auth.profiles import Profile
from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.core.secret import Secret

SETTINGS: dict[str, Any] = {
    "env": {"vars": {"FROM_ENV": "value-of-the-env-block"}},
    "gateway": {"auth": {"token": "token-of-the-daemon"}, "remote": {"token": "token-of-another"}},
    "models": {
        "providers": {
            "p": {
                "baseUrl": "http://127.0.0.1:9",
                "apiKey": "${FROM_DOTENV}",
                "headers": {"X-Auth-Token": "value-of-a-header", "Authorization": "Basic user-and-password", "X-Tenant": "production"},
                "models": [{"id": "m", "name": "M", "headers": {"Cookie": "value-of-a-models-header"}}],
            }
        }
    },
}  # fmt: skip


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    state = tmp_path / ".genesis"
    state.mkdir()
    (state / "genesis.json").write_bytes(msgspec.json.encode(SETTINGS))
    (state / ".env").write_text("FROM_DOTENV=key-of-dotenv\nOTHER=other-of-dotenv\n")
    return {"HOME": str(tmp_path), "P_KEY": "key-of-the-environment", "PLAIN": "something-else", "GENESIS_GATEWAY_TOKEN": "token-of-the-environment"}  # fmt: skip


def opened(environ: dict[str, str]) -> Loaded:
    return load(Paths.of(environ), environ).require()


def texts(secrets: list[Secret]) -> list[str]:
    return [secret.reveal() for secret in secrets]


STORED = {"p:a": Profile("api_key", "p", Secret("key-that-is-stored"))}
STRICT = {
    "key-that-is-stored", "key-of-the-environment", "key-of-dotenv", "token-of-the-daemon", "token-of-another", "token-of-the-environment",
    "value-of-a-header", "Basic user-and-password", "user-and-password", "value-of-a-models-header",
}  # fmt: skip


def test_keys_and_tokens_are_found_wherever_they_are_kept(environ: dict[str, str]) -> None:
    found = texts(keys_and_tokens(opened(environ), STORED, ["P_KEY"]))
    assert set(found) == STRICT
    assert found == sorted(found, key=len, reverse=True)


def test_a_log_does_without_everything_that_could_be_one(environ: dict[str, str]) -> None:
    found = texts(for_logs(opened(environ), STORED))
    assert set(found) == STRICT | {"production", "value-of-the-env-block", "other-of-dotenv"}


def test_after_a_crash_what_can_still_be_read_is_known(environ: dict[str, str]) -> None:
    paths = Paths.of(environ)
    paths.auth_profiles.parent.mkdir(parents=True)
    paths.auth_profiles.write_text("{")
    assert "token-of-the-daemon" in texts(after_a_crash(environ))
    paths.config_path.write_text("{broken")
    assert "key-of-the-environment" in texts(after_a_crash(environ))


def test_the_login_shell_is_not_asked_after_a_crash(environ: dict[str, str]) -> None:
    environ |= {"GENESIS_LOAD_SHELL_ENV": "1", "SHELL": "/bin/false"}
    assert "key-of-the-environment" in texts(after_a_crash(environ))
