"""The member `provider`: what it wishes, what is wrong with it, and who gets to see it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.deployment import Deployment, Site
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.dialects.body import raw_json, read_fields
from kilo_gateway.dialects.preferences import (
    MOST_NAMES,
    put_preferences,
    read_preferences,
    with_preferences,
)

USD = 10**9
ROUTER = Deployment(
    "or", "m", "m", "openai_chat", site=Site(frozenset({"or", "openrouter"}), is_router=True)
)
NO_ROUTER = frozenset({"no_routing_fields"})


def read(provider, **members):
    return read_preferences(
        {"provider": raw_json(provider)} | {k: raw_json(v) for k, v in members.items()}
    )


def sent(provider, quirks=frozenset()):
    """What an upstream gets of it."""
    fields = {"model": raw_json("m"), "provider": raw_json(provider)}
    put_preferences(fields, ROUTER, quirks)
    return msgspec.json.decode(fields["provider"]) if "provider" in fields else None


@pytest.mark.parametrize("nothing", [None, {}, {"order": []}, {"order": None}, {"a": 1}, {"allow_fallbacks": True},
    {"data_collection": "allow", "zdr": False}])  # fmt: skip
def test_who_wishes_nothing_has_no_wishes(nothing):
    assert read(nothing) is None
    assert read_preferences({}) is None


def test_every_wish_is_understood():
    wishes = read(
        {
            "order": ["Anthropic", "amazon-bedrock", "anthropic", " "],
            "only": ["a"],
            "ignore": ["b"],
            "allow_fallbacks": False,
            "data_collection": "deny",
            "zdr": True,
            "sort": "price",
            "max_price": {
                "prompt": 1,
                "completion": "2.5",
                "request": 0.01,
                "image": 1,
                "audio": "x",
            },
            "quantizations": ["FP8", "bf16"],
            "something_new": {"x": 1},
        }
    )
    assert wishes == Preferences(
        order=("anthropic", "amazon-bedrock"),
        only=("a",),
        ignore=("b",),
        allow_fallbacks=False,
        no_collection=True,
        zdr=True,
        sort="price",
        max_prompt=USD,
        max_completion=5 * USD // 2,
        max_request=USD // 100,
        quantizations=frozenset({"fp8", "bf16"}),
    )


def test_a_sort_may_be_told_as_an_object():
    assert read({"sort": {"by": "latency", "partition": "none"}}).sort == "latency"


def test_parameters_are_those_of_the_request_in_one_vocabulary():
    wishes = read(
        {"require_parameters": True}, tools=[], thinking={}, max_output_tokens=5, stream=True, x=1
    )
    assert wishes.parameters == {"tools", "reasoning", "max_tokens"}
    assert read({"require_parameters": False}, tools=[]) is None


@pytest.mark.parametrize(
    ("provider", "param"),
    [
        ("lmstudio", "provider"),  # case I14
        ([], "provider"),
        ({"data_collection": "invalid"}, "provider.data_collection"),  # case A13
        ({"data_collection": {}}, "provider.data_collection"),
        ({"zdr": "true"}, "provider.zdr"),  # case A13
        ({"order": "a"}, "provider.order"),
        ({"only": [1]}, "provider.only"),
        ({"ignore": {}}, "provider.ignore"),
        ({"only": ["a"] * (MOST_NAMES + 1)}, "provider.only"),
        ({"allow_fallbacks": 1}, "provider.allow_fallbacks"),
        ({"require_parameters": "yes"}, "provider.require_parameters"),
        ({"sort": "beauty"}, "provider.sort"),
        ({"sort": {"by": 1}}, "provider.sort"),
        ({"sort": []}, "provider.sort"),
        ({"max_price": 1}, "provider.max_price"),
        ({"max_price": {"prompt": -1}}, "provider.max_price.prompt"),
        ({"max_price": {"completion": "Infinity"}}, "provider.max_price.completion"),
        ({"max_price": {"request": True}}, "provider.max_price.request"),
        ({"max_price": {"image": []}}, "provider.max_price.image"),
        ({"quantizations": "fp8"}, "provider.quantizations"),
    ],
)
def test_what_is_wrong_is_named(provider, param):
    with pytest.raises(Fault) as caught:
        read(provider)
    assert (caught.value.kind, caught.value.status) == (Kind.INVALID_REQUEST, 400)
    assert caught.value.param == param
    assert param in caught.value.message


@given(st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["order", "sort", "by", "max_price", "prompt", "zdr", "only", "data_collection"]), inner),
    max_leaves=8,
))  # fmt: skip
def test_whatever_it_is_it_is_understood_or_refused(provider):
    try:
        wishes = read(provider)
    except Fault as fault:
        kind, wishes = fault.kind, None
    else:
        kind = Kind.INVALID_REQUEST
        sent(provider)  # what is understood can be passed on
    assert kind is Kind.INVALID_REQUEST
    assert wishes is None or isinstance(wishes, Preferences)


def test_a_router_gets_the_wishes_as_they_came():
    # cases I12, I13; members that we do not know are carried
    provider = {"only": ["alibaba"], "order": ["alibaba"], "zdr": True, "new": {"x": [1]}}
    assert sent(provider) == provider


def test_nobody_else_gets_them():
    assert sent({"only": ["alibaba"]}, NO_ROUTER) is None
    fields = {"model": raw_json("m")}
    put_preferences(fields, ROUTER, frozenset())
    assert list(fields) == ["model"]


def test_a_router_does_not_hear_its_own_name():
    assert sent({"order": ["openrouter", "groq"], "zdr": True}) == {"order": ["groq"], "zdr": True}
    assert sent({"order": ["OR"], "zdr": True}) == {"zdr": True}


def test_who_may_ask_a_router_leaves_the_choice_to_it():
    assert sent({"only": ["openrouter", "ollama"], "zdr": True}) == {"zdr": True}


@pytest.mark.parametrize(
    ("quirks", "expected"),
    [(frozenset(), {"a": 1, "provider": {"zdr": True}}), (NO_ROUTER, {"a": 1})],
)
def test_a_translated_body_carries_them_too(quirks, expected):
    fields = read_fields(b'{"provider":{"zdr":true}}')
    body = with_preferences(b'{"a":1}', fields, ROUTER, quirks)
    assert msgspec.json.decode(body) == expected


def test_a_translated_body_without_wishes_stays_as_it_is():
    assert with_preferences(b'{"a":1}', {}, ROUTER, frozenset()) == b'{"a":1}'
