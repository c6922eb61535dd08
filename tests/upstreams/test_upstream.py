"""What an upstream is sent, byte for byte, over real sockets."""

from collections.abc import Callable
from time import monotonic
from typing import Any

import msgspec
import pytest

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.secret import Secret
from kilo_gateway.upstreams.pool import Pool
from kilo_gateway.upstreams.profiles import Profile, profiles
from kilo_gateway.upstreams.target import parse_target
from kilo_gateway.upstreams.upstream import Account, Upstream
from tests.scripted import ReadRequest, Repeat, Send, Server, serve

ROWS = profiles()
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
ANSWERS = [Repeat([ReadRequest(), Send(OK)])]
BODY = b'{"model":"m"}'
BARE = Profile(title="Bare", base_url="", name="bare")

MakePool = Callable[..., Pool]


def upstream(
    pool: Pool, profile: Profile = BARE, key: str = "sk-a", headers: tuple[Any, ...] = ()
) -> Upstream:
    return Upstream(Account("acme", profile, Secret(key), headers), pool)


def call(
    operation: Operation = "chat", *, query: bytes = b"", headers: dict[bytes, bytes] | None = None
) -> Call:
    return Call(
        id="call",
        dialect="openai_chat",
        operation=operation,
        model="m",
        fields={},
        body_bytes=len(BODY),
        stream=False,
        arrived=0.0,
        received_at=0.0,
        query=query,
        headers=headers or {},
    )


async def ask(one: Upstream, asked: Call | None = None, model: str = "m") -> None:
    deployment = Deployment("acme", "acme/m", model, "openai_chat")
    dialect = one.account.profile.dialect
    exchange = await one.send(
        asked or call(), deployment, BODY, "key", monotonic() + 2, dialect=dialect
    )
    try:
        assert (exchange.status, await exchange.read_all(100, monotonic() + 2)) == (200, b"{}")
    finally:
        exchange.close()


async def head_of(
    make_pool: MakePool,
    profile: Profile = BARE,
    asked: Call | None = None,
    *,
    key: str = "sk-a",
    headers: tuple[tuple[str, str], ...] = (),
) -> dict[bytes, bytes]:
    """The headers of one call as they came; no name may come twice."""
    async with serve(ANSWERS) as server:
        await ask(upstream(make_pool(server.port), profile, key, headers), asked)
        return fields_of(server.requests[0].head)


async def line_of(
    make_pool: MakePool, profile: Profile, asked: Call, model: str = "m", base: str = "/v1"
) -> bytes:
    """The request line of one call."""
    async with serve(ANSWERS) as server:
        pool = make_pool(parse_target("acme", f"http://127.0.0.1:{server.port}{base}"))
        await ask(upstream(pool, profile), asked, model)
        return server.requests[0].line


def fields_of(head: bytes) -> dict[bytes, bytes]:
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]
    fields = dict(line.split(b": ", 1) for line in lines)
    assert len(fields) == len(lines), lines
    return fields


async def test_a_call_is_these_bytes(make_pool: MakePool):
    async with serve(ANSWERS) as server:
        await ask(upstream(make_pool(server.port)))
        sent = server.requests[0]
    assert sent.body == BODY
    assert (
        sent.head
        == (
            b"POST /v1/chat/completions HTTP/1.1\r\n"
            b"host: 127.0.0.1:%d\r\n"
            b"user-agent: kilo-gateway\r\n"
            b"accept: */*\r\n"
            b"accept-encoding: identity\r\n"
            b"content-type: application/json\r\n"
            b"authorization: Bearer sk-a\r\n"
            b"content-length: 13\r\n"
            b"\r\n"
        )
        % server.port
    )


@pytest.mark.parametrize(
    ("base", "operation", "line"),
    [
        ("/v1", "chat", b"POST /v1/chat/completions HTTP/1.1"),
        ("/v1/", "completions", b"POST /v1/completions HTTP/1.1"),
        ("/openai/v1", "embeddings", b"POST /openai/v1/embeddings HTTP/1.1"),
        ("", "chat", b"POST /chat/completions HTTP/1.1"),
        ("/", "chat", b"POST /chat/completions HTTP/1.1"),
    ],
)
async def test_the_path_comes_after_the_base_path(
    make_pool: MakePool, base: str, operation: Operation, line: bytes
):
    assert await line_of(make_pool, BARE, call(operation), base=base) == line


async def test_the_clients_query_is_passed_on(make_pool: MakePool):
    line = await line_of(make_pool, BARE, call(query=b"a=1&b=%20"))
    assert line == b"POST /v1/chat/completions?a=1&b=%20 HTTP/1.1"


