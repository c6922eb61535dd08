"""Who is asked first: by the settings, by the client's wishes, by where a conversation is warm, and by the size of a request."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.gateways import Running, in_loop
from tests.scripted import Close, ReadRequest, Repeat, Send, Server, serve
from tests.talk import Answer, ask, chat, healthy, outcomes, replying, upstream, whole

ERROR = {"error": {"message": "broken", "type": "server_error"}}
OVERFLOW = {"error": {"message": "This model's maximum context length is 10 tokens.", "code": 400}}
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
}
USER = {"role": "user", "content": "Hi"}


def body(dialect: str, model: str = "m", **more: Any) -> dict[str, Any]:
    """The same question in a dialect."""
    said = {
        "openai_responses": {"input": "Hi"},
        "anthropic_messages": {"messages": [USER], "max_tokens": 9},
    }
    return {"model": model} | said.get(dialect, {"messages": [USER]}) | more  # fmt: skip


def price(name: str, dollars: float, cached: float | None = None) -> str:
    """The settings of a deployment's price, per million tokens."""
    rows = f'[models."{name}/m"]\ninput_price = {dollars}\noutput_price = {dollars}\n'
    return rows if cached is None else f"{rows}cache_read_price = {cached}\n"


@contextlib.asynccontextmanager
async def three(
    home: Path, config: str = "", **more: Any
) -> AsyncIterator[tuple[Running, list[Server]]]:
    """A gateway in front of three healthy upstreams of one model, tried in the order a, b, c."""
    async with healthy() as a, healthy() as b, healthy() as c:
        servers = [a, b, c]
        for number, (name, server) in enumerate(zip("abc", servers, strict=True)):
            config += upstream(name, server, number, **more.get(name, {}))
        async with in_loop(home, config) as gateway:
            yield gateway, servers


def counts(servers: list[Server]) -> list[int]:
    return [len(server.requests) for server in servers]


def seen(server: Server) -> dict[str, Any]:
    """What an upstream was sent last."""
    return dict(msgspec.json.decode(server.requests[-1].body))


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ("", [3, 0, 0]),
        (price("a", 3) + price("b", 1) + price("c", 2) + '[routing]\npolicy = "cheapest"\n', [0, 3, 0]),
        (price("a", 3) + price("c", 2) + '[routing]\npolicy = "cheapest"\n', [0, 0, 3]),
        ('[models.m]\npolicy = "weighted"\n', None),
    ],
)  # fmt: skip
async def test_the_settings_say_who_is_asked_first(
    tmp_path: Path, config: str, asked: list[int] | None
) -> None:
    async with three(tmp_path, config, b={"weight": 1_000_000}) as (gateway, servers):
        for _ in range(3):
            assert (await ask(gateway, chat())).status == 200
        if asked is None:
            assert servers[1].requests  # by its weight, whatever its priority
        else:
            assert counts(servers) == asked


async def test_the_least_busy_is_asked_first(tmp_path: Path) -> None:
    async with three(tmp_path, '[routing]\npolicy = "least-busy"\n') as (gateway, servers):
        health = gateway.parts._health if gateway.parts else None
        assert health is not None
        health.started("a/m", 0.0)
        health.started("c/m", 0.0)
        assert (await ask(gateway, chat())).status == 200
        assert counts(servers) == [0, 1, 0]


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize(
    ("provider", "asked"),
    [
        ({"order": ["c", "b"]}, "c"),
        ({"only": ["B"]}, "b"),
        ({"ignore": ["a", "b"]}, "c"),
        ({"zdr": True}, "c"),
        ({"data_collection": "deny"}, "b"),
        ({"quantizations": ["fp8", "bf16"]}, "b"),
        ({"max_price": {"prompt": 1}}, "c"),
        ({"sort": "price"}, "c"),
    ],
)
async def test_wishes_are_fulfilled_and_told_to_nobody_who_does_not_know_them(
    tmp_path: Path, dialect: str, provider: dict[str, Any], asked: str
) -> None:
    facts = {
        "b": {"data_collection": "deny", "quantization": "fp8"},
        "c": {"zdr": True},
    }
    config = price("a", 2) + price("c", 1)
    async with three(tmp_path, config, **facts) as (gateway, servers):
        answer = await ask(gateway, body(dialect, provider=provider), path=PATHS[dialect])
        assert answer.status == 200, answer.body
        assert counts(servers) == [int(name == asked) for name in "abc"]
        assert "provider" not in seen(servers["abc".index(asked)])


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize(
    ("provider", "status", "word"),
    [
        ({"only": ["nobody"]}, 404, "provider.only"),
        ({"zdr": True}, 404, "provider.zdr"),
        ({"zdr": "true"}, 400, "provider.zdr"),  # case A13
        ({"data_collection": "invalid"}, 400, "provider.data_collection"),  # case A13
        ("lmstudio", 400, "provider"),  # case I14
    ],
)
async def test_wishes_that_nobody_fulfils_or_that_are_none_are_refused_by_name(
    tmp_path: Path, dialect: str, provider: object, status: int, word: str
) -> None:
    async with three(tmp_path) as (gateway, servers):
        answer = await ask(gateway, body(dialect, provider=provider), path=PATHS[dialect])
        assert answer.status == status
        assert word in answer.body.decode()
        assert counts(servers) == [0, 0, 0]


