"""Embeddings through a running gateway: OpenAI's own client, and every vendor's form upstream with what was recorded of it."""

import asyncio
import base64
import json
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from google import genai
from google.genai import types
from openai import BadRequestError, InternalServerError, OpenAI

from tests.dialects.embeddings.recorded import WHY_SKIPPED, Exchange, exchanges
from tests.gateways import Running, in_loop, wait_for_entries
from tests.scripted import Peer, ReadRequest, Repeat, Send, Server, serve
from tests.talk import Client, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXCHANGES = {one.id: one for one in exchanges()}
recorded = pytest.mark.skipif(not EXCHANGES, reason=WHY_SKIPPED)
# What comes before the path of an operation in each vendor's base URL, and where its embeddings are.
BASES = {"cohere": "/compatibility/v1", "gemini": "/v1beta", "perplexity": ""}
PATHS = {
    "cohere": "/v2/embed",
    "ollama": "/api/embed",
    "gemini": "/v1beta/models/{model}:batchEmbedContents",
}
# Names of models that are known, and what becomes of them: (vendor, name).
KNOWN = {
    "fixed": ("vllm", "BAAI/bge-base-en-v1.5"),
    "most": ("openai", "text-embedding-3-small"),
}


class Vendors:
    """One server for all vendors: it plays the recorded reply to a model that is named after an exchange, else makes one."""

    async def play(self, peer: Peer) -> None:
        request = peer.server.requests[-1]
        body = json.loads(request.body)
        path = request.line.split(b" ")[1].decode()
        model = body.get("model") or path.rpartition("/")[2].partition(":")[0]
        if model in EXCHANGES:
            reply = whole(EXCHANGES[model].reply)
        elif "poor" in model:
            reply = whole({"error": {"message": "no credit for acct-1"}}, 402)
        elif "detail" in model:
            reply = whole({"detail": "Model is not supported"}, 400)
        elif "texts" in body:
            reply = self._cohere(body["texts"], 2_000 if "wide" in model else 1)
        else:
            reply = self._openai(body)
        await Send(reply).play(peer)

    def _cohere(self, texts: list[str], width: int) -> bytes:
        if "break" in texts:
            return whole({"message": "broken"}, 400)
        vectors = [[float(text)] * width for text in texts]
        units = {"input_tokens": len(texts)}
        return whole({"embeddings": {"float": vectors}, "meta": {"billed_units": units}})

    def _openai(self, body: dict[str, Any]) -> bytes:
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [{"object": "embedding", "index": n, "embedding": [1.0]} for n in range(len(texts))]
        return whole(
            {"object": "list", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        )


def config(port: int) -> str:
    models: dict[str, list[str]] = {}
    for one in EXCHANGES.values():
        models.setdefault(one.vendor, []).append(one.id)
    for vendor, name in KNOWN.values():
        models.setdefault(vendor, []).append(name)
    models.setdefault("cohere", []).extend(["embed-made-up", "embed-wide"])
    models.setdefault("voyage", []).extend(["embed-poor", "embed-detail"])
    lines = ["[routing]", "max_attempts = 1", "breaker_failures = 1000"]
    for vendor, names in models.items():
        lines += [
            "[[upstreams]]",
            f'name = "{vendor}"',
            f'base_url = "http://127.0.0.1:{port}{BASES.get(vendor, "/v1")}"',
            'api_key = "the-key"',
            f"models = {json.dumps(names)}",
        ]
    lines += ['[models."cohere/embed-made-up"]', "input_price = 1.0", "output_price = 0.0"]
    return "\n".join(lines)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: Any) -> AsyncIterator[tuple[Running, Server]]:
    home = tmp_path_factory.mktemp("embeddings")
    async with (
        serve([Repeat([ReadRequest(), Vendors()])]) as server,
        in_loop(home, config(server.port)) as gateway,
    ):
        yield gateway, server


async def sdk(gateway: Running, work: Callable[[OpenAI], Any]) -> Any:
    """Some work of OpenAI's own client, in a thread."""

    def run() -> Any:
        http = httpx2.Client(trust_env=False)
        with OpenAI(
            base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, http_client=http
        ) as client:
            return work(client)

    return await asyncio.to_thread(run)