async def test_the_clients_query_comes_after_the_rows_own(make_pool: MakePool):
    row = msgspec.structs.replace(BARE, query={"api-version": "v 1"})
    assert await line_of(make_pool, row, call()) == (
        b"POST /v1/chat/completions?api-version=v+1 HTTP/1.1"
    )
    assert await line_of(make_pool, row, call(query=b"a=1")) == (
        b"POST /v1/chat/completions?api-version=v+1&a=1 HTTP/1.1"
    )


@pytest.mark.parametrize(
    ("operation", "end"),
    [("chat", b"chat/completions"), ("completions", b"completions"), ("embeddings", b"embeddings")],
)
async def test_azures_deployment_is_part_of_the_path(
    make_pool: MakePool, operation: Operation, end: bytes
):
    row = ROWS["azure-deployments"]
    line = await line_of(make_pool, row, call(operation), model="my gpt/4?x#y", base="")
    assert line == (
        b"POST /openai/deployments/my%20gpt%2F4%3Fx%23y/"
        + end
        + b"?api-version=2024-10-21 HTTP/1.1"
    )


async def test_each_model_and_operation_has_its_own_path(make_pool: MakePool):
    asked: list[tuple[Operation, str]] = [
        ("chat", "a"),
        ("chat", "b"),
        ("embeddings", "a"),
        ("chat", "a"),
    ]
    async with serve(ANSWERS) as server:
        one = upstream(make_pool(server.port), ROWS["azure-deployments"])
        for operation, model in asked:
            await ask(one, call(operation), model)
        lines = [sent.line.split(b"/openai/deployments/")[1] for sent in server.requests]
    assert [line.partition(b"?")[0] for line in lines] == [
        b"a/chat/completions",
        b"b/chat/completions",
        b"a/embeddings",
        b"a/chat/completions",
    ]


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        ("bearer", b"authorization", b"Bearer sk-a"),
        ("api-key", b"api-key", b"sk-a"),
        ("x-api-key", b"x-api-key", b"sk-a"),
        ("none", b"authorization", b"Bearer sk-a"),
    ],
)
async def test_the_key_goes_where_the_row_says(
    make_pool: MakePool, auth: Any, name: bytes, value: bytes
):
    sent = await head_of(make_pool, msgspec.structs.replace(BARE, auth=auth))
    assert {field: text for field, text in sent.items() if b"sk-a" in text} == {name: value}


@pytest.mark.parametrize("auth", ["bearer", "api-key", "x-api-key", "none"])
async def test_without_a_key_no_credential_is_sent(make_pool: MakePool, auth: Any):
    sent = await head_of(make_pool, msgspec.structs.replace(BARE, auth=auth), key="")
    assert not {b"authorization", b"api-key", b"x-api-key"} & sent.keys()


async def test_the_operators_headers_are_sent_and_win(make_pool: MakePool):
    row = msgspec.structs.replace(BARE, headers={"X-Row": "row", "X-Both": "row"})
    given = (("x-both", "own"), ("Authorization", "Basic abc"), ("X-More", "more"))
    sent = await head_of(make_pool, row, headers=given)
    assert (sent[b"x-row"], sent[b"x-both"], sent[b"x-more"]) == (b"row", b"own", b"more")
    assert sent[b"authorization"] == b"Basic abc"


async def test_only_the_headers_that_the_row_names_are_passed_on(make_pool: MakePool):
    row = msgspec.structs.replace(BARE, forward_headers=("x-title", "http-referer"))
    asked = call(headers={b"x-title": b"App", b"cookie": b"c", b"x-other": b"o"})
    sent = await head_of(make_pool, row, asked)
    assert sent[b"x-title"] == b"App"
    assert not {b"http-referer", b"cookie", b"x-other"} & sent.keys()


async def test_a_row_that_names_none_gets_none_of_the_clients_headers(make_pool: MakePool):
    asked = call(headers={b"x-title": b"App", b"authorization": b"Bearer of-the-client"})
    sent = await head_of(make_pool, BARE, asked)
    assert b"x-title" not in sent
    assert sent[b"authorization"] == b"Bearer sk-a"


async def test_a_header_of_the_operator_wins_over_the_clients(make_pool: MakePool):
    row = msgspec.structs.replace(BARE, forward_headers=("x-title",))
    asked = call(headers={b"x-title": b"client"})
    sent = await head_of(make_pool, row, asked, headers=(("X-Title", "operator"),))
    assert sent[b"x-title"] == b"operator"


