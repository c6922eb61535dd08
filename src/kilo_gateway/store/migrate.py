"""Brings a database to the present tables, forward only."""

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, func, select

from kilo_gateway.core.fault import Fault, Kind

SCRIPTS = "kilo_gateway.store:migrations"
_LOCK = 0x4B47_0001  # any number that nobody else locks


def upgrade(connection: Connection) -> None:
    """Apply what is missing, within the connection's transaction. Fault STORE_UNAVAILABLE if a
    newer program made it.
    """
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":
        # SQLite's transaction keeps a second migration out; here a lock must, until the commit.
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise Fault(
            Kind.STORE_UNAVAILABLE,
            "This database was made by a newer version of the gateway. "
            "Upgrade the gateway, or use another database.",
            detail=str(error),
        ) from error
