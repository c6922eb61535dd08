"""Hard constraints: each says its code and a sentence."""

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.router.eligibility import rejection
from kilo_gateway.router.health import BreakerRule, Health

HERE = Deployment("openai", "OpenAI/GPT-5", "gpt-5", "openai_chat", operations=("chat",))
ANYBODY = Grant("k", "ann")


def broken():
    health = Health(BreakerRule(failures=1, open_s=10.0))
    health.failed(HERE.id, Fault(Kind.UPSTREAM_ERROR, "x"), 100.0)
    return health


def test_what_breaks_no_constraint_is_not_rejected():
    assert rejection(HERE, "chat", ANYBODY, Health(), 0.0) is None


def test_an_operation_that_it_does_not_serve():
    found = rejection(HERE, "embeddings", ANYBODY, Health(), 0.0)
    assert (found.deployment_id, found.code) == ("openai/gpt-5", "operation")
    assert "embeddings" in found.reason
    assert "chat" in found.reason


def test_chat_and_embeddings_are_translated_and_other_operations_are_not():
    there = Deployment("o", "m", "m", "openai_chat", operations=("chat", "embeddings", "rerank"))
    for operation, is_fine in (("chat", True), ("embeddings", True), ("rerank", False)):
        found = rejection(there, operation, ANYBODY, Health(), 0.0, "gemini")
        assert (found is None) is is_fine


def test_a_model_that_the_key_may_not_use():
    grant = Grant("k", "ann", models=("anthropic/*",))
    assert rejection(HERE, "chat", grant, Health(), 0.0).code == "not_allowed"


def test_rights_are_matched_in_lower_case():
    grant = Grant("k", "ann", models=("openai/*",))
    assert rejection(HERE, "chat", grant, Health(), 0.0) is None


def test_an_open_breaker_says_when_it_is_asked_again():
    found = rejection(HERE, "chat", ANYBODY, broken(), 104.0)
    assert found.code == "breaker_open"
    assert "6.0 s" in found.reason
    assert rejection(HERE, "chat", ANYBODY, broken(), 110.0) is None


def test_what_never_fits_is_told_before_what_passes():
    assert rejection(HERE, "embeddings", ANYBODY, broken(), 100.0).code == "operation"
