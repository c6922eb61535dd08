"""Signature Version 4 by hand, for a service that checks what a gateway signs. Written from AWS' description of it."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for word in (day, region, service, "aws4_request"):
        key = digest(key, word)
    return key


def signature(  # what one is made of
    method: str, target: str, headers: Mapping[str, str], payload_hash: str, scope: str
) -> str:
    """The signature of a request whose signed headers are `headers`; `scope` is day/region/service."""
    path, _, query = target.partition("?")
    canonical = "\n".join(
        (
            method,
            quote(path, safe="/-_.~"),
            "&".join(sorted(query.split("&"))) if query else "",
            *(f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)),
            "",
            ";".join(sorted(headers)),
            payload_hash,
        )
    )
    day, region, service = scope.split("/")
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            f"{scope}/aws4_request",
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    return digest(signing_key(SECRET_KEY, day, region, service), text).hex()


def problem(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """What is wrong with a signed request, "" if nothing is. Names of headers in lower case."""
    kind, _, rest = headers.get("authorization", "").partition(" ")
    if kind != "AWS4-HMAC-SHA256":
        return f"not signed: {kind}"
    told = dict(part.strip().split("=", 1) for part in rest.split(","))
    access, _, scope = told["Credential"].partition("/")
    signed = {name: headers[name] for name in told["SignedHeaders"].split(";")}
    if access != ACCESS_KEY or not {"host", "x-amz-date"} <= set(signed):
        return f"signed by {access}: {sorted(signed)}"
    payload_hash = hashlib.sha256(body).hexdigest()
    if headers.get("x-amz-content-sha256") != payload_hash:
        return "another body"
    wanted = signature(method, target, signed, payload_hash, scope.removesuffix("/aws4_request"))
    return "" if wanted == told["Signature"] else "another signature"
