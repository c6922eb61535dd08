"""Chat completions, completions, embeddings: a request becomes a Call, and the relay answers it."""

from urllib.parse import parse_qsl, urlencode

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.edge.hints import read_hints
from kilo_gateway.edge.reply import WireReply
from kilo_gateway.edge.request import HeaderMap, Inbound, credential, read_body
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
    service.relay.let_in()
    try:
        headers = inbound.headers
        grant = await authenticate(service, headers)
        world = service.world
        body = await read_body(inbound.next_piece, headers, world.limits.max_body_bytes)
        fields = read_fields(body)
        envelope = _DIALECT.peek(operation, fields)
        call = Call(
            id=inbound.id,
            dialect=_DIALECT.name,
            operation=operation,
            model=envelope.model,
            fields=fields,
            body_bytes=len(body),
            stream=envelope.stream,
            arrived=inbound.arrived,
            received_at=service.clock.wall(),
            models=envelope.models,
            max_tokens=envelope.max_tokens,
            wants_usage=envelope.wants_usage,
            query=_forwardable(inbound.query),
            hints=read_hints(headers),
            patience=world.limits.patience_s,
            headers=headers,
        )
        await service.relay.run(call, grant, reply, world.view)
    finally:
        service.relay.let_out()


async def authenticate(service: Service, headers: HeaderMap) -> Grant:
    """The grant of the presented key. Raises Fault, saying whether the key is missing or wrong."""
    key = credential(headers)
    if key is None:
        raise Fault(
            Kind.PAID_MODEL_AUTH_REQUIRED,
            "An API key is needed: send it as `Authorization: Bearer kg_live_…`.",
        )
    grants = service.grants
    return grants.find(key) if grants.is_complete else await grants.find_or_wait(key, _KEYS_WAIT_S)


def _forwardable(query: bytes) -> bytes:
    """The query string for upstream: as it came, unless it holds a credential for us."""
    if not query:
        return b""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name.lower() not in _SECRET_PARAMETERS]
    return query if len(kept) == len(pairs) and _is_plain(query) else urlencode(kept).encode()


def _is_plain(query: bytes) -> bool:
    return query.isascii() and not any(byte <= 32 or byte == 127 for byte in query)
