"""Tokens of a request, counted where no upstream counts them: an estimate of ours that says so."""

from kilo_gateway.core.call import Call
from kilo_gateway.core.clock import Clock
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.token_estimate import estimate_tokens
from kilo_gateway.dialects.translate import hub_of
from kilo_gateway.edge.reply import WireReply
from kilo_gateway.relay.view import View
from kilo_gateway.router.planner import AUTO_MODELS, World

_SHAPES = {
    "anthropic_messages": lambda count: {"input_tokens": count},
    "openai_responses": lambda count: {"object": "response.input_tokens", "input_tokens": count},
    "gemini": lambda count: {"totalTokens": count},
}


def counts_upstream(call: Call, names: World) -> bool:
    """Whether an upstream of the model counts in the client's own dialect."""
    return any(
        one.spoken(call.dialect, "count_tokens") == call.dialect
        for one in names.candidates(call.model)
    )


async def send_estimate(
    call: Call, grant: Grant, reply: WireReply, view: View, clock: Clock
) -> None:
    """Answer with our own count. Raises Fault for a model that is not there, or that the key may not use."""
    deployments = view.names.candidates(call.model)
    if not deployments and call.model.lower() not in AUTO_MODELS:
        raise Fault(
            Kind.MODEL_NOT_FOUND,
            f"There is no model {call.model[:200]!r} here. GET /v1/models lists all models.",
            param="model",
        )
    if deployments and not any(grant.may_use(one.model.lower()) for one in deployments):
        raise Fault(
            Kind.MODEL_NOT_ALLOWED,
            f"This API key may not use the model {call.model[:200]}.",
            param="model",
        )
    count = estimate_tokens(hub_of(call.dialect).read_request(call.fields))
    body = bytes(raw_json(_SHAPES[call.dialect](count)))
    took_ms = (clock.monotonic() - call.arrived) * 1000
    headers = (
        b"content-type: application/json\r\nx-request-id: %b\r\nx-kilo-estimate: tokens\r\n"
        b"server-timing: gateway;dur=%.3f\r\n"
    ) % (call.id.encode(), took_ms)
    await reply.whole(200, headers, body)
