"""Does a gateway let a key in: every answer gives a sentence that is true of it; and none holds the key."""

import asyncio
import socket
import threading
import time

import msgspec
import pytest

from genesis.auth import gateway_check
from genesis.auth.gateway_check import check_key, find_gateway, post_form
from genesis.core.secret import Secret
from tests.genesis.servers import Answer, serving

KEY = Secret("kk-canary-1")
MODEL = "kilo/auto"


def body(content):
    return msgspec.json.encode(content)


NO_MODEL = body({"error": {"code": "model_not_found", "message": "No upstream\x1b[2J\nserves it."}})
ROWS = {
    "200": (Answer(200, b"{}"), "works", "The key works at"),
    "401": (Answer(401, body({"error": "kk-canary-1"})), "refused", "refuses this key (HTTP 401)"),
    "402": (Answer(402), "works", "has no credit"),
    "403": (Answer(403), "unclear", "does not let this key use kilo/auto"),
    "404 of the model": (
        Answer(404, NO_MODEL),
        "works",
        "not served there yet: No upstream␛[2J serves it.",
    ),
    "404 of a stranger": (Answer(404, b"<html>", "text/html"), "unclear", "There is no gateway at"),
    "429": (Answer(429), "works", "limit is reached"),
    "301": (Answer(301, headers={"location": "http://x/"}), "unclear", "elsewhere (HTTP 301)"),
    "400": (Answer(400), "unclear", "answered HTTP 400"),
    "503": (Answer(503), "unclear", "answered HTTP 503"),
    "cut": (Answer(200, b"{}", is_cut=True), "unreachable", "cannot be reached"),
    "silent": (Answer(is_silent=True), "unreachable", "no answer within 0.2 s"),
}


@pytest.mark.parametrize(("answer", "kind", "text"), ROWS.values(), ids=ROWS)
async def test_what_the_gateway_answers_is_told(answer, kind, text):
    async with serving(lambda _asked: answer) as server:
        limit = 0.2 if answer.is_silent else 30
        verdict = await asyncio.to_thread(check_key, server.url, KEY, MODEL, timeout_s=limit)
    assert verdict.kind == kind
    assert text in verdict.text
    assert "kk-canary" not in verdict.text


async def test_it_asks_for_one_token_with_the_key():
    async with serving(lambda _asked: Answer(200, b"{}")) as server:
        await asyncio.to_thread(check_key, server.url, Secret("café"), MODEL)
    [asked] = server.asked
    assert (asked.method, asked.path) == ("POST", "/api/gateway/chat/completions")
    assert asked.all("authorization") == ["Bearer café"]
    assert (asked.json["model"], asked.json["max_tokens"]) == (MODEL, 1)


def unused_url():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/api/gateway/"


def test_nobody_there():
    assert check_key(unused_url(), KEY, MODEL).kind == "unreachable"
    assert not find_gateway(unused_url())
    assert post_form(unused_url(), {}) is None


@pytest.mark.parametrize(
    ("answer", "is_gateway"),
    [
        (Answer(200, b'{"data":[]}'), True),
        (Answer(200, b"hello", "text/html"), False),
        (Answer(200, b"[]"), False),
        (Answer(404, b'{"data":[]}'), False),
    ],
)
async def test_a_gateway_is_known_by_its_list_of_models(answer, is_gateway):
    async with serving(lambda _asked: answer) as server:
        assert await asyncio.to_thread(find_gateway, server.url) is is_gateway
    assert server.asked[0].all("authorization") == []


async def test_a_form_is_sent():
    async with serving(lambda _asked: Answer(400, b'{"error":"slow_down"}')) as server:
        answered = await asyncio.to_thread(post_form, server.url + "device/token", {"a": "b c"})
    assert (answered.status, answered.content) == (400, {"error": "slow_down"})
    assert server.asked[0].body == b"a=b+c"


async def test_an_answer_without_end_is_not_read(monkeypatch):
    monkeypatch.setattr(gateway_check, "MOST_BYTES", 10)
    listed = Answer(200, body({"data": [{"id": "x" * 100}]}))
    async with serving(lambda _asked: listed) as server:
        assert not await asyncio.to_thread(find_gateway, server.url)
        verdict = await asyncio.to_thread(check_key, server.url, KEY, MODEL)
    assert verdict.kind == "works"


def drip(listener, ends):
    """Answers byte by byte, so that no single wait is long."""
    link, _ = listener.accept()
    with link:
        link.recv(65536)
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not ends.wait(0.02):
            link.sendall(b" ")


def test_an_answer_that_drips_is_given_up_in_time():
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener, ends))
        thread.start()
        began = time.monotonic()
        verdict = check_key(
            f"http://127.0.0.1:{listener.getsockname()[1]}/", KEY, MODEL, timeout_s=0.2
        )
        ends.set()
        thread.join()
    assert (verdict.kind, time.monotonic() - began < 5) == ("unreachable", True)
    assert "no answer within 0.2 s" in verdict.text