async def test_the_order_of_the_client_is_the_order_of_fail_over(tmp_path: Path) -> None:
    async with (
        replying(whole(ERROR, 500)) as sick,
        healthy() as well,
        in_loop(
            tmp_path, upstream("a", well) + upstream("b", sick) + upstream("c", sick)
        ) as gateway,
    ):
        provider = {"order": ["c", "b"]}
        assert (await ask(gateway, chat(provider=provider), call="call-1")).status == 200
        provider["allow_fallbacks"] = False  # type: ignore[assignment]
        assert (await ask(gateway, chat(provider=provider), call="call-2")).status == 502
    assert [name for name, _ in outcomes(tmp_path, "call-1")] == ["c", "b", "a"]
    assert {name for name, _ in outcomes(tmp_path, "call-2")} == {"b", "c"}


@pytest.mark.parametrize("dialect", PATHS)
async def test_a_router_gets_the_wishes_but_for_its_own_name(tmp_path: Path, dialect: str) -> None:
    async with (
        healthy() as router,
        healthy() as own,
        in_loop(
            tmp_path,
            upstream("own", own) + upstream("router", router, 5, vendor="openrouter", api_key="k"),
        ) as gateway,
    ):
        provider = {"only": ["alibaba"], "order": ["alibaba"], "zdr": True, "new_wish": [1]}
        await ask(gateway, body(dialect, provider=provider), path=PATHS[dialect])
        assert (len(own.requests), seen(router)["provider"]) == (0, provider)  # cases I12, I13
        provider = {"order": ["openrouter", "alibaba"], "sort": "price"}
        await ask(gateway, body(dialect, provider=provider), path=PATHS[dialect])
        assert seen(router)["provider"] == {"order": ["alibaba"], "sort": "price"}
        assert len(own.requests) == 0


@pytest.mark.parametrize("dialect", PATHS)
async def test_further_models_follow_in_the_clients_order(tmp_path: Path, dialect: str) -> None:
    async with (
        replying(whole(ERROR, 500)) as sick,
        healthy() as well,
        in_loop(
            tmp_path,
            upstream("a", sick, models=["first"])
            + upstream("b", well, models=["last"])
            + upstream("c", sick, models=["second"]),
        ) as gateway,
    ):
        asked = body(dialect, "first", models=["nowhere", "second", "last"])
        answer = await ask(gateway, asked, path=PATHS[dialect], call="call-1")
        assert (answer.status, answer.headers["x-kilo-attempts"]) == (200, "3")
        assert "models" not in seen(well)
    assert [name for name, _ in outcomes(tmp_path, "call-1")] == ["a", "c", "b"]


async def talk(gateway: Running, turns: int, session: str, **more: Any) -> list[Answer]:
    """A conversation that grows by an answer and a question a turn."""
    messages: list[dict[str, Any]] = []
    answers = []
    for turn in range(turns):
        messages.append({"role": "user", "content": f"{session}, {turn}"})
        sent = {"model": "m", "messages": messages}
        answers.append(await ask(gateway, sent, **more))
        messages.append({"role": "assistant", "content": "Hello"})
    return answers


