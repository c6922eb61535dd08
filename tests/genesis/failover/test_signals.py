"""What errors say of themselves, the outermost first."""

import socket
from typing import Any

from genesis.core.fault import ProviderError
from genesis.failover.signals import DEEPEST, Signal, signals


def test_an_inner_error_without_a_status_has_that_of_the_outer_one() -> None:
    error = {"status": 422, "error": {"message": "a"}, "cause": {"status": 400, "message": "b"}}
    assert [(one.status, one.text) for one in signals(error)] == [(422, ""), (422, "a"), (400, "b")]


def test_a_number_as_code_is_a_status_and_a_word_is_a_code() -> None:
    assert list(signals({"code": 429, "type": "slow"})) == [Signal(429, "slow")]
    assert list(signals({"code": True, "message": 5})) == [Signal()]


def test_exceptions_of_the_system_have_its_codes() -> None:
    assert next(signals(ConnectionResetError(104, "x"))).code == "ECONNRESET"
    assert next(signals(socket.gaierror(-2, "x"))).code == "EAI_AGAIN"
    timeout = next(signals(TimeoutError("x")))
    assert (timeout.code, timeout.is_abort) == ("ETIMEDOUT", True)


def test_a_providers_error_keeps_its_facts() -> None:
    error = ProviderError("m", status=500, code="c", is_abort=True)
    assert list(signals(error)) == [Signal(500, "c", "m", is_abort=True)]


def test_cycles_and_depth_have_an_end() -> None:
    loop: dict[str, Any] = {"message": "x"}
    loop["error"] = loop["cause"] = loop
    assert len(list(signals(loop))) == 1
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"cause": deep}
    assert len(list(signals(deep))) == DEEPEST + 1


def test_what_is_no_error_says_nothing() -> None:
    assert list(signals(None)) == []
