"""Asks one provider what it offers now, for `genesis models list --provider`. Loaded late: it brings the network along."""

import asyncio
from collections.abc import Mapping, Sequence

from genesis.catalog.discovery import LIMIT_S
from genesis.commands.installation import Installation, Warn
from genesis.core.model import Model


def discovered(home: Installation, provider: str, warn: Warn) -> Mapping[str, Sequence[Model]]:
    """The provider's models by its id; its static ones, with a warning, when it cannot be asked in time."""
    return asyncio.run(_asked(home, provider, warn))


async def _asked(home: Installation, provider: str, warn: Warn) -> Mapping[str, Sequence[Model]]:
    code = home.registry.load(provider, home.accounts.api(provider))
    endpoint = home.accounts.endpoint(provider, home.resolved(provider))
    return {provider: await code.discover(endpoint, timeout_s=LIMIT_S, warn=warn)}
