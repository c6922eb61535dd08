"""Lists of models and providers, by grant; and what is kept of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.gateways import Running, add_key, in_loop
from tests.talk import Answer, Client, ask, free_port, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")


# A server of one's own may serve any of them for anything.
ACMES = {"acme/one", "acme/two", "acme/text-embedding-3-small", "acme/whisper-1"}


@dataclass
class Rig:
    gateway: Running
    narrow_key: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    home = tmp_path_factory.mktemp("edge")
    narrow = add_key(home, "narrow", models=("acme/*",))
    port = free_port()
    models = [
        "acme/one",
        "acme/two",
        "other/three",
        "acme/text-embedding-3-small",
        "acme/whisper-1",
    ]
    config = upstream("a", port, models=models)
    config += upstream("b", port, models=["acme/one"])
    config += '[models."acme/one"]\ninput_price = 2.0\noutput_price = 8.0\n'
    async with in_loop(home, config) as gateway:
        yield Rig(gateway, narrow)


async def _ids(rig: Rig, key: str = "") -> set[str]:
    async with Client(rig.gateway) as client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        answer = await client.get("/v1/models", headers)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return {row["id"] for row in answer.json()["data"]}


async def test_all_models_are_listed_once(rig: Rig) -> None:
    assert await _ids(rig) == {"kilo/auto", "other/three"} | ACMES


async def test_a_key_sees_what_it_may_use_and_the_next_key_its_own(rig: Rig) -> None:
    assert await _ids(rig, rig.narrow_key) - {"kilo/auto"} == ACMES
    assert "other/three" in await _ids(rig, rig.gateway.key)
    assert await _ids(rig, rig.narrow_key) - {"kilo/auto"} == ACMES


async def test_one_model_by_its_id_in_any_case(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        one = await client.get("/v1/models/Acme/One")
        auto = await client.get("/v1/models/kilo/auto")
    assert one.json()["id"] == "acme/one"
    assert one.json()["pricing"]["prompt"] == "0.000002"
    assert auto.json()["id"] == "kilo/auto"


async def test_an_unknown_model_names_its_neighbours(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.get("/v1/models/acme/onne")
    assert (answer.status, answer.error_type) == (404, "model_not_found")
    assert "acme/one" in answer.json()["message"]


async def test_a_key_does_not_see_one_model_that_it_may_not_use(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        headers = {"authorization": f"Bearer {rig.narrow_key}"}
        assert (await client.get("/v1/models/other/three", headers)).status == 404
        assert (await client.get("/v1/models/acme/two", headers)).status == 200


async def test_providers_are_the_upstreams(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.get("/v1/providers")
    assert answer.status == 200
    assert {row["slug"] for row in answer.json()["data"]} == {"a", "b"}
    assert str(rig.gateway.port) not in answer.body.decode()


async def _shown(rig: Rig, path: str, key: str = "") -> Answer:
    async with Client(rig.gateway) as client:
        return await client.get(path, {"authorization": f"Bearer {key}"} if key else {})


async def test_each_upstream_with_its_models(rig: Rig) -> None:
    everybody = await _shown(rig, "/api/gateway/models-by-provider")
    narrow = await _shown(rig, "/api/gateway/models-by-provider", rig.narrow_key)
    told = everybody.json()
    assert (told["total_providers"], told["total_models"]) == (2, 5)
    assert everybody.headers["cache-control"] == "private, max-age=0, must-revalidate"
    assert narrow.json()["total_models"] == 4
    assert narrow.headers["cache-control"] == "private, no-store"


async def test_the_endpoints_of_a_model(rig: Rig) -> None:
    answer = await _shown(rig, "/api/gateway/models/acme/one/endpoints")
    assert [one["tag"] for one in answer.json()["data"]["endpoints"]] == ["a", "b"]
    assert "s-maxage=60" in answer.headers["cache-control"]
    hidden = await _shown(rig, "/v1/models/other/three/endpoints", rig.narrow_key)
    assert (hidden.status, hidden.error_type) == (404, "model_not_found")


async def test_embedding_and_transcription_models(rig: Rig) -> None:
    embeddings = (await _shown(rig, "/v1/embedding-models")).json()
    assert embeddings["defaultModel"] == "acme/text-embedding-3-small"
    speech = (await _shown(rig, "/v1/transcription-models")).json()
    assert "acme/whisper-1" in {row["id"] for row in speech["data"]}


async def test_defaults_for_clients_that_have_not_chosen(rig: Rig) -> None:
    told = (await _shown(rig, "/api/defaults")).json()
    assert told == {"defaultModel": "kilo/auto", "defaultFreeModel": "kilo/auto"}


@pytest.mark.parametrize(
    ("name", "is_narrow", "expected"),
    [
        ("acme/one", False, {"valid": True}),
        ("kilo/auto", False, {"valid": True}),
        ("nobody/knows", False, {"valid": False, "reason": "unavailable"}),
        ("other/three", False, {"valid": True}),
        ("other/three", True, {"valid": False, "reason": "unavailable"}),
    ],
)
async def test_whether_a_model_is_there(
    rig: Rig, name: str, is_narrow: bool, expected: dict[str, object]
) -> None:
    headers = {"authorization": f"Bearer {rig.narrow_key}"} if is_narrow else {}
    for base in ("/api/gateway", "/api/openrouter"):
        path = f"{base}/models/validate"
        answer = await ask(rig.gateway, {"modelId": name}, path=path, headers=headers)
        assert (answer.status, answer.json()) == (200, expected)


@pytest.mark.parametrize("body", [b"{", b"[]", {}, {"modelId": 4}, {"modelId": " "}])
async def test_a_question_that_is_none_is_refused(rig: Rig, body: object) -> None:
    answer = await ask(rig.gateway, body, path="/v1/models/validate")
    assert (answer.status, answer.error_type) == (400, "invalid_request")


async def test_many_sets_of_rights_do_not_grow_the_cache(rig: Rig) -> None:
    from kilo_gateway.core.grant import Grant
    from kilo_gateway.edge.listing import _PAGES_KEPT, Pages

    assert rig.gateway.parts is not None
    service = rig.gateway.parts._service
    assert service is not None
    pages = Pages()
    for number in range(_PAGES_KEPT + 20):
        pages.models(service, Grant(f"k{number}", "o", models=(f"acme/{number}*",)))
    assert len(pages._pages) == _PAGES_KEPT
    page = pages.models(service, None)
    assert pages.models(service, None) is page
