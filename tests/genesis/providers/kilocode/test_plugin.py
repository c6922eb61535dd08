"""The plug-in against a server: discovery with its limit, the feature header, one retry for a complaint; rows A6, B8, B9, B34, E, F."""

import socket

import pytest

from genesis.core.events import StreamEnd, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.fault import ProviderError
from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from genesis.core.model import Model
from genesis.core.secret import Secret
from genesis.core.usage import Usage
from genesis.providers.kilocode.discovery import STATIC
from genesis.providers.kilocode.plugin import KiloCode
from genesis.providers.provider import ChatRequest, Endpoint, ToolSpec
from genesis.providers.registry import Registry
from tests.genesis.servers import Answer, events, serving, text_chunk

SONNET = Model("anthropic/claude-sonnet-4", "Sonnet", input=("text",))
HI = (UserMessage((TextBlock("hi"),)),)
KEY = Secret("kk-canary-1")


def endpoint(server, **headers):
    return Endpoint(server.url, KEY, headers)


async def ask(server, request, provider=None, **headers):
    stream = (provider or KiloCode({})).stream(endpoint(server, **headers), request)
    return [event async for event in stream]


async def test_A2_B2_models_are_asked_without_the_key():
    async with serving(lambda _: Answer(200, b'{"data":[{"id":"a/b","pricing":{}}]}')) as server:
        models = await KiloCode({}).discover(endpoint(server), warn=pytest.fail)
    assert [model.id for model in models] == ["kilo/auto", "a/b"]
    [asked] = server.asked
    assert (asked.method, asked.path) == ("GET", "/api/gateway/models")
    assert asked.all("accept") == ["application/json"]
    assert asked.all("authorization") == []


async def test_B8_a_refused_connection_gives_the_static_catalog():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        warnings = []
        models = await KiloCode({}).discover(Endpoint(url), warn=warnings.append)
    assert models == list(STATIC)
    assert warnings[0].startswith("Discovery failed:")
    assert warnings[0].endswith("using static catalog")


async def test_B9_a_silent_server_is_waited_for_no_longer_than_the_limit():
    warnings = []
    async with serving(lambda _: Answer(is_silent=True)) as server:
        models = await KiloCode({}).discover(endpoint(server), timeout_s=0.05, warn=warnings.append)
    assert models == list(STATIC)
    assert "using static catalog" in warnings[0]


async def test_B34_offline_asks_nobody():
    async with serving(lambda _: Answer()) as server:
        models = await KiloCode({"GENESIS_OFFLINE": "1"}).discover(
            endpoint(server), warn=pytest.fail
        )
    assert (models, server.asked) == (list(STATIC), [])


@pytest.mark.parametrize(
    ("feature", "headers", "expected"),
    [
        (None, {}, "genesis"),
        ("  spaced  ", {}, "spaced"),
        (None, {"X-KILOCODE-FEATURE": "should-be-overwritten"}, "genesis"),
        (None, {"x-kilocode-feature": "x"}, "genesis"),
    ],
    ids=["E1", "E3", "E5", "E6"],
)
async def test_the_feature_header_is_sent_once(feature, headers, expected):
    provider = KiloCode({"KILOCODE_FEATURE": feature} if feature else {})
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        await ask(server, ChatRequest(SONNET, HI), provider, **headers, **{"X-Custom": "1"})
    [asked] = server.asked
    assert asked.all("x-kilocode-feature") == [expected]
    assert asked.all("x-custom") == ["1"]  # E7
    assert asked.all("http-referer") == asked.all("x-openrouter-title") == []  # E9


async def test_F1_to_F4_the_request_is_as_the_gateway_wants_it():
    tools = (ToolSpec("read", "Reads.", {"type": "object"}),)
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        await ask(
            server,
            ChatRequest(SONNET, HI, "Be brief.", tools, "high", {"extra_body": {"top_k": 5}}),
        )
    [asked] = server.asked
    assert asked.path == "/api/gateway/chat/completions"  # A6: no //
    assert asked.all("authorization") == ["Bearer kk-canary-1"]
    body = asked.json
    assert body["model"] == "anthropic/claude-sonnet-4"
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert "strict" not in body["tools"][0]["function"]
    assert body["reasoning"] == {"effort": "high"}
    assert body["top_k"] == 5
    assert not {"store", "reasoning_effort", "service_tier", "prompt_cache_key"} & set(body)


