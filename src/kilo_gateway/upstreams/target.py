"""Target: where an upstream is, parsed once from its base URL."""

import re
from ipaddress import IPv6Address, ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import msgspec
from typing_extensions import override

from kilo_gateway.upstreams.proxies import parse_proxy

Scheme = Literal["http", "https"]

DEFAULT_PORTS: dict[str, int] = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+")


class Target(msgspec.Struct, frozen=True):
    """Where one upstream is reached.

    `name` is the operator's name for it, the only part that may be shown to callers. `host` has no brackets, `path`
    is the base path without a trailing slash ("" or "/v1"). `ca_file` adds certificates to the system's store.
    `proxy` is a proxy's URL, "" for none, None to follow the environment.
    """

    name: str
    scheme: Scheme
    host: str
    port: int
    path: str
    ca_file: str | None = None
    proxy: str | None = None

    @property
    def authority(self) -> str:
        """What belongs into the Host header: the port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority, as in the absolute form of a request line."""
        return f"{self.scheme}://{self.authority}"

    @override
    def __repr__(self) -> str:  # a proxy's URL may hold a password
        return f"Target({self.name!r}, {self.origin}{self.path})"


def parse_target(
    name: str, base_url: str, *, ca_file: str | None = None, proxy: str | None = None
) -> Target:
    """Parse a base URL such as "https://api.example.com/v1"; ValueError with a clear sentence if it is not one."""
    url = base_url.strip()
    if not _PRINTABLE.fullmatch(url):
        raise ValueError(
            f"base URL of upstream {name!r} is empty or holds blanks or non-ASCII characters"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"base URL of upstream {name!r} is malformed: {error}") from None
    scheme = parts.scheme
    if scheme not in {"http", "https"}:
        raise ValueError(f"base URL of upstream {name!r} must start with http:// or https://")
    _refuse_extras(name, parts)
    host = _host(name, parts)
    if port == 0:
        raise ValueError(f"base URL of upstream {name!r} has port 0")
    if proxy:
        parse_proxy(proxy)
    return Target(
        name=name,
        scheme="https" if scheme == "https" else "http",
        host=host,
        port=port or DEFAULT_PORTS[scheme],
        path=parts.path.rstrip("/"),
        ca_file=ca_file,
        proxy=proxy,
    )


def _refuse_extras(name: str, parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise ValueError(
            f"base URL of upstream {name!r} holds a user name or password; configure the credential instead"
        )
    if parts.query or parts.fragment:
        raise ValueError(f"base URL of upstream {name!r} must end with its path: no ? and no #")


def _host(name: str, parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if ":" in host:
        try:
            literal = ip_address(host)
        except ValueError:
            literal = None
        if isinstance(literal, IPv6Address):
            return host
    elif _HOST.fullmatch(host) and all(
        0 < len(label) < 64 for label in host.rstrip(".").split(".")
    ):
        return host
    raise ValueError(f"base URL of upstream {name!r} has no valid host name")
