"""The same parts without a server: what `check`, `models` and `explain` stand on."""

from pathlib import Path

import pytest

from kilo_gateway.app import explain, offline_catalog, probe
from kilo_gateway.config.load import Loaded, load
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.router.planner import Asked
from tests.talk import free_port, replying, upstream, whole

MODELS = {"object": "list", "data": [{"id": "small"}, {"id": "large"}]}
GRANT = Grant("k", "o")


def _loaded(home: Path, config: str) -> Loaded:
    path = home / "config.toml"
    path.write_text(config)
    loaded = load(path, {})
    assert loaded.ok, loaded.errors
    return loaded


async def test_the_catalog_of_named_and_listed_models(tmp_path: Path) -> None:
    async with replying(whole(MODELS)) as server:
        config = upstream("a", server) + upstream("b", server).replace('models = ["m"]\n', "")
        catalog = await offline_catalog(_loaded(tmp_path, config), {}, tmp_path)
    assert set(catalog.models) == {"m", "b/small", "b/large"}


async def test_a_plan_names_its_candidates_in_order(tmp_path: Path) -> None:
    config = upstream("later", free_port(), 2) + upstream("first", free_port(), 1)
    plan = await explain(_loaded(tmp_path, config), {}, tmp_path, Asked(("m",), "chat"), GRANT)
    assert [deployment.upstream for deployment in plan.candidates] == ["first", "later"]


async def test_a_plan_for_nothing_is_a_fault(tmp_path: Path) -> None:
    loaded = _loaded(tmp_path, upstream("a", free_port()))
    with pytest.raises(Fault) as caught:
        await explain(loaded, {}, tmp_path, Asked(("nothing",), "chat"), GRANT)
    assert caught.value.kind is Kind.MODEL_NOT_FOUND


async def test_a_probe_tells_what_each_upstream_said(tmp_path: Path) -> None:
    async with replying(whole(MODELS)) as good, replying(whole({"error": {}}, 401)) as closed:
        config = upstream("good", good, models=["small"])
        config += upstream("lacks", good, models=["small", "huge"])
        config += upstream("closed", closed)
        config += upstream("gone", free_port())
        found = {row.upstream: row for row in await probe(_loaded(tmp_path, config), {}, tmp_path)}
    assert (found["good"].ok, found["good"].status, found["good"].models) == (True, 200, 2)
    assert found["good"].latency_ms is not None
    assert not found["lacks"].ok
    assert "huge" in found["lacks"].message
    assert not found["closed"].ok
    assert not found["gone"].ok
    assert found["gone"].message


async def test_a_probe_tells_of_a_proxy_that_cannot_be_used(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "socks5://127.0.0.1:1080", "OPENAI_API_KEY": "sk-1"}
    loaded = _loaded(tmp_path, '[[upstreams]]\nname = "openai"\napi_key = "sk-1"\n')
    [found] = await probe(loaded, environ, tmp_path)
    assert (found.upstream, found.ok, found.status) == ("openai", False, None)
    assert "socks5://" in found.message