async def test_F7_cache_marks_are_left_to_the_gateway():
    tools = (ToolSpec("read", "Reads.", {"type": "object"}),)
    called = AssistantMessage((ToolCallBlock("c1", "read", "{}"),))
    result = ToolResultMessage("c1", "read", (TextBlock("long " * 2_000),))
    request = ChatRequest(SONNET, (*HI, called, result), "Be brief. " * 500, tools, "high")
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        await ask(server, request)
    [asked] = server.asked
    assert b"cache_control" not in asked.body
    # Plain texts, no parts: what the gateway marks by its own rule is a text.
    said = [one["content"] for one in asked.json["messages"] if one["role"] != "assistant"]
    assert [type(content) for content in said] == [str, str, str]


async def test_F6_F10_F23_a_history_is_sent_as_it_may_be():
    history = (
        UserMessage((TextBlock("look"), ImageBlock("AAAA", "image/png"))),
        AssistantMessage(
            (ToolCallBlock("a|b!c", "read", '{"p":1}', "AQID"), ToolCallBlock("lost", "read", "{}"))
        ),
        ToolResultMessage("a|b!c", "read", (TextBlock("text"),)),
        ToolResultMessage("orphan", "read", (TextBlock("x"),)),
        AssistantMessage((TextBlock("half"),), stop_reason="aborted"),
    )
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        await ask(server, ChatRequest(SONNET, history))
    body = server.asked[0].json
    assert body["tools"] == []
    assert body["messages"][0] == {"role": "user", "content": "look"}
    [call] = body["messages"][1]["tool_calls"]
    assert call == {
        "id": "a",
        "type": "function",
        "function": {"name": "read", "arguments": '{"p":1}'},
    }
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "tool"]


async def test_F13_usage_comes_in_a_chunk_of_its_own():
    usage = {"prompt_tokens": 8, "completion_tokens": 10, "total_tokens": 18}
    async with serving(
        lambda _: events(text_chunk("hi", "stop"), {"choices": [], "usage": usage})
    ) as server:
        found = await ask(server, ChatRequest(SONNET, HI))
    assert found == [TextDelta("hi"), StreamEnd("stop", Usage(8, 10, None, None, 0.0))]
    assert found[1].usage.total == 18


async def test_F17_F18_thinking_is_read_once():
    parts = ["I need to think about this.", " Let me analyze."]
    chunks = [
        {
            "choices": [
                {
                    "delta": {
                        "reasoning_details": [{"type": "reasoning.text", "text": part}],
                        "reasoning": part,
                    }
                }
            ]
        }
        for part in parts
    ]
    async with serving(lambda _: events(*chunks, text_chunk(" Hello!", "stop"))) as server:
        found = await ask(server, ChatRequest(SONNET, HI))
    assert [event.text for event in found if isinstance(event, ThinkingDelta)] == parts
    assert [event.text for event in found if isinstance(event, TextDelta)] == [" Hello!"]


async def test_a_tool_call_in_pieces_is_put_together():
    def call(**function):
        return {
            "choices": [{"delta": {"tool_calls": [{"index": 0, "id": "c1", "function": function}]}}]
        }

    end = {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}
    async with serving(
        lambda _: events(call(name="read", arguments='{"a"'), call(arguments=":1}"), end)
    ) as server:
        found = await ask(server, ChatRequest(SONNET, HI))
    assert found == [ToolCallReady("c1", "read", '{"a":1}'), StreamEnd("tool_use")]


async def test_arguments_without_end_are_refused():
    big = {
        "choices": [
            {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "x" * 100_000}}]}}
        ]
    }
    async with serving(lambda _: events(big, big, big)) as server:
        with pytest.raises(ProviderError, match="Exceeded tool-call argument buffer limit"):
            await ask(server, ChatRequest(SONNET, HI))


