"""Secret -> Grant: from memory, and a refusal says what is wrong with the key."""

import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.keys.grants import Grants
from kilo_gateway.keys.secret import mint
from tests.clocks import StillClock

MINTED = mint()
KEY = MINTED.key.encode()


def make_grants(clock=None, **changes):
    grant = Grant("k1", "ann", **changes)
    return Grants(clock or StillClock(), [(MINTED.digest, grant)])


def refusal(grants, key):
    with pytest.raises(Fault) as caught:
        grants.find(key)
    return caught.value


def test_a_known_key_has_its_grant():
    assert make_grants(name="laptop").find(KEY) == Grant("k1", "ann", name="laptop")


def test_a_key_holds_until_the_very_second_of_its_end():
    clock = StillClock(1000.0)
    grants = make_grants(clock, expires_at=1060.0)
    clock.now = 1059.999
    assert grants.find(KEY).key_id == "k1"
    clock.now = 1060.0
    assert "expired" in refusal(grants, KEY).message


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (b"", "not an API key of this gateway"),
        (b"sk-proj-abcdefgh", "not an API key of this gateway"),
        (KEY[:-1], "mistyped"),
        (b"kg_live_\xff\xfe", "mistyped"),
        (mint().key.encode(), "unknown or revoked"),
        (MINTED.digest, "not an API key"),
        (MINTED.digest.hex().encode(), "not an API key"),
    ],
)
def test_a_refused_key_is_a_401_that_says_what_is_wrong_but_not_the_key(key, says):
    fault = refusal(make_grants(), key)
    assert (fault.kind, fault.status) == (Kind.AUTHENTICATION_REQUIRED, 401)
    assert says in fault.message
    assert not key or key.decode("latin-1") not in fault.message


def test_a_new_table_replaces_the_old_one_whole():
    grants, other = make_grants(), mint()
    grants.replace([(other.digest, Grant("k2", "bob"))], epoch=7)
    assert grants.find(other.key.encode()).key_id == "k2"
    assert "revoked" in refusal(grants, KEY).message
    assert (len(grants), grants.epoch) == (1, 7)
