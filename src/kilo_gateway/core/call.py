"""Call: what one client asked, kept as received."""

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.form import Form
from kilo_gateway.core.preferences import Preferences


class Hints(msgspec.Struct, frozen=True):
    """What clients tell beside the body: attribution and routing hints; each cut to 500 characters, None if absent."""

    feature: str | None = None
    session: str | None = None
    message: str | None = None
    mode: str | None = None
    project: str | None = None
    client_version: float | None = None
    editor: str | None = None
    machine: str | None = None


NO_HINTS = Hints()


class Call(msgspec.Struct, frozen=True):
    """One request as it came.

    `fields` are the top-level members of the body, each as the client's own bytes: what an attempt sends is built
    anew from them, so a Call never changes. `model` is what was asked (trimmed), `models` the further ones in the
    client's order. `arrived` is monotonic seconds, `received_at` seconds since the epoch. `patience` is how long the
    client is ready to wait for the first byte, in seconds. `headers` are those that some vendors want passed on.
    `entry_id` is what the first attempt is recorded under, if the call's own id was made from it.
    `form` is the body of an upload, which has no `fields`. `wishes` are about the upstreams that may serve it.
    `conversation` is a key of the conversation that it goes on with, "" where that makes no difference.
    """

    id: str
    dialect: str
    operation: Operation
    model: str
    fields: dict[str, msgspec.Raw]
    body_bytes: int
    stream: bool
    arrived: float
    received_at: float
    models: tuple[str, ...] = ()
    max_tokens: int | None = None
    wants_usage: bool = False
    query: bytes = b""
    hints: Hints = NO_HINTS
    headers: dict[bytes, bytes] = {}
    patience: float = 600.0
    entry_id: str = ""
    form: Form | None = None
    wishes: Preferences | None = None
    conversation: str = ""