def packed(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def request_of(exchange: Exchange) -> tuple[dict[str, Any], dict[str, Any]]:
    """What OpenAI's client is told: its own arguments, and the others."""
    asked = exchange.asked
    own = {name: asked.pop(name) for name in ("input", "dimensions", "user") if name in asked}
    asked.pop("encoding_format", None)
    return own, asked


@recorded
@pytest.mark.parametrize("encoding", ["float", "base64", None])
@pytest.mark.parametrize("ident", EXCHANGES)
async def test_every_recorded_exchange_is_told_to_openais_client(rig, ident, encoding) -> None:
    gateway, server = rig
    exchange = EXCHANGES[ident]
    if not exchange.is_of_texts:
        pytest.skip("a picture has no place in OpenAI's form")
    own, extra = request_of(exchange)
    if encoding is not None:
        own["encoding_format"] = encoding
    model = f"{exchange.vendor}/{exchange.id}"
    reply = await sdk(gateway, lambda c: c.embeddings.create(model=model, extra_body=extra, **own))
    if encoding == "base64":  # the client leaves it as it is
        told = [base64.b64decode(row.embedding) for row in reply.data]
    else:
        told = [packed(row.embedding) for row in reply.data]
    assert told == exchange.vectors
    assert [row.index for row in reply.data] == list(range(len(told)))
    usage = reply.usage
    assert (None if usage is None else usage.prompt_tokens) == exchange.tokens
    request = server.requests[-1]
    path = PATHS.get(exchange.vendor, "/v1/embeddings").format(model=exchange.id)
    assert request.line.split(b" ")[1].decode() == path
    sent = json.loads(request.body)
    if exchange.request is not None:
        wanted = exchange.sent_for(exchange.id)
        for one in (sent, wanted):
            one.pop("encoding_format", None)
        assert sent == wanted


@recorded
async def test_a_picture_goes_from_gemini_to_gemini(rig) -> None:
    gateway, server = rig
    exchange = next(one for one in EXCHANGES.values() if not one.is_of_texts)
    assert exchange.request is not None
    path = f"/v1beta/models/gemini/{exchange.id}:batchEmbedContents"
    async with Client(gateway) as client:
        answer = await client.ask(exchange.request, path=path)
        assert answer.body == exchange.reply
        assert json.loads(server.requests[-1].body) == exchange.sent_for(exchange.id)
        one = exchange.request["requests"][0]
        answer = await client.ask(one, path=path.replace(":batchEmbedContents", ":embedContent"))
    assert answer.json()["embedding"] == exchange.values["embeddings"][0]
    assert json.loads(server.requests[-1].body) == exchange.sent_for(exchange.id)


@recorded
@pytest.mark.parametrize("vendor", ["cohere", "openai", "ollama", "voyage"])
async def test_a_client_of_gemini_is_answered_by_any_vendor(rig, vendor) -> None:
    gateway, _ = rig
    exchange = next(one for one in EXCHANGES.values() if one.vendor == vendor)
    texts = exchange.asked["input"]
    texts = [texts] if isinstance(texts, str) else texts
    contents = [{"content": {"parts": [{"text": text}]}} for text in texts]
    async with Client(gateway) as client:
        answer = await client.ask(
            {"requests": contents},
            path=f"/v1beta/models/{vendor}/{exchange.id}:batchEmbedContents",
        )
    assert [packed(row["values"]) for row in answer.json()["embeddings"]] == exchange.vectors
    assert answer.json()["usageMetadata"] == {"promptTokenCount": exchange.tokens}


@recorded
async def test_googles_own_client_is_answered_by_another_vendor(rig) -> None:
    gateway, server = rig
    exchange = EXCHANGES["cohere.embeddings.3c8601c3"]

    def ask() -> Any:
        options = types.HttpOptions(base_url=gateway.url)
        with genai.Client(api_key=gateway.key, http_options=options) as client:
            return client.models.embed_content(
                model=f"cohere/{exchange.id}",
                contents=exchange.asked["input"],
                config=types.EmbedContentConfig(
                    output_dimensionality=1024, task_type="RETRIEVAL_DOCUMENT"
                ),
            )

    reply = await asyncio.to_thread(ask)
    assert [packed(one.values) for one in reply.embeddings] == exchange.vectors
    assert json.loads(server.requests[-1].body) == exchange.sent_for(exchange.id)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"input": None}, 400, "invalid_request"),
        ({"model": " ", "input": "a"}, 404, "model_not_found"),
    ],
)
async def test_n12_nothing_to_embed_or_no_model(rig, body, status, kind) -> None:
    gateway, _ = rig
    async with Client(gateway) as client:
        answer = await client.ask({"model": "cohere/embed-made-up"} | body, path="/v1/embeddings")
    assert (answer.status, answer.error_type) == (status, kind)


async def test_n13_a_fixed_width(rig) -> None:
    gateway, server = rig
    model = "/".join(KNOWN["fixed"])
    await sdk(gateway, lambda c: c.embeddings.create(model=model, input="a", dimensions=768))
    assert "dimensions" not in json.loads(server.requests[-1].body)
    with pytest.raises(BadRequestError) as caught:
        await sdk(gateway, lambda c: c.embeddings.create(model=model, input="a", dimensions=512))
    assert (caught.value.param, caught.value.type) == ("dimensions", "invalid_request_error")


