"""Failures that people read."""

import pytest

from genesis.core.fault import AuthMissingError, ConfigError, GenesisError, ProviderError


@pytest.mark.parametrize(
    "error",
    [
        GenesisError("It is so."),
        ConfigError("It is so.", (("a.b", "wrong"),)),
        AuthMissingError("It is so.", "kilocode"),
        ProviderError("It is so.", status=500),
    ],
)
def test_each_has_its_sentence_and_ends_a_command_with_1(error):
    assert isinstance(error, GenesisError)
    assert (str(error), error.message, error.exit_code) == ("It is so.", "It is so.", 1)


def test_another_exit_code_may_be_asked_for():
    assert GenesisError("x", exit_code=130).exit_code == 130


def test_a_providers_failure_keeps_the_facts_for_the_failover():
    error = ProviderError("x", provider="p", model="m", code="E", retry_after_s=2.0, streamed=True)
    facts = (error.provider, error.model, error.status, error.code, error.retry_after_s)
    assert facts == ("p", "m", None, "E", 2.0)
    assert (error.streamed, error.is_abort) == (True, False)
