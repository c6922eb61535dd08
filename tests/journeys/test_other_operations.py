"""Rerank, moderations, images, speech, transcriptions and fill-in-the-middle, through a running gateway."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.gateways import Running, in_loop
from tests.scripted import ReadRequest, Send, Server, serve
from tests.talk import Client, request, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOUND = b"\xff\xfbsound that is no JSON"


def config(port: int) -> str:
    return f"""
[[upstreams]]
name = "all"
base_url = "http://127.0.0.1:{port}/v1"
models = ["m", "codestral-x"]
prefix = ""
[[upstreams]]
name = "chats"
vendor = "groq"
base_url = "http://127.0.0.1:{port}/v1"
models = ["talk"]
"""


@pytest_asyncio.fixture(loop_scope="module")
async def rig(
    request: pytest.FixtureRequest, tmp_path_factory: Any
) -> AsyncIterator[tuple[Running, Server]]:
    home = tmp_path_factory.mktemp("others")
    async with (
        serve([ReadRequest(), Send(request.param)]) as server,
        in_loop(home, config(server.port)) as gateway,
    ):
        yield gateway, server


def answered(value: Any) -> bytes:
    return whole(value)


CASES = [
    ("/v1/rerank", {"query": "q", "documents": ["a", "b"]}, "/v1/rerank"),
    ("/v1/moderations", {"input": "a"}, "/v1/moderations"),
    ("/v1/images/generations", {"prompt": "a cat"}, "/v1/images/generations"),
    (
        "/api/fim/completions",
        {"prompt": "def f(", "suffix": "):", "max_tokens": 9},
        "/v1/fim/completions",
    ),
]


@pytest.mark.parametrize(
    "rig", [answered({"results": [], "usage": {"total_tokens": 9}})], indirect=True
)
@pytest.mark.parametrize(("path", "body", "upstream_path"), CASES)
async def test_they_go_through_as_they_came(rig, path, body, upstream_path) -> None:
    gateway, server = rig
    async with Client(gateway) as client:
        answer = await client.ask({"model": "m"} | body, path=path)
    assert answer.status == 200
    assert answer.json()["results"] == []
    sent = server.requests[-1]
    assert sent.line.split(b" ")[1] == upstream_path.encode()
    assert json.loads(sent.body) == {"model": "m"} | body


@pytest.mark.parametrize(
    "rig",
    [b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: %d\r\n\r\n%b" % (len(SOUND), SOUND)],
    indirect=True,
)  # fmt: skip
async def test_sound_comes_as_sound(rig) -> None:
    gateway, _ = rig
    async with Client(gateway) as client:
        answer = await client.ask(
            {"model": "m", "input": "hi", "voice": "v"}, path="/v1/audio/speech"
        )
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.body == SOUND


@pytest.mark.parametrize("rig", [answered({"text": "hello"})], indirect=True)
async def test_a_form_goes_upstream_with_the_models_own_name(rig) -> None:
    gateway, server = rig
    parts = [
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n',
        b'--xyz\r\nContent-Disposition: form-data; name="model"\r\n\r\nall/m\r\n--xyz--\r\n',
    ]
    headers = gateway.headers | {"content-type": "multipart/form-data; boundary=xyz"}
    async with Client(gateway) as client:
        await client.send(request("POST", "/v1/audio/transcriptions", headers, b"".join(parts)))
        answer = await client.answer()
    assert answer.json() == {"text": "hello"}
    sent = server.requests[-1]
    assert b"\r\n\r\nm\r\n--xyz--" in sent.body
    assert b"boundary=xyz" in sent.head
    assert sent.head.lower().count(b"content-type:") == 1


@pytest.mark.parametrize("rig", [answered({})], indirect=True)
async def test_n2_a_model_that_does_not_fill_in_is_told(rig) -> None:
    gateway, _ = rig
    body = {"model": "chats/talk", "prompt": "a", "max_tokens": 5}
    async with Client(gateway) as client:
        answer = await client.ask(body, path="/api/fim/completions")
        assert (answer.status, answer.error_type) == (400, "unsupported_fim_model")
        nothing = await client.ask({"model": "chats/talk", "input": "a"}, path="/v1/moderations")
        assert (nothing.status, nothing.error_type) == (400, "api_kind_not_supported")
