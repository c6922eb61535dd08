"""A request becomes a call: operations, credentials, and what is forwarded of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from kilo_gateway.edge.generate import _forwardable
from tests.gateways import Running, in_loop
from tests.scripted import Server
from tests.talk import ANSWER, ask, chat, replying, upstream, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Rig:
    gateway: Running
    upstream: Server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    home = tmp_path_factory.mktemp("edge")
    async with replying(whole()) as server, in_loop(home, upstream("a", server)) as gateway:
        yield Rig(gateway, server)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/chat/completions", chat()),
        ("/completions", {"model": "m", "prompt": "Hi"}),
        ("/embeddings", {"model": "m", "input": ["Hi"]}),
    ],
)
async def test_each_operation_reaches_its_own_path(rig: Rig, path: str, body: Any) -> None:
    answer = await ask(rig.gateway, body, path=f"/v1{path}")
    assert answer.status == 200
    sent = rig.upstream.requests[-1]
    assert sent.line == f"POST /v1{path} HTTP/1.1".encode()
    assert msgspec.json.decode(sent.body) == body


async def test_what_is_not_looked_at_arrives_byte_for_byte(rig: Rig) -> None:
    odd = b'{"model":"m","messages":[],"x":1.10,"big":12345678901234567890,"s":"\\u00e4\\/"}'
    assert (await ask(rig.gateway, odd)).status == 200
    sent = rig.upstream.requests[-1].body
    for part in (b'"x":1.10', b'"big":12345678901234567890', b'"s":"\\u00e4\\/"'):
        assert part in sent


async def test_of_a_doubled_member_gateway_and_upstream_read_the_same_one(rig: Rig) -> None:
    body = b'{"model":"nothing","model":"m","messages":[]}'
    assert (await ask(rig.gateway, body)).status == 200
    assert rig.upstream.requests[-1].body.count(b'"model"') == 1


async def test_the_models_name_is_matched_in_any_case_and_trimmed(rig: Rig) -> None:
    assert (await ask(rig.gateway, chat(" M "))).status == 200
    assert msgspec.json.decode(rig.upstream.requests[-1].body)["model"] == "m"


async def test_a_draining_gateway_asks_nobody(rig: Rig) -> None:
    assert rig.gateway.parts is not None
    service = rig.gateway.parts._service
    assert service is not None
    before = len(rig.upstream.requests)
    service.is_draining = True
    try:
        answer = await ask(rig.gateway, chat())
    finally:
        service.is_draining = False
    assert (answer.status, answer.error_type) == (503, "draining")
    assert len(rig.upstream.requests) == before


async def test_many_at_once_each_get_their_own(rig: Rig) -> None:
    async def one(number: int) -> None:
        answer = await ask(rig.gateway, chat(), call=f"call-{number}")
        assert answer.headers["x-request-id"] == f"call-{number}"
        assert answer.json()["id"] == ANSWER["id"]

    await asyncio.gather(*(one(number) for number in range(50)))


@pytest.mark.parametrize(
    ("query", "forwarded"),
    [
        (b"", b""),
        (b"a=1&a=2&empty=", b"a=1&a=2&empty="),
        (b"key=x", b""),
        (b"KEY=x&b=1", b"b=1"),
        (b"b=1&api_key=x&access_token=y&api-key=z", b"b=1"),
        (b"%6bey=x&b=1", b"b=1"),
        (b"b=a b", b"b=a+b"),
        (b"b=\xff", b"b=%FF"),
    ],
)
async def test_the_query_without_credentials(query: bytes, forwarded: bytes) -> None:
    found = _forwardable(query)
    assert found == forwarded or found == b"b=%C3%BF"
    assert b"=x" not in found