async def test_the_operators_content_type_is_the_only_one(make_pool: MakePool):
    sent = await head_of(make_pool, headers=(("Content-Type", "application/json; v=2"),))
    assert sent[b"content-type"] == b"application/json; v=2"


async def test_a_plain_upstream_behind_a_proxy_is_asked_in_absolute_form(make_pool: MakePool):
    async with serve(ANSWERS) as proxy:
        target = parse_target(
            "acme", "http://h.example:81/v1", proxy=f"http://u:pw@127.0.0.1:{proxy.port}"
        )
        await ask(upstream(make_pool(target)))
        sent = proxy.requests[0]
    assert sent.line == b"POST http://h.example:81/v1/chat/completions HTTP/1.1"
    fields = fields_of(sent.head)
    assert fields[b"host"] == b"h.example:81"
    assert fields[b"Proxy-Authorization"] == b"Basic dTpwdw=="


LIST = b'{"data":[]}'


async def listed(make_pool: MakePool, profile: Profile, *, status: bytes = b"200 OK") -> Server:
    reply = b"HTTP/1.1 %b\r\nX-Seen: 1\r\ncontent-length: %d\r\n\r\n%b" % (status, len(LIST), LIST)
    async with serve([Repeat([ReadRequest(), Send(reply)])]) as server:
        pool = make_pool(server.port)
        got = await upstream(pool, profile).list_models(monotonic() + 2)
        assert pool.idle_count == 1
        code, headers, body = got
        assert (code, headers[b"x-seen"], body) == (int(status[:3]), b"1", LIST)
        return server


async def test_the_list_of_models_is_asked_with_these_bytes(make_pool: MakePool):
    server = await listed(make_pool, BARE)
    assert server.requests[0].body == b""
    assert (
        server.requests[0].head
        == (
            b"GET /v1/models HTTP/1.1\r\n"
            b"host: 127.0.0.1:%d\r\n"
            b"user-agent: kilo-gateway\r\n"
            b"accept: */*\r\n"
            b"accept-encoding: identity\r\n"
            b"authorization: Bearer sk-a\r\n"
            b"\r\n"
        )
        % server.port
    )


async def test_a_dialect_has_headers_of_its_own_for_calls_and_for_the_list(make_pool: MakePool):
    server = await listed(make_pool, ROWS["anthropic"])
    assert server.requests[0].line == b"GET /v1/models?limit=1000 HTTP/1.1"
    fields = fields_of(server.requests[0].head)
    assert fields[b"x-api-key"] == b"sk-a"
    assert fields[b"anthropic-version"] == b"2023-06-01"
    assert b"authorization" not in fields
    sent = await head_of(make_pool, ROWS["anthropic"])
    assert (sent[b"x-api-key"], sent[b"anthropic-version"]) == (b"sk-a", b"2023-06-01")
    assert b"authorization" not in sent


async def test_a_list_of_a_server_of_ones_own_is_asked_with_the_key_given_for_it(
    make_pool: MakePool,
):
    server = await listed(make_pool, ROWS["ollama"])
    assert fields_of(server.requests[0].head)[b"authorization"] == b"Bearer sk-a"


async def test_a_refused_list_is_given_as_it_came(make_pool: MakePool):
    await listed(make_pool, BARE, status=b"401 No")


async def test_a_list_elsewhere_is_asked_for_at_home(make_pool: MakePool):
    row = msgspec.structs.replace(BARE, models_path="https://evil.example/all")
    server = await listed(make_pool, row)
    assert server.requests[0].line == b"GET /v1/all HTTP/1.1"


async def test_a_list_that_is_cut_is_a_fault_and_keeps_no_connection(make_pool: MakePool):
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"
    async with serve([ReadRequest(), Send(cut)]) as server:
        pool = make_pool(server.port)
        with pytest.raises(Fault) as caught:
            await upstream(pool).list_models(monotonic() + 2)
        assert caught.value.kind == Kind.UPSTREAM_DISCONNECT
        assert pool.idle_count == 0


async def test_nothing_prints_the_key(make_pool: MakePool):
    one = upstream(make_pool(9), key="hush", headers=(("x-a", "b"),))
    assert repr(one) == "Upstream('acme')"
    assert "hush" not in repr(one.account) + str(one.account)


async def test_nothing_prints_the_values_of_the_operators_headers(make_pool: MakePool):
    one = upstream(make_pool(9), headers=(("x-secret", "hush"),))
    assert "hush" not in repr(one.account)


