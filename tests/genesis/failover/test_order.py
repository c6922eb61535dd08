"""The order in which a provider's stored keys are tried (genesis.md 9.5), and J1."""

from collections.abc import Mapping, Sequence

import pytest

from genesis.config.schema import Auth, AuthProfile
from genesis.failover.cooldowns import KeyStats
from genesis.failover.order import Shelf, effective_order

NOW = 1_700_000_000_000.0


class Key:
    """A stored profile as the order sees it."""

    def __init__(
        self, provider: str, kind: str = "api_key", expires_ms: float | None = None
    ) -> None:
        self.provider = provider
        self.type = kind
        self.expires_ms = expires_ms


STORED = {
    "p:key": Key("p"),
    "p:key2": Key("p"),
    "p:oauth": Key("p", "oauth"),
    "p:token": Key("p", "token"),
    "q:x": Key("q"),
}


def ordered(
    stats: Mapping[str, KeyStats] | None = None,
    order: Mapping[str, Sequence[str]] | None = None,
    auth: Auth | None = None,
    preferred: str | None = None,
) -> list[str]:
    shelf = Shelf(STORED, auth or Auth(), order or {}, stats or {}, frozenset())
    return effective_order(shelf, "P", NOW, preferred=preferred)


def test_types_have_an_order_and_the_longest_unused_comes_first() -> None:
    stats = {"p:key": KeyStats(last_used=NOW)}
    assert ordered(stats) == ["p:oauth", "p:token", "p:key2", "p:key"]


def test_resting_keys_come_last_by_soonest_end() -> None:
    stats = {
        "p:oauth": KeyStats(cooldown_until=NOW + 9, cooldown_reason="auth"),
        "p:token": KeyStats(disabled_until=NOW + 5),
    }
    assert ordered(stats) == ["p:key", "p:key2", "p:token", "p:oauth"]


def test_an_order_of_a_command_wins_over_one_of_the_settings() -> None:
    auth = Auth(order={"p": ("p:key",)})
    assert ordered(auth=auth) == ["p:key"]
    assert ordered(auth=auth, order={"p": ["p:token", "gone", "q:x", "p:token"]}) == ["p:token"]


def test_an_empty_order_uses_no_key() -> None:
    assert ordered(auth=Auth(order={"p": ()})) == []


def test_keys_that_the_settings_name_are_the_ones() -> None:
    named = {"p:key2": AuthProfile(provider="p", mode="api_key")}
    assert ordered(auth=Auth(profiles=named)) == ["p:key2"]


def test_names_without_stored_keys_do_not_hide_the_stored_ones() -> None:
    named = {"p:gone": AuthProfile(provider="p", mode="api_key")}
    assert len(ordered(auth=Auth(profiles=named))) == 4


def test_a_sessions_own_key_comes_first() -> None:
    assert ordered(preferred="p:key2")[0] == "p:key2"


def test_keys_that_have_expired_come_last_whatever_the_order_says() -> None:
    stored = {
        "p:old": Key("p", "token", NOW),
        "p:new": Key("p", "token", NOW + 1),
        "p:key": Key("p"),
    }
    shelf = Shelf(stored)
    assert effective_order(shelf, "p", NOW) == ["p:new", "p:key", "p:old"]
    assert effective_order(shelf, "p", NOW, preferred="p:old")[-1] == "p:old"
    written = Shelf(stored, order={"p": ["p:old", "p:key"]})
    assert effective_order(written, "p", NOW) == ["p:key", "p:old"]


@pytest.mark.parametrize(
    ("exempt", "until"), [(frozenset({"p"}), None), (frozenset(), NOW + 60_000)], ids=["J1", "other"]
)  # fmt: skip
def test_keys_of_an_exempt_provider_never_rest(exempt: frozenset[str], until: float | None) -> None:
    marked = KeyStats(
        cooldown_until=NOW + 60_000, disabled_until=NOW + 60_000, disabled_reason="billing"
    )
    shelf = Shelf(STORED, stats={"p:key": marked}, exempt=exempt)
    assert shelf.rests_until("p:key", NOW) == until