SESSIONS = {
    "by its beginning": lambda _name: {},
    "by a header": lambda name: {"headers": {"x-session-affinity": name}},
    "by Kilo's header": lambda name: {"headers": {"x-kilocode-taskid": name}},
}


@pytest.mark.parametrize("known", SESSIONS)
async def test_conversations_stay_where_they_are_warm_and_share_upstreams_among_them(
    tmp_path: Path, known: str
) -> None:
    config = '[routing]\npolicy = "weighted"\n' + "".join(price(name, 1, 0.1) for name in "abc")
    async with three(tmp_path, config) as (gateway, servers):
        homes = Counter[int]()
        for number in range(12):
            before = counts(servers)
            name = f"talk {number}"
            await talk(gateway, 4, name, **SESSIONS[known](name))
            asked = [now - then for now, then in zip(counts(servers), before, strict=True)]
            assert sorted(asked) == [0, 0, 4], "it moved"
            homes[asked.index(4)] += 1
    assert len(homes) > 1


async def test_a_conversation_moves_when_its_upstream_is_ill_and_stays_where_it_went(
    tmp_path: Path,
) -> None:
    once = [
        ReadRequest(),
        Send(whole()),
        ReadRequest(),
        Send(whole(ERROR, 500, {"connection": "close"})),
        Close(),
    ]
    config = price("a", 1, 0.1) + price("b", 1, 0.1)
    async with (
        serve(once, [Repeat([ReadRequest(), Send(whole())])]) as flaky,
        healthy() as other,
        in_loop(tmp_path, config + upstream("a", flaky) + upstream("b", other, 1)) as gateway,
    ):
        await talk(gateway, 4, "talk")
        assert (len(flaky.requests), len(other.requests)) == (2, 3)
        # Another conversation is not bound by it.
        await talk(gateway, 1, "other talk")
        assert (len(flaky.requests), len(other.requests)) == (3, 3)


async def test_a_conversation_moves_to_where_it_is_cheaper_with_a_cold_cache(
    tmp_path: Path,
) -> None:
    # a's cache saves little: what b asks for everything is less.
    config = '[routing]\npolicy = "cheapest"\n' + price("a", 10, 9) + price("b", 1)
    async with three(tmp_path, config, c={"enabled": False}) as (gateway, servers):
        first, *_ = await talk(gateway, 1, "talk", headers={"x-session-id": "s"})
        assert first.status == 200
        provider = {"order": ["a"]}
        sent = chat(provider=provider)
        await ask(gateway, sent, headers={"x-session-id": "s"})
        await ask(gateway, chat(), headers={"x-session-id": "s"})
        assert counts(servers) == [1, 2, 0]


async def test_after_a_request_that_was_too_long_only_larger_windows_are_asked(
    tmp_path: Path,
) -> None:
    windows = {"a": 1_000, "b": 1_000, "c": 5_000}
    config = "".join(
        f'[models."{name}/m"]\ncontext_length = {size}\n' for name, size in windows.items()
    )
    async with (
        replying(whole(OVERFLOW, 400)) as small,
        healthy() as large,
        in_loop(
            tmp_path,
            config + upstream("a", small) + upstream("b", small, 1) + upstream("c", large, 2),
        ) as gateway,
    ):
        answer = await ask(gateway, chat(), call="call-1")
        assert (answer.status, answer.headers["x-kilo-attempts"]) == (200, "2")
        long = chat(messages=[{"role": "user", "content": "word " * 1_500}])
        assert (await ask(gateway, long, call="call-2")).headers["x-kilo-attempts"] == "1"
        alone = await ask(gateway, chat(provider={"only": ["a", "b"]}), call="call-3")
        assert (alone.status, alone.error_type) == (400, "context_length_exceeded")
    assert [name for name, _ in outcomes(tmp_path, "call-1")] == ["a", "c"]
    assert [name for name, _ in outcomes(tmp_path, "call-2")] == ["c"]
    assert [name for name, _ in outcomes(tmp_path, "call-3")] == ["a"]
