"""Planner: names become an ordered plan, or the Fault that says why there is none."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.deployment import Deployment, Limits
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.money import Price
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.router.affinity import Warm
from kilo_gateway.router.health import BreakerRule, Health
from kilo_gateway.router.planner import Asked, Circumstances, plan
from kilo_gateway.router.policies import POLICIES

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

    def is_ours(self, name):
        return name in {"a", "b", "c"}

    def nearest(self, name):
        return self._near


def made(names, *models, grant=ANYBODY, operation="chat", health=None, dice=None, warm=(), **asked):
    at = Circumstances(health or Health(), NOW, dice or random.Random(1).random, warm)
    return plan(Asked(models, operation, **asked), grant, names, at)


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
    assert (found.model, found.policy, found.rejected) == ("small", "priority", ())


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


USD = 10**9


def priced(name, dollars, cached=None, **facts):
    cents = None if cached is None else int(cached * USD)
    price = Price(input=int(dollars * USD), output=int(dollars * USD), cache_read=cents)
    return make(name, price=price, **facts)


def sized(name, window, **facts):
    return make(name, limits=Limits(context=window), **facts)


def rejections(found):
    return {one.deployment_id.partition("/")[0]: one.code for one in found.rejected}


def test_each_model_has_a_policy_of_its_own():
    names = Names(
        small=[priced("a", 2, policy="cheapest"), priced("b", 1, policy="cheapest")],
        large=[make("a", "large", priority=1), make("b", "large")],
    )
    found = made(names, "small", "large")
    assert [one.id for one in found.candidates] == ["b/small", "a/small", "b/large", "a/large"]
    assert found.policy == "cheapest"


def test_targets_of_an_alias_come_in_its_order_whatever_the_policy():
    names = Names(
        best=[priced("a", 2, policy="cheapest"), priced("b", 1, policy="cheapest", place=1)]
    )
    assert upstreams(made(names, "best")) == ["a", "b"]


def test_the_least_busy_is_asked_first():
    health = Health()
    health.started("a/small", NOW)
    names = Names(small=[make("a", policy="least-busy"), make("b", policy="least-busy")])
    assert upstreams(made(names, "small", health=health)) == ["b", "a"]


def test_the_fastest_is_asked_first():
    health = Health()
    health.succeeded("a/small", 2.0)
    health.succeeded("b/small", 1.0)
    names = Names(small=[make("a", policy="fastest"), make("b", policy="fastest")])
    assert upstreams(made(names, "small", health=health, dice=lambda: 0.5)) == ["b", "a"]


def test_a_warm_cache_makes_the_dearer_one_cheaper():
    # 3 dollars with nearly everything cached at 0.3 against 1 dollar with a cold cache
    names = Names(small=[priced("a", 1, policy="cheapest"), priced("b", 3, 0.3, policy="cheapest")])
    cold = made(names, "small", input_tokens=50_000, most_output_tokens=10)
    warm = made(
        names,
        "small",
        input_tokens=50_000,
        most_output_tokens=10,
        warm=(Warm("b/small", 49_000, 90.0),),
    )
    assert (upstreams(cold), upstreams(warm)) == (["a", "b"], ["b", "a"])


def test_a_conversation_stays_where_it_is_warm():
    names = Names(small=[priced("a", 1, 0.1), priced("b", 1, 0.1, priority=5)])
    warm = (Warm("b/small", 1000, 90.0),)
    assert upstreams(made(names, "small", input_tokens=1000)) == ["a", "b"]
    assert upstreams(made(names, "small", input_tokens=1000, warm=warm)) == ["b", "a"]


def test_nobody_stays_where_it_is_ill():
    names = Names(small=[priced("a", 1, 0.1), priced("b", 1, 0.1, priority=5)])
    warm = (Warm("b/small", 1000, 90.0),)
    for health in (broken("b/small"), broken("b/small", fault=LIMITED)):
        assert upstreams(made(names, "small", warm=warm, health=health))[0] == "a"


def test_who_asks_for_speed_does_not_stay():
    health = Health()
    health.succeeded("a/small", 1.0)
    names = Names(small=[priced("a", 1, 0.1), priced("b", 1, 0.1)])
    found = made(
        names,
        "small",
        warm=(Warm("b/small", 9, 90.0),),
        health=health,
        wishes=Preferences(sort="latency"),
    )
    assert (upstreams(found), found.policy) == (["a", "b"], "latency")


def test_those_that_are_too_small_come_last_and_are_asked_all_the_same():
    names = Names(
        small=[sized("a", 8_000), make("b", priority=1), sized("c", 200_000, priority=2)],
        large=[sized("c", 1_000_000, model="large")],
    )
    assert upstreams(made(names, "small", input_tokens=8_000)) == ["a", "b", "c"]
    assert upstreams(made(names, "small", "large", input_tokens=9_000)) == ["b", "c", "c", "a"]
    assert upstreams(made(Names(small=[sized("a", 8)]), "small", input_tokens=9_000)) == ["a"]


def test_one_that_is_too_small_comes_after_one_that_asked_for_patience():
    names = Names(small=[sized("a", 8_000), sized("b", 200_000)])
    found = made(names, "small", input_tokens=9_000, health=broken("b/small", fault=LIMITED))
    assert upstreams(found) == ["b", "a"]


def test_wishes_rule_out_order_and_are_told():
    names = Names(small=[make("a"), make("b"), make("c")])
    found = made(names, "small", wishes=Preferences(ignore=("a",), order=("c",)))
    assert upstreams(found) == ["c", "b"]
    assert rejections(found) == {"a": "ignored"}


def test_without_fall_backs_one_upstream_of_each_model_is_asked():
    names = Names(small=[make("a"), make("b", priority=1)], large=[make("c", "large")])
    found = made(names, "small", "large", wishes=Preferences(allow_fallbacks=False))
    assert upstreams(found) == ["a", "c"]
    assert rejections(found) == {"b": "no_fallbacks"}


@pytest.mark.parametrize(
    ("wishes", "param"),
    [
        (Preferences(only=("nobody",)), "provider.only"),
        (Preferences(zdr=True), "provider.zdr"),
        (Preferences(order=("b",), only=("a",), allow_fallbacks=False), "provider"),
    ],
)
def test_wishes_that_nobody_fulfils_are_a_404_that_names_them(wishes, param):
    fault = refused(Names(small=[make("a"), make("b")]), "small", wishes=wishes)
    assert (fault.kind, fault.status, fault.param) == (Kind.PROVIDER_NOT_ALLOWED, 404, param)
    assert "provider." in fault.message


def test_who_fulfils_the_wishes_but_is_ill_is_worth_waiting_for():
    fault = refused(
        Names(small=[make("a"), make("b")]),
        "small",
        wishes=Preferences(only=("a",)),
        health=broken("a/small"),
    )
    assert (fault.kind, fault.retry_after) == (Kind.UPSTREAM_OVERLOADED, 10.0)


candidates = st.lists(
    st.builds(
        priced,
        st.sampled_from("abcdefgh"),
        st.floats(0, 10),
        st.none() | st.floats(0, 1),
        priority=st.integers(-2, 2),
        weight=st.integers(0, 5),
        limits=st.builds(Limits, context=st.none() | st.integers(1, 200_000)),
    ),
    min_size=1,
    unique_by=lambda one: one.id,
)
wishes = st.none() | st.builds(
    Preferences,
    order=st.lists(st.sampled_from("abx"), max_size=2).map(tuple),
    ignore=st.lists(st.sampled_from("abcdefgh"), max_size=2).map(tuple),
    sort=st.sampled_from(["", "price", "latency", "throughput"]),
    allow_fallbacks=st.booleans(),
)


@given(
    candidates, wishes, st.sampled_from(sorted(POLICIES)), st.integers(0, 300_000), st.integers()
)
def test_a_plan_is_a_permutation_of_the_eligible_and_the_same_for_the_same_dice(
    found, wished, policy, tokens, seed
):
    deployments = [msgspec.structs.replace(one, policy=policy) for one in found]
    warm = tuple(Warm(one.id, tokens, 90.0) for one in deployments[:2])
    names = Names(small=deployments)

    def once():
        return made(
            names,
            "small",
            wishes=wished,
            warm=warm,
            input_tokens=tokens,
            dice=random.Random(seed).random,
        )

    try:
        first = once()
    except Fault as fault:
        kind = fault.kind
    else:
        assert first == once()
        told = [one.id for one in first.candidates] + [one.deployment_id for one in first.rejected]
        assert sorted(told) == sorted(one.id for one in deployments)
        kind = Kind.PROVIDER_NOT_ALLOWED
    assert kind is Kind.PROVIDER_NOT_ALLOWED
