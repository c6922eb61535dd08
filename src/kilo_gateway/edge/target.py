"""The target of a request: path and query; and how large its head is."""

import urllib.parse

import httptools

from kilo_gateway.edge.request import HeaderMap


def target_of(url: bytes) -> tuple[str, bytes]:
    """Path (percent-decoded) and query of a request's target, also of one in absolute form."""
    if not url.startswith(b"/"):
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            return url.decode("latin-1"), b""
        url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
    path, _, query = url.partition(b"?")
    text = path.decode("latin-1")
    return (urllib.parse.unquote(text) if "%" in text else text), query.partition(b"#")[0]


def size_of(url: bytes, headers: HeaderMap) -> int:
    """About how many bytes a head takes."""
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers.items())
