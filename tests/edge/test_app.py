"""Paths, methods, CORS and the headers of every answer, over real sockets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from kilo_gateway.edge.routes import ELSEWHERE, PREFIXES
from tests.gateways import Running, in_loop
from tests.scripted import Server
from tests.talk import CHAT, Client, ask, chat, healthy, request, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
ORIGIN = {"origin": "https://app.example"}


@dataclass
class Rig:
    gateway: Running
    upstream: Server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with healthy() as server:
        home = tmp_path_factory.mktemp("edge")
        async with in_loop(home, upstream("a", server)) as gateway:
            yield Rig(gateway, server)


async def test_a_post_to_nothing_under_a_prefix_is_invalid_path(rig: Rig) -> None:
    for prefix in PREFIXES:
        answer = await ask(rig.gateway, chat(), path=f"{prefix}/nothing")
        assert (answer.status, answer.error_type) == (400, "invalid_path")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/nothing"), ("GET", "/v1/nothing"), ("GET", "/nothing"), ("GET", "/v2/models")],
)
async def test_other_unknown_paths_are_not_found(rig: Rig, method: str, path: str) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.get(path, method=method)
        assert (answer.status, answer.error_type) == (404, "not_found")
        assert (await client.get("/health/live")).status == 200


async def test_what_belongs_to_the_public_gateways_accounts_says_so(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        for path in ELSEWHERE:
            for method in ("GET", "POST"):
                answer = await client.get(path, method=method)
                assert (answer.status, answer.error_type) == (404, "not_found")
                assert "accounts of the public Kilo gateway" in answer.json()["message"]


async def test_a_very_long_path_is_not_repeated_whole(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.get("/" + "x" * 5000)
    assert answer.status == 404
    assert len(answer.body) < 1500


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST, OPTIONS"),
        ("DELETE", CHAT, "POST, OPTIONS"),
        ("HEAD", CHAT, "POST, OPTIONS"),
        ("POST", "/v1/models", "GET, HEAD, OPTIONS"),
        ("PUT", "/v1/models/m", "GET, HEAD, OPTIONS"),
        ("POST", "/health/live", "GET, HEAD, OPTIONS"),
        ("POST", "/v1/embedding-models", "GET, HEAD, OPTIONS"),
        ("POST", "/v1/models/m/endpoints", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/models/validate", "POST, OPTIONS"),
    ],
)
async def test_another_method_is_refused_with_allow(
    rig: Rig, method: str, path: str, allowed: str
) -> None:
    async with Client(rig.gateway) as client:
        await client.send(request(method, path, rig.gateway.headers))
        answer = await client.answer(has_body=method != "HEAD")
        assert (answer.status, answer.headers["allow"]) == (405, allowed)
        if method != "HEAD":
            assert answer.error_type == "method_not_allowed"
        assert (await client.get("/health/live")).status == 200


@pytest.mark.parametrize("path", ["/v1/models", "/health/ready", "/metrics", "/", "/v1/models/m"])
async def test_head_is_get_without_its_body(rig: Rig, path: str) -> None:
    async with Client(rig.gateway) as client:
        whole = await client.get(path)
        head = await client.get(path, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        if path != "/metrics":
            assert head.headers["content-length"] == whole.headers["content-length"]
        assert (await client.get(path)).status == 200


@pytest.mark.parametrize("path", ["/v1/models/", "/v1/models", "/health/live/", "/v1/models/m/"])
async def test_a_trailing_slash_is_fine(rig: Rig, path: str) -> None:
    async with Client(rig.gateway) as client:
        assert (await client.get(path)).status == 200


async def test_a_preflight_is_answered_for_any_origin_by_default(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.get(CHAT, ORIGIN, method="OPTIONS")
        plain = await client.get("/v1/models", ORIGIN)
        stranger = await client.get("/v1/models")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert plain.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in stranger.headers


async def test_cors_headers_go_with_errors_and_streams_too(rig: Rig) -> None:
    refused = await ask(rig.gateway, chat("nothing"), headers=ORIGIN)
    streamed = await ask(rig.gateway, chat(stream=True), headers=ORIGIN)
    for answer in (refused, streamed):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-expose-headers"] == "*"


@pytest.mark.parametrize(
    ("origins", "origin", "shown"),
    [
        ('["https://app.example"]', "https://app.example", "https://app.example"),
        ('["https://app.example"]', "https://evil.example", None),
        ("[]", "https://app.example", None),
    ],
)
@pytest.mark.asyncio(loop_scope="function")
async def test_configured_origins_only(
    tmp_path: Path, origins: str, origin: str, shown: str | None
) -> None:
    config = f"[server]\ncors_origins = {origins}\n"
    async with in_loop(tmp_path, config) as gateway, Client(gateway) as client:
        answer = await client.get("/v1/models", {"origin": origin})
        preflight = await client.get(CHAT, {"origin": origin}, method="OPTIONS")
    for one in (answer, preflight):
        assert one.headers.get("access-control-allow-origin") == shown
    if shown:
        assert answer.headers["vary"] == "origin"


async def test_the_clients_own_request_id_is_used(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        for path in ("/v1/models", "/nothing", "/health/live"):
            answer = await client.get(path, {"x-request-id": "mine-1"})
            assert answer.headers["x-request-id"] == "mine-1"
        answer = await client.ask(chat(), call="mine-2")
        assert answer.headers["x-request-id"] == "mine-2"
        refused = await client.ask(chat("nothing"), call="mine-3")
        assert refused.json()["request_id"] == refused.headers["x-request-id"] == "mine-3"


@pytest.mark.parametrize("ident", ["", "x" * 129, "b\xe4d", "tab\there"])
async def test_an_odd_request_id_is_replaced(rig: Rig, ident: str) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.get("/v1/models", {"x-request-id": ident})
        assert answer.headers["x-request-id"].startswith("req_")


async def test_request_ids_of_our_own_are_all_different(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        idents = {(await client.get("/v1/models")).headers["x-request-id"] for _ in range(20)}
    assert len(idents) == 20


async def test_answers_of_upstreams_carry_times_and_facts(rig: Rig) -> None:
    for stream in (False, True):
        answer = await ask(rig.gateway, chat(stream=stream))
        timing = answer.headers["server-timing"]
        assert timing.startswith("gateway;dur=")
        assert ", upstream;dur=" in timing
        assert answer.headers["x-kilo-model"] == "m"
        assert answer.headers["x-kilo-upstream"] == "a"
        assert answer.headers["x-kilo-attempts"] == "1"
        assert answer.headers["content-encoding"] == "identity"
        assert "date" in answer.headers
        assert "server" not in answer.headers


async def test_every_answer_has_server_timing(rig: Rig) -> None:
    """decisions.md 2: every reply has x-request-id and Server-Timing."""
    async with Client(rig.gateway) as client:
        for answer in (
            await client.get("/v1/models"),
            await client.get("/nothing"),
            await client.ask(chat("nothing")),
            await client.get("/v1/models", method="DELETE"),
        ):
            assert answer.headers["server-timing"].startswith("gateway;dur=")


async def test_a_stream_is_not_to_be_cached_or_buffered(rig: Rig) -> None:
    answer = await ask(rig.gateway, chat(stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"


async def test_the_query_goes_upstream_without_the_key(rig: Rig) -> None:
    for sent, expected in (
        ("", b"/v1/chat/completions"),
        ("?a=1&b=2", b"/v1/chat/completions?a=1&b=2"),
        (f"?key={rig.gateway.key}", b"/v1/chat/completions"),
        (f"?a=1&key={rig.gateway.key}&b=%20x", b"/v1/chat/completions?a=1&b=+x"),
        ("?a=1&API_KEY=sk-canary-1234567", b"/v1/chat/completions?a=1"),
    ):
        assert (await ask(rig.gateway, chat(), path=CHAT + sent)).status == 200
        assert rig.upstream.requests[-1].line == b"POST " + expected + b" HTTP/1.1"


async def test_a_query_cannot_smuggle_a_header(rig: Rig) -> None:
    answer = await ask(rig.gateway, chat(), path=CHAT + "?a=1%0d%0ax-evil:%201")
    assert answer.status == 200
    assert b"x-evil: 1" not in rig.upstream.requests[-1].head


async def test_a_websocket_upgrade_is_not_taken(rig: Rig) -> None:
    headers = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-key": "x"}
    async with Client(rig.gateway) as client:
        answer = await client.get("/v1/models", headers)
    assert answer.status in {200, 400, 404}


async def test_a_mistake_of_ours_is_told_without_its_text(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of line 17")

    monkeypatch.setattr("kilo_gateway.edge.app.models", broken)
    async with Client(rig.gateway) as client:
        answer = await client.get("/v1/models")
    assert (answer.status, answer.error_type) == (500, "internal_error")
    assert b"line 17" not in answer.body
    assert rig.gateway.parts is not None
    rig.gateway.parts.log.flush()
    assert "the secret of line 17" in "".join(rig.gateway.log)
