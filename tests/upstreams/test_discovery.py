"""Lists of models in every shape that vendors use, and in shapes that nobody should send."""

import gzip
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.money import Price
from kilo_gateway.upstreams import discovery
from kilo_gateway.upstreams.discovery import discover, parse_listing

SHARED = Path(__file__).parents[3] / "shared" / "data"


def one(row: dict, wrap: str = "data"):
    (listed,) = parse_listing(msgspec.json.encode({wrap: [row]}))
    return listed


def test_openai_tells_id_and_date():
    listed = one(
        {"id": "gpt-4o", "object": "model", "created": 1_715_367_049, "owned_by": "system"}
    )
    assert (listed.id, listed.created, listed.price, listed.operations) == (
        "gpt-4o",
        1_715_367_049,
        None,
        None,
    )
    assert listed.capabilities is None


def test_openrouter_tells_everything():
    listed = one({
        "id": "anthropic/claude-sonnet-4", "name": "Anthropic: Claude Sonnet 4", "created": 1_747_930_371,
        "description": "Good.", "context_length": 1_000_000,
        "architecture": {"input_modalities": ["image", "text", "file"], "output_modalities": ["text"],
                         "tokenizer": "Claude"},
        "pricing": {"prompt": "0.000003", "completion": "0.000015", "input_cache_read": "0.0000003",
                    "request": "0.001",
                    "overrides": [{"min_prompt_tokens": 200_000, "prompt": "0.000006"}]},
        "top_provider": {"context_length": 200_000, "max_completion_tokens": 64_000, "is_moderated": True},
        "supported_parameters": ["tools", "reasoning", "structured_outputs"], "expiration_date": "2027-01-31",
    })  # fmt: skip
    assert (listed.context, listed.max_output, listed.is_moderated) == (200_000, 64_000, True)
    assert listed.capabilities == {"vision", "pdf", "tools", "reasoning", "structured"}
    assert listed.operations == ("chat", "completions")
    assert listed.expires == "2027-01-31"
    assert listed.price == Price(
        input=3_000_000_000, output=15_000_000_000, cache_read=300_000_000, request=1_000_000, source="upstream",
        tiers=((200_000, Price(input=6_000_000_000, output=15_000_000_000, cache_read=300_000_000,
                               source="upstream")),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": "m", "max_context_length": 32_768, "capabilities": {"completion_chat": True, "function_calling": True,
          "vision": False}}, {"context": 32_768, "capabilities": {"tools"}, "operations": ("chat", "completions")}),
        ({"id": "mistral-embed", "capabilities": {"completion_chat": False}}, {"operations": ("embeddings",)}),
        ({"id": "mistral-ocr", "capabilities": {"completion_chat": False, "ocr": True}}, {"operations": ()}),
        ({"id": "llama", "active": True, "context_window": 131_072, "max_completion_tokens": 8_192},
         {"context": 131_072, "max_output": 8_192}),  # Groq
        ({"id": "Qwen/Qwen3-8B", "max_model_len": 40_960, "root": "x"}, {"context": 40_960, "name": None}),  # vLLM
        ({"id": "x.gguf", "meta": {"n_ctx_train": 8_192}}, {"context": 8_192}),  # llama.cpp
        ({"id": "q", "type": "vlm", "max_context_length": 9, "loaded_context_length": 8, "capabilities": ["tool_use"]},
         {"context": 8, "capabilities": {"tools"}, "operations": ("chat", "completions")}),  # LM Studio
        ({"id": "e", "type": "embeddings"}, {"operations": ("embeddings",)}),
        ({"id": "t", "type": "chat", "pricing": {"input": 0.88, "output": 0.88, "hourly": 0}},
         {"price": Price(input=880_000_000, output=880_000_000, source="upstream")}),  # Together
        ({"type": "model", "id": "claude-x", "display_name": "Claude X", "created_at": "2026-07-24T00:00:00Z",
          "max_input_tokens": 5, "max_tokens": 4, "capabilities": {"thinking": {"supported": True},
          "image_input": {"supported": False}}},
         {"name": "Claude X", "created": 1_784_851_200, "context": 5, "max_output": 4,
          "capabilities": {"tools", "reasoning"}}),
        ({"id": "h", "providers": [{"context_length": 7, "supports_tools": True}, {"context_length": 9}]},
         {"context": 9, "capabilities": {"tools"}}),  # Hugging Face
        ({"id": "models/gemini-2.5-flash", "object": "model"}, {"id": "gemini-2.5-flash"}),
        ({"id": "p", "pricing": {"prompt": "-1", "completion": "-1"}}, {"price": None}),
        ({"id": "p", "pricing": {"prompt": "NaN", "completion": "1e999"}}, {"price": None}),
        ({"id": "p", "pricing": {"prompt": "0", "completion": "0"}}, {"price": Price(input=0, output=0,
                                                                                     source="upstream")}),
        ({"id": "n", "name": "n-2507", "created": -5, "context_length": True, "expiration_date": "soon"},
         {"name": None, "created": None, "context": None, "expires": None}),
    ],
)  # fmt: skip
def test_each_vendors_own_fields_are_read(row, expected):
    listed = one(row)
    assert {name: getattr(listed, name) for name in expected} == expected


