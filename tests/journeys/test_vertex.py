"""Vertex AI behind a running gateway: a service account signs in, its token is sent, and Gemini is asked on Vertex' paths."""

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.gateways import in_loop
from tests.scripted import Peer, ReadRequest, Repeat, Send, serve
from tests.talk import ask, whole

PLACE = "/v1/projects/p/locations/europe-west4/publishers/google"
REPLY: dict[str, Any] = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
}
TOKEN = {"access_token": "ya29.token-1", "expires_in": 3599, "token_type": "Bearer"}


class Google:
    """Vertex and the token service on one port."""

    is_down = False

    async def play(self, peer: Peer) -> None:
        line = peer.server.requests[-1].line
        if b"/token" in line:
            reply = whole({"error": "down"}, 503) if self.is_down else whole(TOKEN)
        elif b"streamGenerateContent" in line:
            data = b"data: " + json.dumps(REPLY).encode() + b"\n\n"
            reply = whole(data, headers={"content-type": "text/event-stream"})
        else:
            reply = whole(REPLY)
        await Send(reply).play(peer)


def account(home: Path, url: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    told = {
        "type": "service_account",
        "client_email": "gateway@p.example",
        "token_uri": f"{url}/token",
        "private_key": pem.decode(),
    }
    file = home / "account.json"
    file.write_text(json.dumps(told))
    return str(file)


async def test_gemini_on_vertex_is_asked_with_a_token(tmp_path: Path):
    async with serve([Repeat([ReadRequest(), Google()])]) as server:
        environ = {"GOOGLE_APPLICATION_CREDENTIALS": account(tmp_path, server.url)}
        rows = {"name": "vertex", "base_url": server.url + PLACE, "models": ["gemini-2.5-flash"]}
        config = "[[upstreams]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in rows.items())
        async with in_loop(tmp_path, config, environ=environ) as gateway:
            async with asyncio.timeout(10):
                while not server.requests:
                    await asyncio.sleep(0.01)
            client = openai.AsyncOpenAI(
                api_key=gateway.key, base_url=f"{gateway.url}/v1", max_retries=5
            )
            async with client:
                asked: Any = {
                    "model": "vertex/gemini-2.5-flash",
                    "messages": [{"role": "user", "content": "Hello"}],
                }
                answer = await client.chat.completions.create(**asked)
                stream = await client.chat.completions.create(**asked, stream=True)
                pieces = [piece async for piece in stream]
    assert answer.choices[0].message.content == "Hi"
    assert pieces[0].choices[0].delta.content == "Hi" or pieces[1].choices[0].delta.content == "Hi"
    token, first, second = server.requests
    assert token.line.startswith(b"POST /token ")
    assert f"POST {PLACE}/models/gemini-2.5-flash:generateContent ".encode() in first.line
    assert b"streamGenerateContent?alt=sse" in second.line
    assert b"authorization: Bearer ya29.token-1\r\n" in first.head.replace(
        b"Authorization", b"authorization"
    )
    assert "ya29" not in "".join(gateway.log)


async def test_without_a_token_the_next_upstream_answers_and_the_log_says_why(tmp_path: Path):
    google = Google()
    google.is_down = True
    async with serve([Repeat([ReadRequest(), google])]) as server:
        environ = {"GOOGLE_APPLICATION_CREDENTIALS": account(tmp_path, server.url)}
        rows = {"name": "vertex", "base_url": server.url + PLACE, "models": ["gemini-2.5-flash"]}
        config = "[[upstreams]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in rows.items())
        config += f'[[upstreams]]\nname = "gemini"\nbase_url = "{server.url}"\napi_key = "k"\n'
        config += 'models = ["gemini-2.5-flash"]\npriority = 5\n'
        config += '[aliases]\nflash = ["vertex/gemini-2.5-flash", "gemini/gemini-2.5-flash"]\n'
        async with in_loop(tmp_path, config, environ=environ) as gateway:
            body = {"model": "flash", "messages": [{"role": "user", "content": "Hello"}]}
            answer = await ask(gateway, body)
            async with asyncio.timeout(20):
                while "no credential" not in "".join(gateway.log):
                    await asyncio.sleep(0.05)
    assert answer.json()["choices"][0]["message"]["content"] == "Hi"
    assert answer.headers["x-kilo-upstream"] == "gemini"
    assert "no access token from Google" in "".join(gateway.log)
