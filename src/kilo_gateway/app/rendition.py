"""Rendition: what a request would become for each deployment of its plan, without sending it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from kilo_gateway.app.offline import Offline
from kilo_gateway.config.load import Loaded
from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.dialects.rules.table import in_force
from kilo_gateway.dialects.translate import passage
from kilo_gateway.relay.marks import Marks
from kilo_gateway.relay.mending import Mending
from kilo_gateway.router.health import Health
from kilo_gateway.router.planner import Asked, Circumstances, plan


class Rendition(msgspec.Struct, frozen=True):
    """A request as one deployment would get it.

    `dialect` is the one in which it would be asked. `rules` changed the request, `dropped` names what the dialect has no place
    for, `refused` says why it cannot be asked at all ("" = it can), `body` is what would be sent.
    """

    deployment: str
    dialect: str
    rules: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    refused: str = ""
    body: msgspec.Raw = msgspec.Raw(b"null")


async def renditions(
    loaded: Loaded, environ: Mapping[str, str], home: Path, dialect: str, body: bytes, grant: Grant
) -> tuple[Rendition, ...]:
    """What a request in a dialect would become, in the order in which its deployments are tried. Raises Fault."""
    fields = read_fields(body)
    envelope = DIALECTS[dialect].peek("chat", fields)
    offline = Offline(loaded, environ, home)
    snapshot = await offline.snapshot()
    now = offline.clock.monotonic()
    models = (envelope.model, *envelope.models)
    asked = Asked(models, "chat", dialect, envelope.wishes, len(body) // 4, envelope.max_tokens)
    candidates = plan(asked, grant, snapshot, Circumstances(Health(), now, lambda: 0.5)).candidates
    call = Call(
        "explain", dialect, "chat", envelope.model, fields, len(body), envelope.stream, now, 0.0,
        wants_usage=envelope.wants_usage,
    )  # fmt: skip
    mending = Mending(in_force(msgspec.structs.asdict(loaded.settings.rules)))
    upstreams = offline.fleet.upstreams
    return tuple(
        _rendition(call, one, upstreams[one.upstream].quirks, mending, grant) for one in candidates
    )


def _rendition(
    call: Call, deployment: Deployment, quirks: frozenset[str], mending: Mending, grant: Grant
) -> Rendition:
    spoken = deployment.spoken(call.dialect, "chat") or deployment.dialect
    rules = mending.rules_of(call.dialect, deployment, quirks)
    mended = mending.mend(rules, call, grant, deployment.upstream)
    call = msgspec.structs.replace(call, fields=mended.fields)
    try:
        sent = passage(call.dialect, spoken).outbound(call, deployment, quirks, Marks().of(""))
    except Fault as fault:
        return Rendition(deployment.id, spoken, mended.applied, refused=fault.message)
    return Rendition(
        deployment.id, spoken, mended.applied, sent.dropped, body=msgspec.Raw(sent.body)
    )
