"""Dialer: opens one connection to a target, through a proxy where told, with TLS where the scheme says so."""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import aiohappyeyeballs
from aiohappyeyeballs.types import AddrInfoType

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.upstreams.proxies import Proxy, parse_proxy, proxy_from_environment
from kilo_gateway.upstreams.target import Target
from kilo_gateway.upstreams.tls import TlsContexts

# RFC 8305 section 5: the next address is tried after a quarter of a second, beside the one before.
_NEXT_ADDRESS_S = 0.25
_MAX_CONNECT_REPLY_BYTES = 16 * 1024
# A model may think for minutes without a byte; middleboxes forget a flow that is silent for long.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 5))


class Dialer:
    """Opens connections. `environ` is where HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY are looked up."""

    __slots__ = ("_contexts", "_environ")

    def __init__(self, environ: Mapping[str, str], contexts: TlsContexts | None = None) -> None:
        self._environ = environ
        self._contexts = contexts or TlsContexts()

    def proxy_of(self, target: Target) -> Proxy | None:
        """The proxy on the way to a target, or None; ValueError if the proxy's URL is not usable."""
        if target.proxy is not None:
            return parse_proxy(target.proxy) if target.proxy else None
        return proxy_from_environment(target.scheme, target.host, target.port, self._environ)

    async def dial(self, target: Target, protocol: asyncio.BaseProtocol) -> None:
        """Connect `protocol` to the target; it has its transport when this returns.

        Raises Fault(UPSTREAM_CONNECT). Waits as long as the system does: the caller sets the limit by cancelling.
        """
        try:
            await self._dial(target, protocol)
        except ssl.SSLCertVerificationError as error:
            raise Fault(
                Kind.UPSTREAM_CONNECT,
                f"TLS verification of upstream {target.name} failed; check its base URL and its CA file.",
                detail=f"{error.verify_message} (host {target.host})",
            ) from error
        except ssl.SSLError as error:
            raise Fault(
                Kind.UPSTREAM_CONNECT,
                f"TLS with upstream {target.name} failed; check that its base URL is meant to be https.",
                detail=str(error),
            ) from error
        # uvloop reports some failures of connect as RuntimeError; names that DNS cannot carry are UnicodeError.
        except (OSError, RuntimeError, UnicodeError, ValueError) as error:
            raise Fault(
                Kind.UPSTREAM_CONNECT,
                f"Cannot connect to upstream {target.name}; check that it is running and its base URL is right.",
                detail=f"{type(error).__name__}: {error}",
            ) from error

    async def _dial(self, target: Target, protocol: asyncio.BaseProtocol) -> None:
        proxy = self.proxy_of(target)
        context = self._contexts.context(target.ca_file) if target.scheme == "https" else None
        if proxy is None:
            sock = await _connect(target.host, target.port)
        else:
            sock = await _connect(proxy.host, proxy.port)
        is_connected = False
        try:
            if proxy is not None and context is not None:
                await _tunnel(sock, proxy, target)
            await asyncio.get_running_loop().create_connection(
                lambda: protocol,
                sock=sock,
                ssl=context,
                server_hostname=target.host.rstrip(".") if context is not None else None,
            )
            is_connected = True
        finally:
            if not is_connected:
                sock.close()


async def _connect(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    addresses: Sequence[AddrInfoType]
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:  # a literal: nothing to look up, so no thread is needed
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return sock


async def _tunnel(sock: socket.socket, proxy: Proxy, target: Target) -> None:
    """Ask a proxy for a tunnel to the target (RFC 9110 section 9.3.6)."""
    loop = asyncio.get_running_loop()
    host = f"[{target.host}]" if ":" in target.host else target.host
    request = f"CONNECT {host}:{target.port} HTTP/1.1\r\nHost: {host}:{target.port}\r\n"
    if proxy.authorization:
        request += f"Proxy-Authorization: {proxy.authorization.reveal()}\r\n"
    await loop.sock_sendall(sock, f"{request}\r\n".encode("latin-1"))
    reply = bytearray()
    while b"\r\n\r\n" not in reply:
        data = await loop.sock_recv(sock, 4096)
        if not data or len(reply) > _MAX_CONNECT_REPLY_BYTES:
            raise _proxy_fault(target, "answered no valid HTTP", f"{bytes(reply[:200])!r}")
        reply += data
    head, _, surplus = bytes(reply).partition(b"\r\n\r\n")
    status_line = head.partition(b"\r\n")[0]
    words = status_line.split(b" ", 2)
    if not words[0].startswith(b"HTTP/1.") or len(words) < 2 or not words[1].isdigit():
        raise _proxy_fault(target, "answered no valid HTTP", f"{status_line[:200]!r}")
    if not 200 <= int(words[1]) < 300:
        line = status_line[:200].decode("latin-1")
        raise _proxy_fault(target, f"refused with status {int(words[1])}", line)
    # We speak first in TLS: whatever follows the head did not come from the target.
    if surplus:
        raise _proxy_fault(target, "sent bytes of its own into the tunnel", "")


def _proxy_fault(target: Target, what: str, detail: str) -> Fault:
    return Fault(
        Kind.UPSTREAM_CONNECT,
        f"The proxy on the way to upstream {target.name} {what}; check the proxy's settings.",
        detail=f"CONNECT: {detail}",
    )
