"""One gateway and one upstream for the tables of black-box cases: what is replied depends on the model asked for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.gateways import Running, add_key, in_loop, wait_for_entries
from tests.scripted import Peer, ReadRequest, Repeat, Send, Server, serve
from tests.talk import (
    ANSWER,
    Answer,
    SendAsAsked,
    ask,
    event,
    free_port,
    piece,
    stream_head,
    upstream,
    whole,
)

BASES = (
    "/v1",
    "/api/v1",
    "/api/gateway",
    "/api/gateway/v1",
    "/api/openrouter",
    "/api/openrouter/v1",
)
OVERFLOW = "This endpoint's maximum context length is 204800 tokens. You asked for more."


def error_body(message: Any, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": 400} | more}


# What the upstream of each model replies.
REPLIES: dict[str, bytes] = {
    "headers": whole(headers={"request-id": "r1", "x-secret": "1", "set-cookie": "a=b"}),
    "k1-402": whole(error_body("account acct-4711 has no credit"), 402),
    "k4-401": whole(error_body("Incorrect API key provided: sk-canary1234567890"), 401),
    "k4-403": whole(error_body("project proj_canary may not"), 403),
    "k8-overflow": whole(error_body(OVERFLOW) | {"foo": 42}, 400),
    "k10-overflow": whole({"error": "maximum context length is 128000 tokens"}, 400),
    "k11-detail": whole({"detail": "maximum context length is 128 tokens"}, 400),
    "k11-text": whole(b"maximum context length is 128 tokens", 400, {"content-type": "text/plain"}),
    "k13-500": whole(error_body("vendor trouble"), 500),
    "l28-length": whole(ANSWER | {"choices": [{"index": 0, "finish_reason": "length"}]}),
    "l28-stop": whole(ANSWER | {"choices": [{"index": 0, "finish_reason": "stop"}]}),
    "l28-tool_calls": whole(ANSWER | {"choices": [{"index": 0, "finish_reason": "tool_calls"}]}),
    "l28-content_filter": whole(
        ANSWER | {"choices": [{"index": 0, "finish_reason": "content_filter"}]}
    ),
    "l28-unheard_of": whole(ANSWER | {"choices": [{"index": 0, "finish_reason": "unheard_of"}]}),
    "l5-error": stream_head()
    + piece(b": OPENROUTER PROCESSING\n\n")
    + event({"error": {"message": "Insufficient credits", "code": 402}}),
} | {
    f"l12-{cost}": whole(
        ANSWER | {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": cost}}
    )
    for cost in (0.123456, 1, 0, 0.00000099, 0.1234567)
}


class Recorder:
    """An upstream per model, all of them on one server, which answers by the model it is asked for."""

    async def play(self, peer: Peer) -> None:
        body = msgspec.json.decode(peer.server.requests[-1].body)
        reply = REPLIES.get(body["model"])
        if body["model"] == "j16-cut":
            await Send(whole()[:-10]).play(peer)
            peer.writer.close()
        elif reply is None:
            await SendAsAsked().play(peer)
        else:
            await Send(reply).play(peer)


@dataclass
class Rig:
    """The gateway under test and the upstream behind it, which serves every model of REPLIES and `m`."""

    gateway: Running
    upstream: Server
    narrow_key: str

    @property
    def body(self) -> dict[str, Any]:
        """What upstream was sent last."""
        return dict(msgspec.json.decode(self.upstream.requests[-1].body))

    async def ask(self, body: Any, **more: Any) -> Answer:
        return await ask(self.gateway, body, **more)

    async def row(self, call: str) -> dict[str, Any]:
        """The stored record of a call's last attempt."""
        rows = await asyncio.to_thread(wait_for_entries, self.gateway.home, [call])
        return dict(rows[call][-1])


@contextlib.asynccontextmanager
async def opened(home: Path) -> AsyncIterator[Rig]:
    """The rig, with its gateway's state in `home`."""
    narrow = add_key(home, "narrow", models=("m",))
    models = ["m", "j16-cut", *REPLIES]
    # Failures in a row must not open the breaker of a deployment that later rows use.
    config = "[routing]\nmax_attempts = 1\nbreaker_failures = 1000\n"
    config += upstream("refusing", free_port(), models=["k18-refused"])
    config += '[aliases]\n"team/best" = "m"\n'
    async with serve([Repeat([ReadRequest(), Recorder()])]) as server:
        config += upstream("house", server, models=models, api_key="upstream-secret-key")
        async with in_loop(home, config) as gateway:
            yield Rig(gateway, server, narrow)
