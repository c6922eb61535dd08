"""A conversation stays where its prompt is warm, unless moving is cheaper all the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.money import FREE, Price
from kilo_gateway.router.affinity import MOST_DEPLOYMENTS, WARM_S, Affinity, Warm, stay

USD = 10**9
CACHING = Price(input=USD, output=USD, cache_read=USD // 10)
NOT_CACHING = Price(input=USD, output=USD)


def make(name, price=CACHING):
    return Deployment(name, "m", "m", "openai_chat", price=price)


A, B, C = make("a"), make("b"), make("c")


def names(candidates, warm, costs=None):
    known = costs or {}
    return "".join(
        one.upstream for one in stay(candidates, warm, lambda one: known.get(one.upstream))
    )


def warm_at(*deployments, was_read=False):
    return [Warm(one.id, 100, 0.0, was_read) for one in deployments]


def test_who_answered_last_is_asked_first():
    assert names([A, B, C], warm_at(B)) == "bac"
    assert names([A, B, C], warm_at(C, B)) == "cab"


def test_who_is_no_candidate_any_more_is_left():
    gone = make("gone")
    assert names([A, B], warm_at(gone)) == "ab"
    assert names([A, B], warm_at(gone, B)) == "ba"


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ({"a": 10, "b": 9}, "ba"),
        ({"a": 10, "b": 10}, "ba"),
        ({"a": 9, "b": 10}, "ab"),  # cheaper with a cold cache
        ({"a": 9}, "ba"),
        ({"b": 9}, "ba"),
    ],
)
def test_moving_must_be_cheaper_than_staying(costs, expected):
    assert names([A, B], warm_at(B), costs) == expected


@pytest.mark.parametrize(
    ("price", "was_read", "expected"),
    [
        (NOT_CACHING, False, "ab"),  # nothing to stay for
        (NOT_CACHING, True, "ba"),
        (CACHING, False, "ba"),
        (FREE, False, "ba"),
        (None, False, "ba"),
    ],
)
def test_one_stays_for_a_cache_only(price, was_read, expected):
    here = make("b", price)
    assert names([A, here], warm_at(here, was_read=was_read)) == expected


def test_where_prices_do_not_compare_nobody_stays_at_the_second_best():
    here, better = make("b", None), Deployment("a", "m", "m", "openai_chat", priority=-1)
    assert names([better, here], warm_at(here)) == "ab"
    assert names([better, here], warm_at(here), {"a": 5, "b": 5}) == "ba"


candidate_lists = st.lists(st.sampled_from([A, B, C]), unique_by=lambda one: one.id)


@given(candidate_lists, candidate_lists, st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)))
def test_nobody_is_lost_and_the_others_keep_their_order(candidates, warm, costs):
    found = names(candidates, warm_at(*warm), costs)
    assert sorted(found) == sorted(one.upstream for one in candidates)
    assert found[1:] == "".join(one.upstream for one in candidates if one.upstream not in found[:1])


def test_what_was_answered_is_warm_for_five_minutes():
    affinity = Affinity()
    affinity.answered("talk", A.id, 70, 1000.0, was_read=True)
    assert affinity.warm("talk", 1000.0 + WARM_S) == (Warm(A.id, 70, 1000.0, True),)
    assert affinity.warm("talk", 1000.1 + WARM_S) == ()
    assert affinity.warm("other talk", 1000.0) == ()


def test_the_latest_comes_first_and_each_deployment_stands_there_once():
    affinity = Affinity()
    for number, one in enumerate([A, B, A]):
        affinity.answered("talk", one.id, number, 1000.0 + number)
    assert affinity.warm("talk", 1003.0) == (Warm(A.id, 2, 1002.0), Warm(B.id, 1, 1001.0))


def test_the_table_is_bounded_and_forgets_who_was_silent_the_longest():
    affinity = Affinity(most=2)
    for name in ("old", "new", "old", "newest"):
        affinity.answered(name, A.id, 1, 1000.0)
    assert len(affinity) == 2
    assert [bool(affinity.warm(name, 1000.0)) for name in ("old", "new", "newest")] == [
        True,
        False,
        True,
    ]


def test_a_conversation_remembers_a_few_deployments_only():
    affinity = Affinity()
    for number in range(MOST_DEPLOYMENTS + 3):
        affinity.answered("talk", f"a/{number}", 1, 1000.0)
    assert len(affinity.warm("talk", 1000.0)) == MOST_DEPLOYMENTS
