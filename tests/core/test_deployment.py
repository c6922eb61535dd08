"""A deployment is one model at one upstream, and knows only facts."""

from kilo_gateway.core.deployment import Deployment, Limits


def test_its_identity_is_upstream_and_the_name_used_there():
    deployment = Deployment("azure", "openai/gpt-5", "my-gpt-5", "openai_chat")
    assert deployment.id == "azure/my-gpt-5"


def test_what_is_not_told_is_not_assumed():
    deployment = Deployment("azure", "openai/gpt-5", "my-gpt-5", "openai_chat")
    assert deployment.capabilities == frozenset()
    assert deployment.limits == Limits(context=None, output=None)
    assert deployment.price is None
