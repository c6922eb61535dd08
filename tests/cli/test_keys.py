"""Keys are created, listed and revoked; the key itself is shown once."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import Result

from kilo_gateway.keys.secret import digest_of, is_well_formed
from kilo_gateway.store.store import Store

Run = Callable[..., Result]


def created(run: Run, *arguments: str) -> dict[str, Any]:
    result = run("keys", "create", *arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = msgspec.json.decode(result.stdout)
    return answer


def listed(run: Run) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = msgspec.json.decode(run("keys", "list", "--json").stdout)
    return rows


def test_a_new_key_is_one_json_object(run: Run) -> None:
    key = created(run, "laptop", "--models", "OpenAI/*", "--models", "local/*")
    assert is_well_formed(key["key"])
    assert (key["name"], key["models"]) == ("laptop", ["openai/*", "local/*"])
    assert key["expires_at"] is None
    assert key["key"].startswith(key["prefix"])


def test_a_new_key_is_printed_alone_with_a_warning_beside_it(run: Run) -> None:
    result = run("keys", "create", "laptop")
    assert is_well_formed(result.stdout.strip())
    assert "only time" in result.stderr


def test_the_list_never_shows_a_key(run: Run) -> None:
    key = created(run, "laptop")
    for arguments in (("keys", "list"), ("keys", "list", "--json")):
        text = run(*arguments).output
        assert key["prefix"] in text
        assert key["key"] not in text


def test_only_the_hash_is_stored(run: Run, home: Path) -> None:
    key = created(run, "laptop")
    stored = b"".join(path.read_bytes() for path in home.glob("gateway.db*"))
    assert digest_of(key["key"].encode()).hex().encode() in stored
    assert key["key"].encode() not in stored


def test_a_revoked_key_says_so_and_its_name_is_free_again(run: Run) -> None:
    first = created(run, "laptop")
    assert run("keys", "revoke", "laptop").exit_code == 0
    created(run, "laptop")
    assert [(row["id"] == first["id"], row["state"]) for row in listed(run)] == [
        (True, "revoked"),
        (False, "active"),
    ]


def test_a_key_is_revoked_by_its_id_and_told_as_json(run: Run) -> None:
    key = created(run, "laptop")
    answer = msgspec.json.decode(run("keys", "revoke", key["id"], "--json").stdout)
    assert (answer["id"], answer["state"]) == (key["id"], "revoked")


def test_two_keys_in_force_may_not_share_a_name(run: Run) -> None:
    created(run, "laptop")
    result = run("keys", "create", "laptop")
    assert (result.exit_code, len(listed(run))) == (1, 1)
    assert "already" in result.stderr


def test_an_unknown_key_cannot_be_revoked(run: Run) -> None:
    result = run("keys", "revoke", "nobody")
    assert result.exit_code == 1
    assert "No key has that id" in result.stderr


def test_an_expiry_is_a_date_or_a_span(run: Run) -> None:
    assert created(run, "a", "--expires", "2999-12-31")["expires_at"] == "2999-12-31T00:00:00Z"
    assert created(run, "b", "--expires", "30d")["expires_at"] is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ("a", "--expires", "soon"),
        ("a", "--expires", "2001-01-01"),
        ("a", "--expires", "0d"),
        ("  ",),
        ("a\nb",),
        ("x" * 101,),
        ("a", "--models", " "),
    ],
)
def test_wrong_arguments_make_no_key(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("keys", "create", *arguments).exit_code == 2
    assert listed(run) == []


def test_an_empty_list_says_how_to_make_a_key(run: Run) -> None:
    assert "keys create" in run("keys", "list").stderr


async def test_a_key_made_by_another_process_reaches_a_store_that_is_open(home: Path) -> None:
    home.mkdir(mode=0o700)
    store = Store.open(f"sqlite+aiosqlite:///{home / 'gateway.db'}")
    await store.migrate()
    epoch = await store.keys_epoch()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", "from kilo_gateway.cli.keys import keys; keys(['create', 'laptop', '--json'])"),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    digest = digest_of(msgspec.json.decode(output)["key"].encode())
    assert [known for known, _ in await store.grants()] == [digest]
    assert await store.keys_epoch() > epoch
    await store.close()