@pytest.mark.parametrize(("dimensions", "is_fine"), [(0, False), (1537, False), (512, True)])
async def test_n14_a_width_up_to_the_most(rig, dimensions, is_fine) -> None:
    gateway, server = rig
    model = "/".join(KNOWN["most"])

    def ask(client: OpenAI) -> Any:
        return client.embeddings.create(model=model, input="a", dimensions=dimensions)

    if is_fine:
        await sdk(gateway, ask)
        assert json.loads(server.requests[-1].body)["dimensions"] == dimensions
        return
    with pytest.raises(BadRequestError) as caught:
        await sdk(gateway, ask)
    assert caught.value.param == "dimensions"


async def test_n16_an_upstream_without_credit(rig) -> None:
    gateway, _ = rig
    with pytest.raises(InternalServerError) as caught:
        await sdk(gateway, lambda c: c.embeddings.create(model="voyage/embed-poor", input="a"))
    assert caught.value.status_code == 503
    assert caught.value.body["code"] == "temporarily_unavailable"
    assert "acct-1" not in str(caught.value.body)


async def test_a_vendors_refusal_is_told_in_each_clients_form(rig) -> None:
    gateway, _ = rig
    async with Client(gateway) as client:
        answer = await client.ask(
            {"model": "voyage/embed-detail", "input": "a"}, path="/v1/embeddings"
        )
        assert answer.status == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
        content = {"content": {"parts": [{"text": "a"}]}}
        path = "/v1beta/models/voyage/embed-detail:embedContent"
        answer = await client.ask(content, path=path)
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


async def test_tokens_are_refused_where_only_texts_are_taken(rig) -> None:
    gateway, _ = rig
    with pytest.raises(BadRequestError) as caught:
        await sdk(
            gateway, lambda c: c.embeddings.create(model="cohere/embed-made-up", input=[1, 2])
        )
    assert caught.value.param == "input"


async def test_what_a_vendor_has_no_word_for_is_named(rig) -> None:
    gateway, _ = rig
    async with Client(gateway) as client:
        body = {"model": "cohere/embed-made-up", "input": "1", "user": "u", "truncate": "END"}
        answer = await client.ask(body, path="/v1/embeddings")
    assert (answer.status, answer.headers["x-kilo-dropped"]) == (200, "user")


async def test_more_texts_than_a_request_holds_are_asked_in_parts(rig) -> None:
    gateway, server = rig
    before, texts = len(server.requests), [str(number) for number in range(250)]
    reply = await sdk(
        gateway,
        lambda c: c.embeddings.with_raw_response.create(
            model="cohere/embed-made-up", input=texts, extra_headers={"x-request-id": "many"}
        ),
    )
    parsed = reply.parse()
    assert [row.embedding for row in parsed.data] == [[float(text)] for text in texts]
    assert [row.index for row in parsed.data] == list(range(250))
    assert parsed.usage.prompt_tokens == 250
    sizes = [len(json.loads(one.body)["texts"]) for one in server.requests[before:]]
    assert sorted(sizes) == [58, 96, 96]
    assert reply.headers["x-kilo-cost"] == "0.00025"
    [row] = (await asyncio.to_thread(wait_for_entries, gateway.home, ["many"]))["many"]
    assert (row["outcome"], row["input_tokens"], row["output_tokens"]) == ("ok", 250, 0)
    assert row["cost_nanodollars"] == 250_000


@pytest.mark.parametrize("count", [90, 200])
async def test_many_large_vectors_are_told_too(rig, count) -> None:
    gateway, _ = rig
    texts = [str(number) for number in range(count)]
    reply = await sdk(
        gateway, lambda c: c.embeddings.create(model="cohere/embed-wide", input=texts)
    )
    assert [row.embedding for row in reply.data] == [[float(text)] * 2_000 for text in texts]
    assert reply.usage.prompt_tokens == count


async def test_one_part_that_fails_fails_the_call_and_what_was_used_is_told(rig) -> None:
    gateway, _ = rig
    texts = [str(number) for number in range(480)] + ["break"]
    async with Client(gateway) as client:
        body = {"model": "cohere/embed-made-up", "input": texts}
        answer = await client.ask(body, path="/v1/embeddings", call="broken")
    assert answer.status == 400
    [row] = (await asyncio.to_thread(wait_for_entries, gateway.home, ["broken"]))["broken"]
    assert row["outcome"] == "upstream_rejected"
    # Four are asked at once: before the last one was, two had been answered.
    assert row["input_tokens"] >= 2 * 96
    assert row["cost_nanodollars"] == row["input_tokens"] * 1_000


async def test_far_too_many_texts_are_refused_with_what_to_do(rig) -> None:
    gateway, _ = rig
    with pytest.raises(BadRequestError) as caught:
        await sdk(
            gateway,
            lambda c: c.embeddings.create(model="cohere/embed-made-up", input=["1"] * 6_145),
        )
    assert caught.value.param == "input"
    assert "6,144" in caught.value.message
