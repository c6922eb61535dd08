"""Who calls is read from the head alone."""

from kilo_gateway.edge.caller import read_caller
from kilo_gateway.keys.secret import digest_of


def test_a_key_is_known_by_its_digest() -> None:
    caller = read_caller({b"authorization": b"Bearer kg_live_1", b"x-kilocode-mode": b"code"})
    assert caller.digest == digest_of(b"kg_live_1")
    assert caller.hints.mode == "code"


def test_without_a_key_there_is_none() -> None:
    assert read_caller({b"authorization": b"Bearer anonymous"}).digest is None
