"""Proxies: parse a proxy's URL, and decide from the environment which targets go through one."""

import base64
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

import msgspec

from kilo_gateway.core.secret import Secret


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP proxy. `authorization` is the value of Proxy-Authorization, empty for none."""

    host: str
    port: int
    authorization: Secret = Secret("")


def parse_proxy(url: str) -> Proxy:
    """Parse "http://user:password@host:port" or "host:port"; ValueError if it is no plain HTTP proxy.

    The sentence never repeats the URL, which may hold a password.
    """
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise ValueError("proxy URL is malformed: write http://host:port") from None
    if parts.scheme != "http":
        raise ValueError(
            f"proxies of the kind {parts.scheme}:// are not supported: use an http:// proxy"
        )
    if not parts.hostname or port == 0:
        raise ValueError("proxy URL has no host or no valid port: write http://host:port")
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(host=parts.hostname, port=port or 80, authorization=Secret(authorization))


def proxy_from_environment(
    scheme: str, host: str, port: int, environ: Mapping[str, str]
) -> Proxy | None:
    """The proxy that `environ` names for a host, or None. Loopback hosts never go through one.

    Looks at `<scheme>_proxy`, then `all_proxy` (lower case first, then upper case), then at `no_proxy`.
    """
    url = _variable(environ, f"{scheme}_proxy") or _variable(environ, "all_proxy")
    if not url or is_loopback(host) or _is_exempt(host, port, _variable(environ, "no_proxy")):
        return None
    return parse_proxy(url)


def is_loopback(host: str) -> bool:
    """Whether a host name or address literal means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _variable(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    return any(
        _covers(entry.strip().lower(), host, port) for entry in no_proxy.split(",") if entry.strip()
    )


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether one entry of NO_PROXY (`*`, name, `.suffix`, `name:port`, address or network) covers a host."""
    if entry == "*":
        return True
    if "/" in entry or entry.count(":") > 1:
        return _is_within(entry, host)
    name, colon, entry_port = entry.partition(":")
    if colon and entry_port != str(port):
        return False
    name = name.lstrip("*").lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _is_within(network: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(network.strip("[]"), strict=False)
    except ValueError:
        return False