def test_lists_without_ids_use_names():
    listed = one({"name": "models/gemini-embedding-001", "displayName": "Gemini Embedding",
                  "inputTokenLimit": 2_048, "supportedGenerationMethods": ["embedContent"]}, "models")  # fmt: skip
    assert (listed.id, listed.name, listed.context, listed.operations) == (
        "gemini-embedding-001", "Gemini Embedding", 2_048, ("embeddings",),
    )  # fmt: skip
    assert one({"name": "command-r", "endpoints": ["chat"]}, "models").operations == (
        "chat",
        "completions",
    )


def test_a_bare_array_is_a_list():
    assert [listed.id for listed in parse_listing(b'[{"id":"a"},{"id":"b"},{"id":"a"}]')] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"id": ""}, {"id": "a b"}, {"id": "a\n"}, {"id": "a\x00"}, {"id": "x" * 257}, {"id": 5}, {}, None, "gpt",
        {"id": "a\u2028"}, {"id": "old", "active": False}, {"id": "old", "archived": True},
    ],
)  # fmt: skip
def test_rows_that_are_no_models_are_left_out(row):
    assert parse_listing(msgspec.json.encode({"data": [row]})) == ()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"5", b"{}", b'{"data":{}}', b"[" * 10_000, b'{"object":"list"}']
)
def test_what_is_no_list_is_a_fault(body):
    with pytest.raises(Fault) as caught:
        parse_listing(body)
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE


def test_the_list_is_bounded(monkeypatch):
    monkeypatch.setattr(discovery, "MAX_MODELS", 3)
    assert len(parse_listing(msgspec.json.encode([{"id": f"m{n}"} for n in range(9)]))) == 3
    text = one({"id": "a", "description": "d\x00" * 9_000}).description
    assert text is not None
    assert len(text) == 2_000
    assert "\x00" not in text


async def test_discover_gives_the_list():
    async def fetch():
        return 200, {}, b'{"data":[{"id":"a"}]}'

    assert [listed.id for listed in await discover(fetch)] == ["a"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Kind.UPSTREAM_REFUSED_KEY), (500, Kind.UPSTREAM_ERROR), (302, Kind.UPSTREAM_GARBAGE)],
)
async def test_discover_raises_what_the_upstream_says(status, kind):
    async def fetch():
        return status, {}, b""

    with pytest.raises(Fault) as caught:
        await discover(fetch)
    assert caught.value.kind == kind


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded traffic is not beside this checkout")
def test_recorded_lists_are_read_whole():
    counts = {}
    with gzip.open(SHARED / "traffic" / "misc.jsonl.gz", "rt") as lines:
        for line in lines:
            exchange = msgspec.json.decode(line)
            if exchange["api"] == "models" and exchange["url_path"].endswith("/models"):
                counts[exchange["id"]] = len(parse_listing(exchange["response_body"].encode()))
    assert counts == {
        "openai.models.e946e3e8": 112, "openai.models.b957ff11": 135, "bedrock-mantle.models.87c06811": 48,
        "perplexity.models.aebe7552": 39, "deepseek.models.592a0458": 2, "huggingface.models.71f319d1": 127,
        "mistral.models.106a12eb": 64, "cerebras.models.324588c1": 3, "gemini.models.7d9d5b63": 50,
        "openrouter.models.bc611321": 4, "openrouter.models.bc4b4ef3": 5, "anthropic.models.61569991": 11,
    }  # fmt: skip


@pytest.mark.skipif(not SHARED.is_dir(), reason="the catalogues are not beside this checkout")
def test_the_real_list_of_openrouter_is_read_whole():
    body = (SHARED / "catalog" / "models.dev" / "openrouter-models-api-dump.json").read_bytes()
    listed = {row.id: row for row in parse_listing(body)}
    assert len(listed) == 364
    unpriced = {name for name, row in listed.items() if row.price is None}
    assert unpriced == {"openrouter/pareto-code", "openrouter/bodybuilder", "openrouter/auto"}
    assert listed["anthropic/claude-opus-4.7-fast"].price == Price(
        input=30_000_000_000, output=150_000_000_000, cache_read=3_000_000_000, cache_write=37_500_000_000,
        source="upstream",
    )  # fmt: skip
    assert all(
        row.context and row.capabilities is not None and row.operations for row in listed.values()
    )


KEYS = st.sampled_from([
    "id", "name", "data", "models", "created", "created_at", "pricing", "prompt", "completion", "input", "output",
    "overrides", "min_prompt_tokens", "architecture", "input_modalities", "capabilities", "providers", "meta",
    "top_provider", "type", "thinking", "expiration_date", "description",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=15,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.dictionaries(KEYS, JSON, max_size=8), max_size=3))
def test_no_row_can_break_it(rows):
    for listed in parse_listing(msgspec.json.encode({"data": rows})):
        assert 0 < len(listed.id) <= 256
        assert listed.context is None or 0 < listed.context <= 1_000_000_000