@pytest.mark.parametrize(
    ("answer", "message", "status"),
    [
        (
            Answer(402, b'{"error":{"message":"insufficient credits","code":402}}'),
            "402 insufficient credits",
            402,
        ),
        (Answer(500, b"<html>"), "500 <html>", 500),
        (events(text_chunk("x", "content_filter")), "Provider finish_reason: content_filter", None),
        (events(text_chunk("x"), done=False), "socket hang up", None),
        (events({"error": {"message": "broken", "code": 502}}), "broken", 502),
        (Answer(200, b"data: {", "text/event-stream", is_cut=True), "socket hang up", None),
        (Answer(200, b"{}", "application/json"), "no event stream", None),
    ],
)
async def test_what_goes_wrong_is_a_provider_error_without_a_key(answer, message, status):
    async with serving(lambda _: answer) as server:
        with pytest.raises(ProviderError) as caught:
            await ask(server, ChatRequest(SONNET, HI))
    assert message in caught.value.message
    assert caught.value.status == status
    assert "kk-canary" not in repr(caught.value) + caught.value.message


async def test_E34_a_complaint_about_thinking_is_answered_once():
    complaint = Answer(
        400,
        b'{"error":{"message":"Reasoning is mandatory for this endpoint and cannot be disabled."}}',
    )
    answers = [complaint, events(text_chunk("ok", "stop"))]
    async with serving(lambda _: answers.pop(0)) as server:
        found = await ask(server, ChatRequest(SONNET, HI, thinking="off"))
    assert found[0] == TextDelta("ok")
    assert [asked.json.get("reasoning") for asked in server.asked] == [None, {"effort": "minimal"}]


async def test_the_routed_model_is_told():
    answer = events(text_chunk("ok", "stop"))
    answer.headers = {"x-kilo-model": "openai/gpt-5", "x-kilo-reason": "cheapest"}
    async with serving(lambda _: answer) as server:
        *_, end = await ask(server, ChatRequest(STATIC[0], HI, thinking="high"))
    assert (end.routed_model, end.why) == ("openai/gpt-5", "cheapest")
    assert "reasoning" not in server.asked[0].json


async def test_a_complaint_is_answered_with_a_level_that_is_offered():
    complaint = Answer(
        400, b'{"error":{"message":"Bad effort. Supported values are: \'low\', \'medium\'."}}'
    )
    answers = [complaint, events(text_chunk("ok", "stop"))]
    async with serving(lambda _: answers.pop(0)) as server:  # E35
        await ask(server, ChatRequest(SONNET, HI, thinking="high"))
    assert [asked.json["reasoning"]["effort"] for asked in server.asked] == ["high", "low"]


@pytest.mark.parametrize("model", ["kilo/auto", "x-ai/grok-3"])
async def test_a_complaint_of_a_model_that_has_no_level_is_not_asked_again(model):
    complaint = Answer(400, b'{"error":{"message":"Reasoning is mandatory."}}')
    async with serving(lambda _: complaint) as server:
        with pytest.raises(ProviderError, match="Reasoning is mandatory"):
            await ask(server, ChatRequest(Model(model, "M"), HI, thinking="high"))
    assert len(server.asked) == 1


async def test_the_same_complaint_ends_after_each_level_was_tried():
    complaint = Answer(400, b'{"error":{"message":"Reasoning is mandatory here."}}')
    async with serving(lambda _: complaint) as server:
        with pytest.raises(ProviderError):
            await ask(server, ChatRequest(SONNET, HI, thinking="off"))
    assert len(server.asked) == 2


async def test_the_environment_in_force_is_read_at_each_request():
    environ = {"KILOCODE_FEATURE": "from-a-file"}
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        there = Endpoint(server.url, KEY, environ=environ)
        request = ChatRequest(SONNET, HI)
        for feature in ("one", "two"):
            environ["KILOCODE_FEATURE"] = feature
            assert [one async for one in KiloCode({}).stream(there, request)]
    assert [asked.all("x-kilocode-feature") for asked in server.asked] == [["one"], ["two"]]


