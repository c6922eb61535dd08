"""Planning: what the router must know of a call to order its candidates, and where its conversation was answered last."""

from collections.abc import Callable

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.registry import FRAMINGS
from kilo_gateway.dialects.token_estimate import estimate_tokens
from kilo_gateway.dialects.translate import hub_of
from kilo_gateway.relay.settle import BYTES_PER_TOKEN, Books
from kilo_gateway.router.affinity import Warm
from kilo_gateway.router.planner import Asked, Circumstances, World, plan
from kilo_gateway.router.session_key import session_of


def planned(
    call: Call, grant: Grant, names: World, books: Books, dice: Callable[[], float]
) -> tuple[Call, tuple[Deployment, ...]]:
    """The candidates of a call in order; and the call, which knows its conversation if that may stay somewhere. Raises Fault."""
    models = (call.model, *call.models)
    groups = [names.candidates(name) for name in models]
    conversation = ""
    warm: tuple[Warm, ...] = ()
    if call.operation == "chat" and any(len(group) > 1 for group in groups):
        conversation, goes_on = session_of(call, grant.owner or grant.key_id)
        if goes_on:
            warm = books.affinity.warm(conversation, call.arrived)
    asked = Asked(
        models,
        call.operation,
        call.dialect,
        call.wishes,
        _input_tokens(call, groups),
        call.max_tokens,
    )
    at = Circumstances(books.health, call.arrived, dice, warm)
    candidates = plan(asked, grant, names, at).candidates
    if conversation and len(candidates) > 1:
        call = msgspec.structs.replace(call, conversation=conversation)
    return call, candidates


def _input_tokens(call: Call, groups: list[tuple[Deployment, ...]]) -> int:
    """About how many tokens a call sends: by its bytes, and by a closer look where these seem too many for somebody.

    Pictures are many bytes and few tokens; without the look they would send a call away from where it is wanted.
    """
    tokens = call.body_bytes // BYTES_PER_TOKEN
    windows = [one.limits.context for group in groups for one in group if one.limits.context]
    if call.operation != "chat" or len(windows) < 2 or tokens <= min(windows):
        return tokens
    try:
        hub = hub_of(FRAMINGS.get(call.dialect, call.dialect))
        return estimate_tokens(hub.read_request(call.fields))
    except Fault:  # whoever is asked will say what is wrong with it
        return tokens
