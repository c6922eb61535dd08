"""The database that a command works on: the one of the configuration, made or upgraded if need be."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kilo_gateway.cli.home import loaded_settings, state_home
from kilo_gateway.cli.tables import PROBLEM, fail
from kilo_gateway.config.load import Loaded
from kilo_gateway.config.secrets import resolve
from kilo_gateway.core.fault import Fault

if TYPE_CHECKING:
    from kilo_gateway.store.store import Store

DATABASE_FILE = "gateway.db"
# Addresses as people know them, and the drivers that we speak through.
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}

T = TypeVar("T")


def database_url(loaded: Loaded, environ: Mapping[str, str], home: Path) -> str:
    """Address of the database, with its driver. Raises SecretError where the setting refers to nothing."""
    secret = resolve(loaded.settings.state.database, environ=environ, base=loaded.base)
    url = secret.reveal() or f"sqlite:///{home / DATABASE_FILE}"
    scheme, mark, rest = url.partition("://")
    return _DRIVERS.get(scheme, scheme) + mark + rest


def ask_store(config: Path | None, work: "Callable[[Store], Awaitable[T]]") -> T:
    """The result of `work` on the open store; ends the command where the database or the work says no."""
    loaded = loaded_settings(config, os.environ)
    home = state_home(os.environ, loaded.settings.state.home)
    url = database_url(loaded, os.environ, home)
    try:
        return asyncio.run(_asked(url, work))
    except Fault as fault:
        detail = f" ({fault.detail})" if fault.detail else ""
        fail(fault.message + detail, PROBLEM)


async def _asked(url: str, work: "Callable[[Store], Awaitable[T]]") -> T:
    from kilo_gateway.store.store import Store  # noqa: PLC0415 - start time

    store = Store.open(url)
    try:
        if not await store.is_current():
            await store.migrate()
        return await work(store)
    finally:
        await store.close()