async def test_offline_in_the_environment_in_force():
    async with serving(lambda _: Answer()) as server:
        there = Endpoint(server.url, environ={"GENESIS_OFFLINE": "true"})
        assert await KiloCode({}).discover(there, warn=pytest.fail) == list(STATIC)
    assert server.asked == []


async def test_E10_a_list_of_allowed_plugins_changes_nothing():
    kilo = Registry(allow=["telegram"]).load("kilocode")
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        there = Endpoint(server.url, KEY, environ={"PATH": "/bin"})
        request = ChatRequest(SONNET, HI, thinking="high")
        assert [one async for one in kilo.stream(there, request)]
    assert server.asked[0].all("x-kilocode-feature") == ["genesis"]
    assert server.asked[0].json["reasoning"] == {"effort": "high"}


async def test_C16_a_model_that_no_list_has_is_asked_for():
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        await ask(server, ChatRequest(Model("vendor/unlisted-model", "X"), HI))
    assert server.asked[0].json["model"] == "vendor/unlisted-model"


async def test_G14_G15_a_gemini_history_is_sent_as_it_is():
    history = (
        AssistantMessage((TextBlock("I began."),)),
        AssistantMessage((ToolCallBlock("call-1", "read", "{}", "not base64!"),)),
        ToolResultMessage("call-1", "read", (TextBlock("x"),)),
        *HI,
        *HI,
    )
    gemini = Model("google/gemini-3-pro-preview", "Gemini")
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        await ask(server, ChatRequest(gemini, history, "Be brief."))
    sent = server.asked[0].json["messages"]
    roles = ["system", "assistant", "assistant", "tool", "user", "user"]
    assert [message["role"] for message in sent] == roles
    assert sent[2]["tool_calls"][0]["id"] == "call-1"
    assert b"signature" not in server.asked[0].body
    assert b"extra_content" not in server.asked[0].body


async def test_reasoning_effort_goes_but_the_settings_extra_body_wins():
    params = {"extra_body": {"reasoning_effort": "low", "model": "mine"}}
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        await ask(server, ChatRequest(SONNET, HI, thinking="high", params=params))
    body = server.asked[0].json
    assert (body["reasoning_effort"], body["model"]) == ("low", "mine")
    assert body["reasoning"] == {"effort": "high"}


async def test_connections_are_kept_when_that_is_asked_for():
    kilo = KiloCode({})
    kilo.keep_connections()
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        assert len(await ask(server, ChatRequest(SONNET, HI), kilo)) == 2
        assert len(await ask(server, ChatRequest(SONNET, HI), kilo)) == 2
        await kilo.aclose()


@pytest.mark.parametrize(
    ("answer", "warning"),
    [
        (Answer(500, b"{}"), "Failed to discover models: HTTP 500, using static catalog"),
        (Answer(200, b"<html>"), "Discovery failed: "),
        (Answer(200, b'{"data":[]}'), "No models found from gateway API, using static catalog"),
        (Answer(200, b'{"data":[{"id":"a/b"}]}'), 'Skipping malformed model entry "a/b": '),
        (Answer(200, b'{"data":', is_cut=True), "Discovery failed: "),
        (Answer(301, headers={"location": "ftp://x/"}), "Discovery failed: "),
        (Answer(301), "Failed to discover models: HTTP 301, using static catalog"),
    ],
)
async def test_whatever_the_gateway_answers_kilo_auto_is_there(answer, warning):
    warnings = []
    async with serving(lambda _: answer) as server:
        models = await KiloCode({}).discover(endpoint(server), warn=warnings.append)
    assert models == list(STATIC)
    assert len(warnings) == 1
    assert warnings[0].startswith(warning)


@pytest.mark.parametrize("url", ["", "http://x:port/", "nonsense"])
async def test_a_base_url_that_is_none_gives_the_static_catalog(url):
    warnings = []
    assert await KiloCode({}).discover(Endpoint(url), warn=warnings.append) == list(STATIC)
    assert warnings[0].startswith("Discovery failed: ")
