"""Who serves which model: gateway-cases M14, and the lists of gateway.md 12.6 and 12.7."""

from typing import Any

import msgspec

from kilo_gateway.catalog.build import Knowledge, build
from kilo_gateway.catalog.facts import Facts
from kilo_gateway.catalog.provider_listing import render_by_provider, render_endpoints
from kilo_gateway.catalog.source import Listed, Source
from kilo_gateway.core.deployment import Site
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.money import FREE, Price

ONE = Listed("a/one", name="One", created=86_400, context=10, price=Price(input=1_000_000_000))
CATALOG = build(
    [
        Source("x", (ONE, Listed("b/two")), ids_have_vendor=True,
               site=Site(collects_data=False, keeps_nothing=True, quantization="fp8")),
        Source("own", (msgspec.structs.replace(ONE, context=20, price=FREE),), ids_have_vendor=True,
               is_self_hosted=True),
    ],
    {}, Knowledge(Facts({}), lambda *_: None),
)  # fmt: skip
TITLES = {"x": "X Inc."}


def providers(grant: Grant | None = None) -> dict[str, Any]:
    return dict(msgspec.json.decode(render_by_provider(CATALOG, grant, TITLES, made_at=0.0)))


def test_each_upstream_has_its_models() -> None:
    told = providers()
    assert (told["total_providers"], told["total_models"]) == (2, 2)
    assert told["generated_at"] == "1970-01-01T00:00:00.000+00:00"
    x, own = told["providers"]
    assert (x["slug"], x["displayName"]) == ("x", "X Inc.")
    assert x["dataPolicy"] == {"training": False, "retainsPrompts": False, "canPublish": None}
    assert [model["slug"] for model in x["models"]] == ["a/one", "b/two"]
    assert x["models"][0] == {
        "slug": "a/one", "name": "One", "author": "a", "description": "", "context_length": 10,
        "input_modalities": ["text"], "output_modalities": ["text"], "group": "Other",
        "updated_at": "1970-01-02T00:00:00.000+00:00",
        "endpoint": {"provider_display_name": "X Inc.", "is_free": False,
                     "pricing": {"prompt": "0.000001", "completion": "-1"}},
    }  # fmt: skip
    assert own["models"][0]["endpoint"]["is_free"]
    assert own["models"][0]["context_length"] == 20


def test_a_key_sees_its_own_models_and_their_number() -> None:
    told = providers(Grant("k", "o", models=("b/*",)))
    assert (told["total_providers"], told["total_models"]) == (1, 1)
    assert [model["slug"] for one in told["providers"] for model in one["models"]] == ["b/two"]


def test_a_model_has_an_endpoint_for_each_upstream() -> None:
    body = render_endpoints(CATALOG, "A/One", None, TITLES)
    assert body is not None
    data = msgspec.json.decode(body)["data"]
    assert (data["id"], data["architecture"]["modality"]) == ("a/one", "text->text")
    x, own = data["endpoints"]
    assert (x["provider_name"], x["tag"], x["quantization"]) == ("X Inc.", "x", "fp8")
    assert x["pricing"]["prompt"] == "0.000001"
    assert (own["provider_name"], own["context_length"]) == ("own", 20)


def test_there_are_none_for_a_model_that_is_not_there_or_not_open() -> None:
    assert render_endpoints(CATALOG, "a/none", None, TITLES) is None
    assert render_endpoints(CATALOG, "a/one", Grant("k", "o", models=("b/*",)), TITLES) is None