@pytest.mark.parametrize(
    ("profile", "is_routing"),
    [
        (ROWS["openai"], False),
        (ROWS["openrouter"], True),
        (ROWS["kilo"], True),
        (ROWS["groq"], False),
        (ROWS["custom"], False),
    ],
)
async def test_fields_for_routers_go_to_routers_alone(
    make_pool: MakePool, profile: Profile, is_routing: bool
):
    quirks = upstream(make_pool(9), profile).quirks
    assert ("no_routing_fields" not in quirks) == is_routing
    assert profile.quirks <= quirks


async def test_patience_is_the_pools(make_pool: MakePool):
    pool = make_pool(9)
    one = upstream(pool)
    assert (one.first_byte_s, one.silence_s) == (
        pool.timeouts.first_byte_s,
        pool.timeouts.silence_s,
    )


KEY = "zzQ7/plain+KEY=="


def acquainted(make_pool: MakePool, base: str, key: str = KEY, **headers: str) -> Upstream:
    pool = make_pool(parse_target("acme", base))
    return upstream(pool, BARE, key, tuple(headers.items()))


@pytest.mark.parametrize(
    "said",
    [
        f"key {KEY} is wrong",
        "key " + KEY.replace("/", "\\/") + " is wrong",
        f"key {KEY}{KEY} is wrong",
        "key of-the-header is wrong",
        "key dXNlcjpwYXNz is wrong",
    ],
)
async def test_what_only_it_and_the_operator_know_is_struck_out(make_pool: MakePool, said: str):
    one = acquainted(
        make_pool, "https://acme.example/v1", second="of-the-header", extra="Basic dXNlcjpwYXNz"
    )
    struck = one.redact(said.encode())
    assert struck.replace(b"******", b"***") == b"key *** is wrong"


@pytest.mark.parametrize(
    ("base", "said", "struck"),
    [
        ("https://acme.example/v1", b"POST https://ACME.example/v1/x", b"POST https://***/v1/x"),
        ("http://acme.example:8000", b"acme.example:8000 acme.example", b"*** ***"),
        ("http://acme.example:8000", b"my-acme.example acme.examples", None),
        ("http://localhost:8000", b"at localhost:8000, not localhost", b"at ***, not localhost"),
        ("http://short", b"in short", None),
    ],
)
async def test_its_address_is_struck_out(
    make_pool: MakePool, base: str, said: bytes, struck: bytes | None
):
    assert acquainted(make_pool, base).redact(said) == (struck or said)


async def test_short_and_plain_values_stay(make_pool: MakePool):
    one = acquainted(make_pool, "http://short", "sevenCh", accept="application/json")
    said = b'{"type":"application/json","key":"sevenCh"}'
    assert one.redact(said) == said


@pytest.mark.parametrize(("key", "value"), [("cl\u00e9", "v"), ("a\nb", "v"), ("k", "\u2013")])
async def test_what_no_header_can_carry_is_refused_without_showing_it(
    make_pool: MakePool, key: str, value: str
):
    with pytest.raises(ValueError, match="no header can carry") as raised:
        acquainted(make_pool, "http://127.0.0.1:9", key, second=value)
    assert key not in str(raised.value).split()
    assert "\u2013" not in str(raised.value)


async def test_a_refusal_to_list_models_is_redacted(make_pool: MakePool):
    body = f"no {KEY}".encode()
    refusal = b"HTTP/1.1 401 No\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    async with serve([ReadRequest(), Send(refusal)]) as server:
        one = acquainted(make_pool, f"http://127.0.0.1:{server.port}")
        status, _, said = await one.list_models(monotonic() + 2)
    assert (status, said) == (401, b"no ***")


async def test_a_signer_signs_what_is_sent_and_its_secrets_are_not_told(
    make_pool: MakePool,
) -> None:
    seen: list[Any] = []

    def sign(method: str, target: str, headers: Any, body: bytes) -> bytes:
        seen.append((method, target, dict(headers), body))
        return b"x-signed: 1\r\n"

    async with serve(ANSWERS) as server:
        pool = make_pool(server.port)
        account = Account(
            "acme", BARE, Secret(""), signer=sign, secrets=(Secret("session-token-1"),)
        )
        one = Upstream(account, pool)
        await ask(one, call(query=b"a=1"))
    assert b"\r\nx-signed: 1\r\n" in server.requests[0].head
    ((method, target, headers, body),) = seen
    assert (method, body, headers) == ("POST", BODY, {"host": pool.target.authority})
    assert f"POST {target} HTTP/1.1".encode() == server.requests[0].line
    assert target.endswith("?a=1")
    assert one.redact(b"your session-token-1 is old") == b"your *** is old"
