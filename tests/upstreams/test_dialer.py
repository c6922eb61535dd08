"""Dialling: names and addresses, TLS, proxies, and what is said when it fails."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
import trustme

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.upstreams.dialer import Dialer
from kilo_gateway.upstreams.exchange import send
from kilo_gateway.upstreams.pool import Pool
from kilo_gateway.upstreams.target import parse_target
from tests.scripted import (
    Close,
    ReadHead,
    ReadRequest,
    Relay,
    Repeat,
    Reset,
    Send,
    Stall,
    UntilGone,
    serve,
)

BOTH_LOOPS = True

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
HEAD = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWERING = [Repeat([ReadRequest(), Send(HELLO)])]


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(file)
    return str(file)


@pytest.fixture
def tls_for(ca: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    def make(*names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["h2", "http/1.1"])
        ca.issue_cert(*names).configure_cert(context)
        return context

    return make


async def whole(pool: Pool) -> bytes:
    exchange = await send(pool, HEAD, b"", "key", monotonic() + 2)
    try:
        return await exchange.read_all(1 << 20, monotonic() + 2)
    finally:
        exchange.close()


async def fault_of(pool: Pool) -> Fault:
    with pytest.raises(Fault) as caught:
        await whole(pool)
    assert pool.open_count == 0
    return caught.value


async def test_a_host_name_is_looked_up_and_all_its_addresses_are_tried(make_pool):
    async with serve(ANSWERING) as server:  # on IPv4 only, while localhost may have both
        pool = make_pool(parse_target("acme", f"http://localhost:{server.port}"))
        assert await whole(pool) == b"hello"


async def test_small_writes_are_not_held_back_and_a_silent_flow_is_kept_alive(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port)
        await whole(pool)
        sock = pool._idle[0].transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


async def test_a_name_that_does_not_exist(make_pool):
    fault = await fault_of(make_pool(parse_target("acme", "http://nowhere.invalid")))
    assert fault.kind == Kind.UPSTREAM_CONNECT
    assert "nowhere" not in fault.message


async def test_tls_with_a_ca_file(make_pool, tls_for, ca_file):
    async with serve(ANSWERING, tls=tls_for("localhost", "127.0.0.1")) as server:
        for host in ("localhost", "127.0.0.1"):
            pool = make_pool(parse_target("acme", f"https://{host}:{server.port}", ca_file=ca_file))
            assert await whole(pool) == b"hello"
            assert await whole(pool) == b"hello"
        assert server.accepted == 2


async def test_tls_names_the_host_and_offers_http_1_only(make_pool, tls_for, ca_file):
    context = tls_for("localhost")
    names: list[str | None] = []
    context.sni_callback = lambda _connection, name, _context: names.append(name)
    async with serve(ANSWERING, tls=context) as server:
        pool = make_pool(parse_target("acme", f"https://localhost:{server.port}", ca_file=ca_file))
        await whole(pool)
        assert names == ["localhost"]
        tls = pool._idle[0].transport.get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "http/1.1"


async def test_tls_of_an_unknown_ca_is_refused(make_pool, tls_for):
    async with serve(ANSWERING, tls=tls_for("localhost")) as server:
        fault = await fault_of(make_pool(parse_target("acme", f"https://localhost:{server.port}")))
    assert fault.kind == Kind.UPSTREAM_CONNECT
    assert "TLS verification of upstream acme failed" in fault.message
    assert "unable to get local issuer" in fault.detail
    assert not server.requests


async def test_tls_of_another_host_is_refused(make_pool, tls_for, ca_file):
    async with serve(ANSWERING, tls=tls_for("other.example")) as server:
        target = parse_target("acme", f"https://localhost:{server.port}", ca_file=ca_file)
        fault = await fault_of(make_pool(target))
    assert "TLS verification of upstream acme failed" in fault.message
    assert "mismatch" in fault.detail
    assert not server.requests


async def test_tls_with_a_server_that_speaks_none(make_pool):
    async with serve([Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), UntilGone()]) as server:
        fault = await fault_of(make_pool(parse_target("acme", f"https://localhost:{server.port}")))
    assert fault.kind == Kind.UPSTREAM_CONNECT
    assert "meant to be https" in fault.message


@pytest.mark.parametrize("ending", [Close(), Reset()], ids=["close", "reset"])
async def test_a_handshake_that_is_cut(make_pool, ending):
    async with serve([ending]) as server:
        fault = await fault_of(make_pool(parse_target("acme", f"https://localhost:{server.port}")))
    assert fault.kind == Kind.UPSTREAM_CONNECT


async def test_a_ca_file_that_is_missing(make_pool):
    fault = await fault_of(
        make_pool(parse_target("acme", "https://localhost:1", ca_file="/no/such"))
    )
    assert fault.kind == Kind.UPSTREAM_CONNECT
    assert "No such file" in fault.detail


async def test_a_cancelled_handshake_leaves_nothing(make_pool):
    async with serve([UntilGone()]) as server:
        pool = make_pool(parse_target("acme", f"https://localhost:{server.port}"))
        task = asyncio.ensure_future(whole(pool))
        async with asyncio.timeout(2):
            while not server.accepted:
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert pool.open_count == 0
        await asyncio.wait_for(server.gone[0].wait(), 2)


async def test_a_tls_reply_that_is_cut(make_pool, tls_for, ca_file):
    async with serve(
        [ReadRequest(), Send(HELLO[:-1]), Close()], tls=tls_for("localhost")
    ) as server:
        pool = make_pool(parse_target("acme", f"https://localhost:{server.port}", ca_file=ca_file))
        assert (await fault_of(pool)).kind == Kind.UPSTREAM_DISCONNECT


async def test_a_large_body_over_tls(make_pool, tls_for, ca_file):
    body = bytes(range(256)) * 8_000
    async with serve(
        [
            ReadRequest(),
            Send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body),
            Stall(),
        ],
        tls=tls_for("localhost"),
    ) as server:
        pool = make_pool(parse_target("acme", f"https://localhost:{server.port}", ca_file=ca_file))
        head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        exchange = await send(pool, head, body, "key", monotonic() + 5)
        assert await exchange.read_all(len(body), monotonic() + 5) == body
        exchange.close()
        assert server.requests[0].body == body
        assert pool.idle_count == 1


async def test_https_goes_through_a_proxy_by_connect(make_pool, tls_for, ca_file):
    async with serve(ANSWERING, tls=tls_for("api.test")) as server:
        tunnel = [ReadHead(), Send(b"HTTP/1.1 200 Connected\r\nVia: x\r\n\r\n"), Relay(server.port)]
        async with serve(tunnel) as proxy:
            target = parse_target(
                "acme",
                "https://api.test/v1",
                ca_file=ca_file,
                proxy=f"http://me:pass@127.0.0.1:{proxy.port}",
            )
            pool = make_pool(target)
            assert await whole(pool) == b"hello"
            assert await whole(pool) == b"hello"
            await pool.close()
    assert proxy.requests[0].head == (
        b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n"
        b"Proxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n"
    )
    assert b"Proxy-Authorization" not in server.requests[0].head
    assert len(proxy.requests) == 1
    assert (pool.request_target_prefix, pool.request_headers) == (b"", b"")


async def test_the_proxy_of_the_environment_is_used_unless_the_target_says_none(make_pool):
    async with serve([ReadHead(), Send(b"HTTP/1.1 403 No\r\n\r\n"), Close()]) as proxy:
        environ = {"https_proxy": f"http://127.0.0.1:{proxy.port}"}
        fault = await fault_of(_pool(make_pool, "https://api.test", environ))
        assert "refused with status 403" in fault.message
        await fault_of(_pool(make_pool, "https://api.invalid", environ, proxy=""))
        await fault_of(_pool(make_pool, "https://api.invalid", {**environ, "no_proxy": ".invalid"}))
        await fault_of(_pool(make_pool, "https://127.0.0.1:1", environ))
        assert len(proxy.requests) == 1


def _pool(
    make_pool: Callable[..., Pool], url: str, environ: dict[str, str], proxy: str | None = None
) -> Pool:
    return make_pool(parse_target("acme", url, proxy=proxy), dialer=Dialer(environ))


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "refused with status 407"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "answered no valid HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "answered no valid HTTP"),
        (b"", "answered no valid HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000, "answered no valid HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nsurprise", "sent bytes of its own"),
    ],
)
async def test_a_proxy_that_makes_no_tunnel_is_told_apart_from_the_upstream(make_pool, reply, why):
    async with serve([ReadHead(), Send(reply), Close()]) as proxy:
        target = parse_target("acme", "https://api.test", proxy=f"http://127.0.0.1:{proxy.port}")
        fault = await fault_of(make_pool(target))
    assert fault.kind == Kind.UPSTREAM_CONNECT
    assert "proxy" in fault.message
    assert why in fault.message


async def test_http_through_a_proxy_is_asked_in_absolute_form(make_pool):
    async with serve(ANSWERING) as proxy:
        target = parse_target(
            "acme", "http://api.test/v1", proxy=f"http://me:pass@127.0.0.1:{proxy.port}"
        )
        pool = make_pool(target)
        assert pool.request_target_prefix == b"http://api.test"
        assert pool.request_headers == b"Proxy-Authorization: Basic bWU6cGFzcw==\r\n"
        assert await whole(pool) == b"hello"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_unusable_proxy_of_the_environment_is_found_out_when_the_pool_is_made(make_pool, scheme):
    with pytest.raises(ValueError, match="socks5"):
        _pool(make_pool, f"{scheme}://api.test", {"all_proxy": "socks5://127.0.0.1:1080"})
