"""How calls are made at a deployment follows from the configuration, and is worked out once."""

from typing import Any

import msgspec

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.dialects.detailed import DETAILED
from kilo_gateway.dialects.embeddings.passage import embedding_passage
from kilo_gateway.dialects.rules.table import in_force
from kilo_gateway.dialects.translate import passage
from kilo_gateway.relay.mending import Mending
from kilo_gateway.relay.view import Terms, View
from kilo_gateway.upstreams.profiles import Profile


class FakeAccount:
    profile = Profile("Fake", "")


class FakeUpstream:
    quirks: frozenset[str] = frozenset()
    account = FakeAccount()


def view_of(**upstreams: object) -> View:
    nothing: Any = None
    known: Any = upstreams
    return View(nothing, known, Terms())


def test_a_deployment_is_asked_in_the_clients_dialect_if_it_speaks_it():
    upstream = FakeUpstream()
    found = view_of(a=upstream).approach(
        "openai_chat", "chat", Deployment("a", "m", "m", "openai_chat")
    )
    assert (found.upstream, found.spoken) == (upstream, "openai_chat")
    assert found.passage is passage("openai_chat", "openai_chat")


def test_else_in_its_own():
    deployment = Deployment("a", "m", "m", "openai_chat")
    found = view_of(a=FakeUpstream()).approach("anthropic_messages", "chat", deployment)
    assert found.spoken == "openai_chat"
    assert not found.passage.is_identity


def test_thoughts_are_told_as_details_unless_the_operator_says_otherwise():
    deployment = Deployment("a", "m", "m", "openai_chat", operations=("chat", "completions"))
    for is_on in (True, False):
        mending = Mending(in_force({"reasoning_details": is_on}))
        view = msgspec.structs.replace(view_of(a=FakeUpstream()), mending=mending, approaches={})
        assert (view.approach("openai_chat", "chat", deployment).passage is DETAILED) == is_on
        assert view.approach("openai_chat", "completions", deployment).passage is not DETAILED
        assert view.approach("gemini", "chat", deployment).passage is not DETAILED


def test_rules_concern_conversations_alone():
    view = view_of(a=FakeUpstream())
    deployment = Deployment("a", "m", "m", "openai_chat", operations=("chat", "embeddings"))
    assert view.approach("openai_chat", "chat", deployment).rules is not None
    assert view.approach("openai_chat", "embeddings", deployment).rules is None


def test_embeddings_go_the_way_that_the_vendors_row_says():
    upstream = FakeUpstream()
    upstream.account = FakeAccount()
    upstream.account.profile = Profile("Fake", "", embeddings="cohere", most_inputs=96)
    deployment = Deployment("a", "m", "m", "openai_chat", operations=("embeddings",))
    found = view_of(a=upstream).approach("openai_chat", "embeddings", deployment)
    assert found.passage is embedding_passage("openai_chat", "openai_chat", "cohere", 96)


def test_it_is_kept_for_each_view_apart():
    deployment = Deployment("a", "m", "m", "openai_chat")
    first, second = view_of(a=FakeUpstream()), view_of(a=FakeUpstream())
    kept = first.approach("openai_chat", "chat", deployment)
    assert first.approach("openai_chat", "chat", msgspec.structs.replace(deployment)) is kept
    assert second.approach("openai_chat", "chat", deployment) is not kept
