"""Clients' wishes about upstreams (the `provider` object): who is ruled out by them, and who comes first.

A deployment is known by the names of its upstream and of its vendor. A router that we ask (OpenRouter) stands for every name
that is none of ours, and minds data policies, prices and precisions itself, since it gets the wishes too.
"""

from collections.abc import Callable, Sequence
from typing import Final

from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.money import usd_text
from kilo_gateway.core.plan import Rejection
from kilo_gateway.core.preferences import Preferences, fits

IsOurs = Callable[[str], bool]
# Code of a rejection -> the member that led to it.
MEMBERS: Final = {
    "not_only": "only",
    "ignored": "ignore",
    "no_fallbacks": "allow_fallbacks",
    "data_collection": "data_collection",
    "zdr": "zdr",
    "quantization": "quantizations",
    "max_price": "max_price",
    "parameters": "require_parameters",
}
# What a model must be known for, if its upstream does not list the fields that it takes.
_CAPABILITIES: Final = {
    "tools": "tools",
    "tool_choice": "tools",
    "parallel_tool_calls": "tools",
    "reasoning": "reasoning",
    "response_format": "structured",
    "structured_outputs": "structured",
}
_SAMPLING: Final = frozenset(
    {"seed", "logprobs", "top_logprobs", "logit_bias", "frequency_penalty", "presence_penalty",
     "repetition_penalty", "min_p", "top_a"}
)  # fmt: skip
# Fields for which a dialect has no place.
_LACKS: Final = {
    "anthropic_messages": _SAMPLING | {"verbosity"},
    "bedrock": _SAMPLING | {"verbosity"},
    "bedrock_anthropic": _SAMPLING | {"verbosity"},
    "gemini": frozenset({"logit_bias", "repetition_penalty", "min_p", "top_a", "verbosity"}),
    "openai_responses": _SAMPLING - {"top_logprobs"} | {"stop", "top_k"},
}


def objection(
    deployment: Deployment, wishes: Preferences, is_ours: IsOurs, operation: Operation = "chat"
) -> Rejection | None:
    """The first wish that a deployment does not fulfil, or None. What is not known does not fulfil it."""
    site = deployment.site
    if wishes.only and place_in(wishes.only, deployment, is_ours) is None:
        return _not(deployment, "not_only", f"is not one of {_listed(wishes.only)}")
    if any(fits(name, _names(deployment)) for name in wishes.ignore):
        return _not(deployment, "ignored", "the client wants it left out")
    broken = _keeps(deployment, wishes)
    if broken is not None or site.is_router:
        return broken
    if wishes.quantizations and site.quantization not in wishes.quantizations:
        told = f"is {site.quantization}" if site.quantization else "has no known precision"
        return _not(deployment, "quantization", f"{told}, not {_listed(wishes.quantizations)}")
    return _too_dear(deployment, wishes) or _not_understood(
        deployment, wishes.parameters, operation
    )


def place_in(names: Sequence[str], deployment: Deployment, is_ours: IsOurs) -> int | None:
    """Where in a list of names a deployment is meant first; None if nowhere."""
    own, is_router = _names(deployment), deployment.site.is_router
    for place, name in enumerate(names):
        if fits(name, own) or (is_router and not is_ours(name)):
            return place
    return None


def in_wished_order(
    candidates: Sequence[Deployment], wishes: Preferences, is_ours: IsOurs
) -> tuple[tuple[Deployment, ...], tuple[Rejection, ...]]:
    """Candidates of one model, those of `order` first; and those that are left out if there may be no fall-backs."""
    places = {one.id: place_in(wishes.order, one, is_ours) for one in candidates}
    last = len(wishes.order)

    def place(deployment: Deployment) -> int:
        found = places[deployment.id]
        return last if found is None else found

    ordered = tuple(sorted(candidates, key=place))
    if wishes.allow_fallbacks or not ordered:
        return ordered, ()
    kept = tuple(one for one in ordered if place(one) < last) if wishes.order else ordered[:1]
    left = tuple(
        _not(one, "no_fallbacks", "the client wants no fall-backs") for one in ordered[len(kept) :]
    )
    return kept, left


def _names(deployment: Deployment) -> frozenset[str]:
    return deployment.site.names or frozenset({deployment.upstream.lower()})


def _keeps(deployment: Deployment, wishes: Preferences) -> Rejection | None:
    """A data policy that is not fulfilled. A router of which nothing is told sees to it itself."""
    site = deployment.site
    keeps, collects = site.keeps_nothing is not True, site.collects_data is not False
    if wishes.no_collection and keeps and collects:
        if site.collects_data:
            return _not(deployment, "data_collection", "may keep prompts or train on them")
        if not site.is_router:
            told = "nobody says whether it keeps prompts or trains on them"
            return _not(deployment, "data_collection", told)
    if wishes.zdr and keeps:
        if site.keeps_nothing is False:
            return _not(deployment, "zdr", "keeps data for a time")
        if not site.is_router:
            return _not(deployment, "zdr", "nobody says whether it keeps data")
    return None


def _too_dear(deployment: Deployment, wishes: Preferences) -> Rejection | None:
    price = deployment.price
    for word, limit, asked in (
        ("input", wishes.max_prompt, price.input if price else None),
        ("output", wishes.max_completion, price.output if price else None),
        ("request", wishes.max_request, price.request if price else None),
    ):
        if limit is None or (asked is not None and asked <= limit):
            continue
        told = "of unknown price" if asked is None else f"{usd_text(asked)} dollars"
        return _not(
            deployment, "max_price", f"{word} is {told}, more than {usd_text(limit)} is too dear"
        )
    return None


def _not_understood(
    deployment: Deployment, parameters: frozenset[str], operation: Operation
) -> Rejection | None:
    if not parameters:
        return None
    if deployment.parameters:
        missing = parameters - deployment.parameters
    else:
        lacks = _LACKS.get(deployment.dialect, frozenset()) if operation == "chat" else frozenset()
        missing = parameters & lacks | {
            word
            for word in parameters
            if word in _CAPABILITIES and _CAPABILITIES[word] not in deployment.capabilities
        }
    if not missing:
        return None
    return _not(deployment, "parameters", f"is not known to take {_listed(missing)}")


def _listed(names: Sequence[str] | frozenset[str]) -> str:
    shown = list(names) if isinstance(names, tuple) else sorted(names)
    return ", ".join(name[:64] for name in shown[:5]) + (", …" if len(shown) > 5 else "")


def _not(deployment: Deployment, code: str, reason: str) -> Rejection:
    return Rejection(deployment.id, code, reason)
