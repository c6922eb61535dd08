"""Chat completions, completions, embeddings: a request becomes a Call, and the relay answers it."""

from urllib.parse import parse_qs, parse_qsl, urlencode

from kilo_gateway.core.call import Call, Hints
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.form import Form, read_form
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.body import Fields, raw_json, read_fields
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.edge.caller import read_caller
from kilo_gateway.edge.counting import counts_upstream, send_estimate
from kilo_gateway.edge.reply import WireReply
from kilo_gateway.edge.request import HeaderMap, Inbound, credential, read_body, unpacked
from kilo_gateway.edge.routes import Route
from kilo_gateway.edge.service import Service, World
from kilo_gateway.relay.run import Run

_KEYS_WAIT_S = 5.0
# What a query says to us: a credential, or how a Gemini client wants its stream.
_OUR_PARAMETERS = frozenset({"key", "api_key", "api-key", "access_token", "alt", "$alt"})


async def generate(
    service: Service, route: Route, inbound: Inbound, reply: WireReply, model_id: str = ""
) -> None:
    """Answer one call; `model_id` is that of its path, if the path names one. Raises Fault if nothing was sent to the client."""
    if service.is_draining:
        raise _draining()
    relay = service.relay
    run: Run | None = None
    relay.let_in()
    try:
        headers, repeat = inbound.headers, inbound.repeat
        caller = read_caller(headers) if repeat is None else repeat.caller
        grant = service.grants.known(caller.digest)
        if grant is None:
            grant = await authenticate(service, _key(route, inbound))
        world = service.world
        limit_bytes = world.limits.max_body_bytes
        body = inbound.whole()
        if body is None:
            body = await read_body(inbound.next_piece, headers, limit_bytes)
        elif b"content-encoding" in headers or len(body) > limit_bytes:
            body = unpacked(body, headers, limit_bytes)
        call = _call(service, world, route, inbound, body, caller.hints, model_id)
        if call.operation == "count_tokens" and not counts_upstream(call, world.view.names):
            await send_estimate(call, grant, reply, world.view, service.clock)
            return
        run = relay.begin(call, grant, reply, world.view)
        await run.go()
    finally:
        relay.let_out(run)


def _call(  # noqa: PLR0913 - what a call is made of
    service: Service,
    world: World,
    route: Route,
    inbound: Inbound,
    body: bytes,
    hints: Hints,
    model_id: str,
) -> Call:
    """What a request asks for. Raises Fault for a body that cannot be read."""
    headers = inbound.headers
    form: Form | None = None
    if route.operation == "transcriptions" and not _is_json(headers):
        form = read_form(headers.get(b"content-type", b""), body)
    fields = read_fields(body) if form is None else as_fields(form)
    if model_id:
        _put_path(fields, route, model_id, inbound.query)
    operation, dialect = route.operation or "chat", route.dialect
    if route.is_stream and dialect == "gemini" and "alt" not in fields:
        dialect = "gemini_array"
    envelope = DIALECTS[dialect].peek(operation, fields)
    return Call(
        inbound.id,
        dialect,
        operation,
        envelope.model,
        fields,
        len(body),
        envelope.stream,
        inbound.arrived,
        service.clock.wall(),
        envelope.models,
        envelope.max_tokens,
        envelope.wants_usage,
        _forwardable(inbound.query) if inbound.query else b"",
        hints,
        headers,
        world.limits.patience_s,
        inbound.entry_id,
        form,
        envelope.wishes,
    )


def _draining() -> Fault:
    return Fault(
        Kind.DRAINING, "The gateway is being restarted: send the request again.", retry_after=1.0
    )


def _key(route: Route, inbound: Inbound) -> bytes | None:
    """The presented key; on Gemini's paths it may stand in the query."""
    key = credential(inbound.headers)
    if key is None and route.dialect == "gemini" and inbound.query:
        found = parse_qs(inbound.query.decode("latin-1")).get("key", [""])[0]
        return found.encode("latin-1") or None
    return key


def _is_json(headers: HeaderMap) -> bool:
    return headers.get(b"content-type", b"").lower().startswith(b"application/json")


def as_fields(form: Form) -> Fields:
    """What a form tells, as members of a body: its model, and that it has a file. Raises Fault if it has none."""
    if "file" not in form.names:
        raise Fault(Kind.INVALID_REQUEST, "The form has no part `file`.", param="file")
    return {"model": raw_json(form.model), "input_audio": raw_json({})}


def _put_path(fields: Fields, route: Route, model_id: str, query: bytes) -> None:
    """What Gemini's and Bedrock's paths say as members of the body, where every dialect looks for it."""
    fields["model"] = raw_json(model_id)
    if route.is_stream:
        fields["stream"] = raw_json(True)
    if parse_qs(query.decode("latin-1")).get("alt", [""])[0].lower() == "sse":
        fields["alt"] = raw_json("sse")


async def authenticate(service: Service, key: bytes | None) -> Grant:
    """The grant of a presented key. Raises Fault, saying whether the key is missing or wrong."""
    if key is None:
        raise Fault(
            Kind.PAID_MODEL_AUTH_REQUIRED,
            "An API key is needed: send it as `Authorization: Bearer kg_live_…`.",
        )
    grants = service.grants
    return grants.find(key) if grants.is_complete else await grants.find_or_wait(key, _KEYS_WAIT_S)


def _forwardable(query: bytes) -> bytes:
    """The query string for upstream: as it came, unless it holds a credential for us."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name.lower() not in _OUR_PARAMETERS]
    return query if len(kept) == len(pairs) and _is_plain(query) else urlencode(kept).encode()


def _is_plain(query: bytes) -> bool:
    return query.isascii() and not any(byte <= 32 or byte == 127 for byte in query)
