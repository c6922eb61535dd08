"""Signing: credentials that are computed for each request, or are renewed while the gateway runs.

A `Signer` gives further header lines for one request, at once: what must be fetched for it is fetched elsewhere and before. It is
made in `app`, where a library may be loaded for it.
"""

import re
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec
from typing_extensions import override

from kilo_gateway.core.secret import Secret
from kilo_gateway.upstreams.profiles import region_of

_REGION_IN_HOST = re.compile(
    r"^(?:[\w-]+\.)*?[\w-]+\.([a-z]{2,4}(?:-[a-z]+)+-\d+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$"
)
_AWS_HOST = re.compile(r"\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$")


class Signer(Protocol):
    """Signs requests for one account."""

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Header lines, each with its end, for a request with this path and query. `headers` are signed with it.

        Raises Fault upstream_authentication if there is nothing to sign with.
        """
        ...


@runtime_checkable
class Renewable(Protocol):
    """A signer whose credential ends and is renewed: by whoever runs it, never by a call."""

    def is_due(self) -> bool:
        """Whether a new one is wanted now."""
        ...

    def renew(self) -> None:
        """Fetch it. Blocks; raises OSError or ValueError saying what went wrong, without secrets."""
        ...


class GoogleAccount(msgspec.Struct, frozen=True):
    """Where Google's credentials are: a file of theirs, or, with "", wherever their library finds some."""

    file: str = ""


class AwsKeys(msgspec.Struct, frozen=True):
    """An AWS account's keys, and the region that requests are signed for."""

    access_key: str
    secret_key: Secret
    session_token: Secret
    region: str
    service: str = "bedrock"

    @override
    def __repr__(self) -> str:
        """The region alone."""
        return f"AwsKeys(region={self.region!r})"


def aws_keys(environ: Mapping[str, str], host: str) -> AwsKeys | None:
    """The keys of the environment; None if it holds none. A region that the host names goes before the environment's."""
    access = environ.get("AWS_ACCESS_KEY_ID", "").strip()
    secret = environ.get("AWS_SECRET_ACCESS_KEY", "").strip()
    if not (access and secret):
        return None
    found = _REGION_IN_HOST.match(host)
    return AwsKeys(
        access,
        Secret(secret),
        Secret(environ.get("AWS_SESSION_TOKEN", "").strip()),
        found[1] if found is not None else region_of(environ) or "us-east-1",
    )


def is_aws_host(host: str) -> bool:
    """Whether a host is one of AWS' own."""
    return _AWS_HOST.search(host) is not None
