"""`kilo-gateway keys`: create, list and revoke API keys, also while the gateway runs."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from kilo_gateway.cli.database import ask_store
from kilo_gateway.cli.home import ConfigOption
from kilo_gateway.cli.moments import ahead, day_text, iso_text, moment_text
from kilo_gateway.cli.tables import PROBLEM, JsonOption, fail, note, print_json, show_table
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.keys.secret import mint

if TYPE_CHECKING:
    from kilo_gateway.store.rows import KeyRow
    from kilo_gateway.store.store import Store

OWNER = "admin"
_LONGEST_NAME = 100

keys = typer.Typer(
    name="keys", help="Create, list and revoke API keys; works while it runs.", no_args_is_help=True
)


class ShownKey(msgspec.Struct, frozen=True):
    """A key as printed for programs. Times are ISO 8601 in UTC, None for never."""

    id: str
    name: str
    prefix: str
    owner: str
    models: tuple[str, ...]
    state: str
    created_at: str | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class CreatedKey(msgspec.Struct, frozen=True):
    """A new key as printed for programs: the only time that `key` is shown."""

    id: str
    key: str
    name: str
    prefix: str
    models: tuple[str, ...]
    created_at: str | None
    expires_at: str | None


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for; `revoke` knows it by this.")],
    *,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models", help="Model id or glob that it may use, repeatable (default: every model)."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", help="When it ends: 12h, 30d, or a date or time in UTC (default: never)."
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an API key and print it, once."""
    from kilo_gateway.store.rows import KeyRow  # noqa: PLC0415 - start time

    now = SystemClock().wall()
    minted = mint()
    row = KeyRow(
        id=f"key_{minted.digest.hex()[:16]}",
        name=_checked_name(name),
        digest=minted.digest.hex(),
        prefix=minted.prefix,
        owner=OWNER,
        models=_checked_models(models or []),
        created_at=now,
        expires_at=_checked_expiry(expires, now),
    )

    async def add(store: "Store") -> None:
        if any(
            known.name == row.name and known.revoked_at is None for known in await store.list_keys()
        ):
            fail(f'there is a key called "{row.name}" already: choose another name', PROBLEM)
        await store.add_key(row)

    ask_store(config, add, changes_keys=True)
    _show_created(row, minted.key, as_json=as_json)


@keys.command("list")
def list_keys(*, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List all keys, the oldest first; never the keys themselves."""

    async def read(store: "Store") -> "list[KeyRow]":
        return await store.list_keys()

    now = SystemClock().wall()
    rows = ask_store(config, read)
    if as_json:
        print_json([_shown(row, now) for row in rows])
    elif not rows:
        note("There is no key yet: `kilo-gateway keys create NAME` makes one.")
    else:
        columns = ("name", "key", "models", "state", "created", "expires", "last used")
        show_table(columns, [_row(row, now) for row in rows])


@keys.command("revoke")
def revoke(
    which: Annotated[
        str, typer.Argument(metavar="ID_OR_NAME", help="Id, name, prefix or the key.")
    ],
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key for good."""
    now = SystemClock().wall()

    async def end(store: "Store") -> "KeyRow":
        return await store.revoke_key(which, at=now)

    row = ask_store(config, end, changes_keys=True)
    if as_json:
        print_json(_shown(row, now))
    else:
        typer.echo(f"Revoked {row.id} ({row.name}). A running gateway refuses it within a second.")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        fail(f"a name has 1 to {_LONGEST_NAME} printable characters")
    return name


def _checked_models(models: list[str]) -> tuple[str, ...]:
    """Globs in lower case, since rights are compared with model ids in lower case."""
    globs = tuple(glob.strip().lower() for glob in models)
    if any(not glob or len(glob) > 200 or not glob.isprintable() for glob in globs):
        fail("--models takes a model id or a glob such as openai/*")
    return globs


def _checked_expiry(text: str | None, now: float) -> float | None:
    if text is None:
        return None
    expires_at = ahead(text, now)
    if expires_at is None:
        fail(f'--expires takes a span (12h, 30d), a date or a time, not "{text}"')
    if expires_at <= now:
        fail(f"--expires {text} is in the past")
    return expires_at


def _show_created(row: "KeyRow", key: str, *, as_json: bool) -> None:
    if as_json:
        print_json(
            CreatedKey(
                id=row.id,
                key=key,
                name=row.name,
                prefix=row.prefix,
                models=row.models,
                created_at=iso_text(row.created_at),
                expires_at=iso_text(row.expires_at),
            )
        )
        return
    typer.echo(key)
    note(
        f"This is the only time that the key is shown: keep it now.\n"
        f"id: {row.id}   name: {row.name}   models: {_models_text(row)}   "
        f"expires: {moment_text(row.expires_at)}"
    )


def _state(row: "KeyRow", now: float) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"


def _models_text(row: "KeyRow") -> str:
    return ", ".join(row.models) or "all"


def _shown(row: "KeyRow", now: float) -> ShownKey:
    return ShownKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        owner=row.owner,
        models=row.models,
        state=_state(row, now),
        created_at=iso_text(row.created_at),
        expires_at=iso_text(row.expires_at),
        revoked_at=iso_text(row.revoked_at),
        last_used_at=iso_text(row.last_used_at),
    )


def _row(row: "KeyRow", now: float) -> tuple[str, ...]:
    """Without the id, so that a row fits into 80 columns; `--json` has it."""
    return (
        row.name,
        row.prefix,
        _models_text(row),
        _state(row, now),
        day_text(row.created_at),
        day_text(row.expires_at),
        day_text(row.last_used_at),
    )
