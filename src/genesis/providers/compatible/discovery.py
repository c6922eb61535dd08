"""What a server's `GET models` gives: in time, within bounds, and as models; without one a warning says why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from genesis.core.model import Model
from genesis.core.text import one_line
from genesis.providers.compatible.client import ListingError, list_models
from genesis.providers.compatible.connections import Connections
from genesis.providers.provider import Endpoint, Warn

DISCOVERY_S = 5.0


@dataclass(frozen=True)
class Listing:
    """How a plug-in lists models. `model_of` makes one of an entry, None of what is none; `instead` is a sentence about
    what is used when there is no list."""

    name: str
    model_of: Callable[[Any], Model | None]
    instead: str
    with_key: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


async def discovered(
    endpoint: Endpoint, listing: Listing, connections: Connections, timeout_s: float, warn: Warn
) -> list[Model]:
    """The server's models, each id once; none, with a warning, when they cannot be had. Never raises."""
    try:
        status, body = await list_models(
            endpoint,
            timeout_s,
            with_key=listing.with_key,
            connections=connections,
            headers=listing.headers,
        )
        entries = _entries(status, body)
    except ListingError as error:
        why = one_line(str(error))
        warn(f'The models of "{listing.name}" could not be listed: {why}. {listing.instead}')
        return []
    found: dict[str, Model] = {}
    for entry in entries:
        model = listing.model_of(entry)
        if model is not None:
            found.setdefault(model.id, model)
    return list(found.values())


def _entries(status: int, body: bytes) -> list[Any]:
    if not 200 <= status < 300:
        raise ListingError(f"HTTP {status}")
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ListingError("the answer is not JSON") from None
    data = content.get("data") if isinstance(content, dict) else content
    if not isinstance(data, list):
        raise ListingError("the answer has no list of models")
    return data
