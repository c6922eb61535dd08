"""Which stored key of a provider comes first (genesis.md 9.5). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from genesis.config.schema import Auth
from genesis.failover.cooldowns import KeyStats, resting_until

TYPES = ("oauth", "token", "api_key")
FRESH = KeyStats()


class StoredKey(Protocol):
    """What the order must know of a profile in `auth-profiles.json`; never the key."""

    @property
    def type(self) -> str:
        """`oauth`, `token` or `api_key`."""
        ...

    @property
    def provider(self) -> str:
        """Whose key it is."""
        ...

    @property
    def expires_ms(self) -> float | None:
        """When it ends by itself, in ms since the epoch."""
        ...


@dataclass(frozen=True)
class Shelf:
    """All that decides the order: stored keys, the settings, the order that commands set, what is known of each key."""

    stored: Mapping[str, StoredKey]
    auth: Auth = field(default_factory=Auth)
    order: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stats: Mapping[str, KeyStats] = field(default_factory=dict)
    exempt: frozenset[str] = frozenset()

    def rests_until(self, profile: str, now: float, model: str | None = None) -> float | None:
        """When the key may be used again; None if now. Keys of exempt providers never rest, whatever is written."""
        key = self.stored.get(profile)
        if key is not None and key.provider.lower() in self.exempt:
            return None
        return resting_until(self.stats.get(profile, FRESH), now, model)


def explicit_order(shelf: Shelf, provider: str) -> Sequence[str] | None:
    """The order that somebody wrote down for the provider: by a command, else in the settings."""
    for orders in (shelf.order, shelf.auth.order):
        for name, profiles in orders.items():
            if name.strip().lower() == provider:
                return profiles
    return None


def effective_order(
    shelf: Shelf,
    provider: str,
    now: float,
    *,
    model: str | None = None,
    preferred: str | None = None,
) -> list[str]:
    """The provider's stored keys in the order to try them; those that rest or have expired last."""
    provider = provider.strip().lower()
    explicit = explicit_order(shelf, provider)
    if explicit is not None:
        ordered = [name for name in dict.fromkeys(explicit) if _belongs(shelf, name, provider)]
    else:
        ordered = sorted(_known(shelf, provider), key=lambda name: _age(shelf, name))
    # Last, not left out: this machine's clock may be the one that is wrong.
    ordered.sort(key=lambda name: _has_expired(shelf, name, now))
    ends = {name: shelf.rests_until(name, now, model) for name in ordered}
    ready = [name for name in ordered if ends[name] is None]
    resting = sorted((name for name in ordered if name not in ready), key=lambda n: ends[n] or 0.0)
    if preferred in ready and not _has_expired(shelf, preferred, now):
        ready = [preferred, *(name for name in ready if name != preferred)]
    return ready + resting


def _belongs(shelf: Shelf, profile: str, provider: str) -> bool:
    key = shelf.stored.get(profile)
    return key is not None and key.provider.strip().lower() == provider


def _has_expired(shelf: Shelf, profile: str, now: float) -> bool:
    end = shelf.stored[profile].expires_ms
    return end is not None and end <= now


def _known(shelf: Shelf, provider: str) -> list[str]:
    """The keys that the settings name, if they are stored; else all that are stored."""
    named = [
        name
        for name, profile in shelf.auth.profiles.items()
        if profile.provider.strip().lower() == provider and _belongs(shelf, name, provider)
    ]
    return named or [name for name in shelf.stored if _belongs(shelf, name, provider)]


def _age(shelf: Shelf, profile: str) -> tuple[int, float]:
    kind = shelf.stored[profile].type
    rank = TYPES.index(kind) if kind in TYPES else len(TYPES)
    return rank, shelf.stats.get(profile, FRESH).last_used or 0.0
