"""The database that a command works on: the one of the configuration, made or upgraded if need be."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kilo_gateway.cli.home import loaded_settings, state_home
from kilo_gateway.cli.tables import PROBLEM, fail, note
from kilo_gateway.config.load import Loaded
from kilo_gateway.config.secrets import resolve
from kilo_gateway.core.fault import Fault
from kilo_gateway.keys.rights import Rights, read_rights, write_rights

if TYPE_CHECKING:
    from kilo_gateway.store.store import Store

DATABASE_FILE = "gateway.db"
RIGHTS_FILE = "rights.json"
# Addresses as people know them, and the drivers that we speak through.
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}

T = TypeVar("T")


def database_url(loaded: Loaded, environ: Mapping[str, str], home: Path) -> str:
    """Address of the database, with its driver. Raises SecretError where the setting refers to nothing."""
    secret = resolve(
        loaded.settings.state.database, environ=environ, base=loaded.base, is_header=False
    )
    url = secret.reveal() or f"sqlite:///{home / DATABASE_FILE}"
    scheme, mark, rest = url.partition("://")
    return _DRIVERS.get(scheme, scheme) + mark + rest


def ask_store(
    config: Path | None, work: "Callable[[Store], Awaitable[T]]", *, changes_keys: bool = False
) -> T:
    """The result of `work` on the open store; ends the command where the database or the work says no.

    Where it `changes_keys`, the rights file follows, so that a gateway that starts next knows them at once.
    """
    loaded = loaded_settings(config, os.environ)
    home = state_home(os.environ, loaded.settings.state.home)
    url = database_url(loaded, os.environ, home)
    try:
        return asyncio.run(_asked(url, work, home / RIGHTS_FILE if changes_keys else None))
    except Fault as fault:
        detail = f" ({fault.detail})" if fault.detail else ""
        fail(fault.message + detail, PROBLEM)


async def _asked(url: str, work: "Callable[[Store], Awaitable[T]]", rights_file: Path | None) -> T:
    from kilo_gateway.store.store import Store  # noqa: PLC0415 - start time

    store = Store.open(url)
    try:
        if not await store.is_current():
            await store.migrate()
        result = await work(store)
        if rights_file is not None:
            await _keep_rights(store, rights_file)
        return result
    finally:
        await store.close()


async def _keep_rights(store: "Store", path: Path) -> None:
    """Write the rights file anew; keys in it that the store does not know yet stay in it."""
    before = read_rights(path)
    rows = tuple((digest.hex(), grant) for digest, grant in await store.grants())
    rights = Rights(await store.keys_epoch(), rows, before.pending if before is not None else ())
    try:
        write_rights(path, rights)
    except OSError as error:
        note(
            f"the rights file {path} could not be written ({error.strerror}); the gateway will read the database"
        )
