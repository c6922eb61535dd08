"""Clients' wishes: each that is not fulfilled has a code and a sentence; what is not known does not fulfil one."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.deployment import Deployment, Site
from kilo_gateway.core.money import FREE, Price
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.router.wishes import MEMBERS, in_wished_order, objection, place_in

USD = 10**9
OURS = {"anthropic", "claude-eu", "groq", "router", "ollama"}


def is_ours(name):
    return name in OURS


def make(
    name="claude-eu",
    vendor="anthropic",
    dialect="openai_chat",
    price=None,
    parameters=(),
    can=(),
    **site,
):
    return Deployment(
        name, "m", "m", dialect, price=price, parameters=frozenset(parameters), capabilities=frozenset(can),
        site=Site(names=frozenset({name, vendor}), **site),
    )  # fmt: skip


ROUTER = make("router", "openrouter", is_router=True)
CHEAP = Price(input=USD, output=2 * USD)


def code(deployment, **wishes):
    found = objection(deployment, Preferences(**wishes), is_ours)
    if found is None:
        return None
    assert found.deployment_id == deployment.id
    assert found.code in MEMBERS
    assert len(found.reason) > 10
    return found.code


@pytest.mark.parametrize(
    ("deployment", "wishes", "expected"),
    [
        (make(), {}, None),
        # by the upstream's name or the vendor's, with a variant or without
        (make(), {"only": ("claude-eu",)}, None),
        (make(), {"only": ("groq", "anthropic")}, None),
        (make(), {"only": ("anthropic/fp8",)}, None),
        (make(), {"only": ("groq",)}, "not_only"),
        (Deployment("bare", "m", "m", "openai_chat"), {"only": ("bare",)}, None),
        (make(), {"ignore": ("anthropic",)}, "ignored"),
        (make(), {"ignore": ("groq",)}, None),
        # a router stands for whoever is none of ours
        (ROUTER, {"only": ("alibaba",)}, None),
        (ROUTER, {"only": ("router",)}, None),
        (ROUTER, {"only": ("openrouter",)}, None),
        (ROUTER, {"only": ("ollama",)}, "not_only"),
        (ROUTER, {"ignore": ("alibaba",)}, None),
        (ROUTER, {"ignore": ("openrouter",)}, "ignored"),
        # data policies
        (make(collects_data=False), {"no_collection": True}, None),
        (make(keeps_nothing=True), {"no_collection": True}, None),
        (make(collects_data=True), {"no_collection": True}, "data_collection"),
        (make(), {"no_collection": True}, "data_collection"),
        (make(keeps_nothing=True), {"zdr": True}, None),
        (make(keeps_nothing=False), {"zdr": True}, "zdr"),
        (make(collects_data=False), {"zdr": True}, "zdr"),
        (ROUTER, {"zdr": True, "no_collection": True}, None),
        (make("router", is_router=True, collects_data=True), {"no_collection": True}, "data_collection"),
        (make("router", is_router=True, keeps_nothing=False), {"zdr": True}, "zdr"),
        # precision
        (make(quantization="fp8"), {"quantizations": frozenset({"fp8"})}, None),
        (make(quantization="int4"), {"quantizations": frozenset({"fp8"})}, "quantization"),
        (make(), {"quantizations": frozenset({"fp8"})}, "quantization"),
        (ROUTER, {"quantizations": frozenset({"fp8"})}, None),
        # prices
        (make(price=CHEAP), {"max_prompt": USD, "max_completion": 2 * USD, "max_request": 0}, None),
        (make(price=CHEAP), {"max_prompt": USD - 1}, "max_price"),
        (make(price=CHEAP), {"max_completion": USD}, "max_price"),
        (make(price=Price(request=5)), {"max_request": 4}, "max_price"),
        (make(price=FREE), {"max_prompt": 0, "max_completion": 0}, None),
        (make(), {"max_prompt": USD}, "max_price"),
        (ROUTER, {"max_prompt": USD}, None),
        # parameters
        (make(parameters={"tools", "seed"}), {"parameters": frozenset({"seed"})}, None),
        (make(parameters={"tools"}), {"parameters": frozenset({"seed"})}, "parameters"),
        (make(), {"parameters": frozenset({"seed", "temperature"})}, None),
        (make(dialect="anthropic_messages"), {"parameters": frozenset({"seed"})}, "parameters"),
        (make(), {"parameters": frozenset({"tools"})}, "parameters"),
        (make(can={"tools"}), {"parameters": frozenset({"tools", "tool_choice"})}, None),
        (make(can={"tools"}), {"parameters": frozenset({"response_format"})}, "parameters"),
        (ROUTER, {"parameters": frozenset({"seed"})}, None),
    ],
)  # fmt: skip
def test_who_fulfils_a_wish(deployment, wishes, expected):
    assert code(deployment, **wishes) == expected


def test_a_reason_is_short_whatever_the_client_wrote():
    found = objection(make(), Preferences(only=("x" * 10_000,) * 50), is_ours)
    assert len(found.reason) < 500


A, B, C = make("a", "va"), make("b", "vb"), make("c", "vc")


def ordered(*order, candidates=(A, B, C), fallbacks=True):
    wishes = Preferences(order=order, allow_fallbacks=fallbacks)
    kept, left = in_wished_order(candidates, wishes, is_ours)
    return "".join(one.upstream[0] for one in kept), [one.code for one in left]


@pytest.mark.parametrize(
    ("order", "fallbacks", "expected", "left"),
    [
        ((), True, "abc", 0),
        (("vc", "b"), True, "cba", 0),
        (("vc", "nobody"), True, "cab", 0),
        (("vc", "b"), False, "cb", 1),
        (("nobody",), False, "", 3),
        ((), False, "a", 2),
    ],
)
def test_the_clients_order_comes_first_and_fall_backs_only_if_they_may(
    order, fallbacks, expected, left
):
    assert ordered(*order, fallbacks=fallbacks) == (expected, ["no_fallbacks"] * left)


def test_a_router_stands_at_the_first_name_that_is_none_of_ours():
    candidates = (ROUTER, make("groq", "groq"), A)
    assert ordered("groq", "alibaba", candidates=candidates)[0] == "gra"
    assert place_in(("groq", "alibaba"), ROUTER, is_ours) == 1
    assert place_in(("groq",), ROUTER, is_ours) is None


@given(
    st.permutations([A, B, C, ROUTER]),
    st.lists(st.sampled_from(["a", "vb", "router", "x", "groq"])),
    st.booleans(),
)
def test_everybody_is_kept_or_left(candidates, order, fallbacks):
    wishes = Preferences(order=tuple(order), allow_fallbacks=fallbacks)
    kept, left = in_wished_order(candidates, wishes, is_ours)
    found = Counter([one.id for one in kept] + [one.deployment_id for one in left])
    assert found == Counter(one.id for one in candidates)
    places = [place_in(order, one, is_ours) for one in kept]
    assert places == sorted(places, key=lambda place: len(order) if place is None else place)
