"""Chat completions, completions, embeddings: a request becomes a Call, and the relay answers it."""

from urllib.parse import parse_qsl, urlencode

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.edge.caller import read_caller
from kilo_gateway.edge.reply import WireReply
from kilo_gateway.edge.request import Inbound, credential, read_body, unpacked
from kilo_gateway.edge.service import Service

_KEYS_WAIT_S = 5.0
_DIALECT = DIALECTS["openai_chat"]
_SECRET_PARAMETERS = frozenset({"key", "api_key", "api-key", "access_token"})


async def generate(
    service: Service, operation: Operation, inbound: Inbound, reply: WireReply
) -> None:
    """Answer one call. Raises Fault if nothing was sent to the client."""
    if service.is_draining:
        raise Fault(
            Kind.DRAINING,
            "The gateway is being restarted: send the request again.",
            retry_after=1.0,
        )
    relay = service.relay
    relay.let_in()
    try:
        headers, repeat = inbound.headers, inbound.repeat
        caller = read_caller(headers) if repeat is None else repeat.caller
        grant = service.grants.known(caller.digest)
        if grant is None:
            grant = await authenticate(service, credential(headers))
        world = service.world
        limit_bytes = world.limits.max_body_bytes
        body = inbound.whole_body()
        if body is None:
            body = await read_body(inbound.next_piece, headers, limit_bytes)
        elif b"content-encoding" in headers or len(body) > limit_bytes:
            body = unpacked(body, headers, limit_bytes)
        fields = read_fields(body)
        envelope = _DIALECT.peek(operation, fields)
        call = Call(
            inbound.id,
            _DIALECT.name,
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
            caller.hints,
            headers,
            world.limits.patience_s,
        )
        await relay.run(call, grant, reply, world.view)
    finally:
        relay.let_out()


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
    kept = [(name, value) for name, value in pairs if name.lower() not in _SECRET_PARAMETERS]
    return query if len(kept) == len(pairs) and _is_plain(query) else urlencode(kept).encode()


def _is_plain(query: bytes) -> bool:
    return query.isascii() and not any(byte <= 32 or byte == 127 for byte in query)
