"""Planner: names become an ordered plan, or the Fault that says why there is none."""

import random

import pytest

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.router.health import BreakerRule, Health
from kilo_gateway.router.planner import Asked, Circumstances, plan

ANYBODY = Grant("k", "ann")
NOW = 100.0


def make(upstream, model="small", **facts):
    return Deployment(upstream, model, model, "openai_chat", **facts)


class Names:
    """A catalog of a few names."""

    def __init__(self, auto=(), near=(), **models):
        self._models = models
        self._auto = tuple(auto)
        self._near = tuple(near)

    def candidates(self, name):
        return tuple(self._models.get(name.lower(), ()))

    def auto_candidates(self):
        return self._auto

    def nearest(self, name):
        return self._near


def made(names, *models, grant=ANYBODY, operation="chat", health=None, dice=None):
    at = Circumstances(health or Health(), NOW, dice or random.Random(1).random)
    return plan(Asked(models, operation), grant, names, at)


def refused(names, *models, **rest):
    with pytest.raises(Fault) as caught:
        made(names, *models, **rest)
    return caught.value


def broken(*ids, rule=None, fault=None):
    health = Health(rule or BreakerRule(failures=1, open_s=10.0))
    for number, name in enumerate(ids):
        health.failed(name, fault or Fault(Kind.UPSTREAM_ERROR, "x"), NOW - number)
    return health


def upstreams(found):
    return [deployment.upstream for deployment in found.candidates]


def test_every_deployment_of_a_model_is_a_candidate():
    found = made(Names(small=[make("a"), make("b")]), "small")
    assert sorted(upstreams(found)) == ["a", "b"]
    assert (found.model, found.policy, found.rejected) == ("small", "ordered", ())


def test_the_same_dice_give_the_same_plan():
    names = Names(small=[make(name) for name in "abcdefgh"])
    plans = [made(names, "small", dice=random.Random(seed).random) for seed in (5, 5, 6)]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]


def test_lower_priority_comes_first():
    names = Names(small=[make("late", priority=2), make("early", priority=1)])
    assert upstreams(made(names, "small")) == ["early", "late"]


def test_further_models_follow_in_the_clients_order():
    names = Names(small=[make("a")], large=[make("b", "large"), make("c", "large", priority=-1)])
    assert upstreams(made(names, "small", "large")) == ["a", "c", "b"]


def test_a_further_model_serves_when_the_first_is_unknown():
    assert upstreams(made(Names(large=[make("b", "large")]), "small", "large")) == ["b"]


def test_a_deployment_named_twice_is_tried_once():
    one = make("a")
    assert upstreams(made(Names(small=[one], alias=[one, make("b")]), "small", "alias")) == [
        "a",
        "b",
    ]


@pytest.mark.parametrize("name", ["kilo/auto", "auto", "Kilo/Auto"])
def test_auto_takes_groups_in_order_and_keeps_the_last_resort_last(name):
    groups = ((make("good", priority=9),), (make("tiny"),))
    for seed in range(20):
        found = made(Names(auto=groups), name, dice=random.Random(seed).random)
        assert (upstreams(found), found.policy) == (["good", "tiny"], "auto")


def test_what_is_rejected_is_told_with_its_reason():
    names = Names(small=[make("a"), make("b"), make("c", operations=("embeddings",))])
    found = made(names, "small", health=broken("b/small"))
    assert upstreams(found) == ["a"]
    assert {(item.deployment_id, item.code) for item in found.rejected} == {
        ("b/small", "breaker_open"),
        ("c/small", "operation"),
    }


def test_an_unknown_model_is_a_404_that_quotes_it_and_names_its_neighbours():
    fault = refused(Names(near=("openai/gpt-5",)), "openai/gtp-5")
    assert (fault.kind, fault.status, fault.param) == (Kind.MODEL_NOT_FOUND, 404, "model")
    assert "openai/gtp-5" in fault.message
    assert "openai/gpt-5" in fault.message
    assert "/v1/models" in fault.message


def test_a_name_of_any_length_gives_a_short_message():
    assert len(refused(Names(), "x" * 100_000).message) < 400


def test_a_name_cannot_write_lines_into_the_message():
    assert "\n" not in refused(Names(), "a\nb").message


def test_a_model_that_the_key_may_not_use_is_a_404():
    fault = refused(Names(small=[make("a")]), "small", grant=Grant("k", "ann", models=("other",)))
    assert (fault.kind, fault.status) == (Kind.MODEL_NOT_ALLOWED, 404)
    assert "small" in fault.message


def test_rights_also_bind_auto():
    groups = ((make("a", "openai/gpt-5"),), (make("b", "local/tiny"),))
    found = made(Names(auto=groups), "kilo/auto", grant=Grant("k", "ann", models=("local/*",)))
    assert upstreams(found) == ["b"]


def test_a_model_that_does_not_serve_the_operation_is_a_400():
    fault = refused(Names(small=[make("a")]), "small", operation="embeddings")
    assert (fault.kind, fault.status) == (Kind.API_KIND_NOT_SUPPORTED, 400)
    assert "embeddings" in fault.message


def test_when_every_breaker_is_open_the_fault_says_when_the_first_is_asked_again():
    names = Names(small=[make("a"), make("b")])
    fault = refused(names, "small", health=broken("a/small", "b/small"))
    assert (fault.kind, fault.status) == (Kind.UPSTREAM_OVERLOADED, 503)
    assert fault.retry_after == 9.0


def test_nobody_is_asked_to_come_back_sooner_than_in_a_second():
    health = broken("a/small", rule=BreakerRule(failures=1, open_s=0.25))
    assert refused(Names(small=[make("a")]), "small", health=health).retry_after == 1.0


LIMITED = Fault(Kind.UPSTREAM_RATE_LIMITED, "x", retry_after=5.0)


def test_an_upstream_that_asked_for_patience_comes_after_the_others():
    names = Names(small=[make("a"), make("b", priority=5)])
    chosen = made(names, "small", health=broken("a/small", fault=LIMITED))
    assert [one.id for one in chosen.candidates] == ["b/small", "a/small"]


def test_an_upstream_that_asked_for_patience_is_asked_all_the_same_when_it_is_alone():
    chosen = made(Names(small=[make("a")]), "small", health=broken("a/small", fault=LIMITED))
    assert [one.id for one in chosen.candidates] == ["a/small"]


def test_the_wait_is_that_of_deployments_which_could_serve_the_call():
    names = Names(small=[make("a"), make("b", operations=("embeddings",))])
    fault = refused(names, "small", health=broken("a/small", "b/small"))
    assert fault.retry_after == 10.0
