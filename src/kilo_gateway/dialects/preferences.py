"""The member `provider`: read and checked for our own routing, and passed on to those upstreams that are routers themselves.

OpenRouter's API, gateway.md 4 and 8.1. Members that we do not know are carried, not refused.
"""

import re
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.money import nanodollars_from_usd
from kilo_gateway.core.preferences import Preferences, Sort, fits
from kilo_gateway.dialects.body import Fields, raw_json

MOST_NAMES: Final = 1000
_FIELD: Final = "provider"
_NO_ROUTING: Final = "no_routing_fields"
_LISTS: Final = ("order", "only", "ignore")
_SORTS: Final = ("price", "throughput", "latency")
_AMOUNT: Final = re.compile(r"\d{1,12}(?:\.\d{1,18})?")
# Where dialects say the same by other members than OpenAI's chat, in OpenRouter's words; others count for nothing.
_WORDS: Final = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop_sequences": "stop",
    "reasoning_effort": "reasoning",
    "thinking": "reasoning",
} | {
    word: word
    for word in (
        "tools", "tool_choice", "parallel_tool_calls", "response_format", "structured_outputs", "reasoning", "seed",
        "logprobs", "top_logprobs", "logit_bias", "top_k", "top_p", "min_p", "top_a", "frequency_penalty",
        "presence_penalty", "repetition_penalty", "temperature", "stop", "max_tokens", "verbosity",
    )
}  # fmt: skip


def read_preferences(fields: Fields) -> Preferences | None:
    """What `provider` wishes; None where it wishes nothing. Raises Fault invalid_request that names the member."""
    raw = fields.get(_FIELD)
    if raw is None:
        return None
    try:
        told = msgspec.json.decode(raw, type=dict[str, Any] | None)
    except msgspec.MsgspecError:
        raise _invalid("", "must be an object") from None
    if not told:
        return None
    values = {name: check(name, told.get(name)) for name, check in _CHECKS.items()}
    values["no_collection"] = values.pop("data_collection")
    if values.pop("require_parameters"):
        values["parameters"] = frozenset(_WORDS[name] for name in fields if name in _WORDS)
    values |= _prices(told.get("max_price"))
    wanted = {name: value for name, value in values.items() if value is not None}
    wishes = Preferences(**wanted)
    return None if wishes == Preferences() else wishes


def put_preferences(fields: Fields, deployment: Deployment, quirks: frozenset[str]) -> None:
    """Leave `provider` to an upstream that understands it, in its own words; take it out for every other."""
    if _FIELD not in fields:
        return
    told = None if _NO_ROUTING in quirks else _for_router(fields[_FIELD], deployment)
    if told is None:
        del fields[_FIELD]
    else:
        fields[_FIELD] = told


def with_preferences(
    body: bytes, fields: Fields, deployment: Deployment, quirks: frozenset[str]
) -> bytes:
    """A body written in another dialect than the client's, with its `provider` for an upstream that understands it."""
    if _FIELD not in fields or _NO_ROUTING in quirks or body[-1:] != b"}":
        return body
    told = _for_router(fields[_FIELD], deployment)
    return body if told is None else b'%b,"provider":%b}' % (body[:-1], bytes(told))


def _for_router(raw: msgspec.Raw, deployment: Deployment) -> msgspec.Raw | None:
    """The wishes without what was meant for us: names of the router itself, which it does not know by them."""
    told = msgspec.json.decode(raw)
    if not isinstance(told, dict):
        return None
    names = deployment.site.names
    kept = dict(told)
    for member in _LISTS:
        listed = told.get(member)
        if not isinstance(listed, list):
            continue
        others = [name for name in listed if not fits(str(name).lower(), names)]
        if len(others) == len(listed):
            continue
        # Who may be asked at all may ask whom it will.
        if member == "only" or not others:
            del kept[member]
        else:
            kept[member] = others
    return raw if kept == told else raw_json(kept)


def _names(member: str, value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _invalid(member, "must be an array of names")
    if len(value) > MOST_NAMES:
        raise _invalid(member, f"may hold {MOST_NAMES} names at most")
    return tuple(dict.fromkeys(name.strip().lower() for name in value if name.strip()))


def _switch(member: str, value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise _invalid(member, "must be true or false")


def _collection(member: str, value: object) -> bool | None:
    if value not in (None, "allow", "deny"):
        raise _invalid(member, 'must be "allow" or "deny"')
    return True if value == "deny" else None


def _sort(member: str, value: object) -> Sort | None:
    by = value.get("by") if isinstance(value, dict) else value
    if by is not None and by not in _SORTS:
        raise _invalid(member, 'must be "price", "throughput" or "latency"')
    return cast("Sort | None", by)


def _set(member: str, value: object) -> frozenset[str] | None:
    names = _names(member, value)
    return None if names is None else frozenset(names)


def _prices(value: object) -> dict[str, Any]:
    """Ceilings as nanodollars. Prices of pictures are not known to us: that one is for routers."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid("max_price", "must be an object")
    _amount("image", value.get("image"))
    return {
        f"max_{member}": _amount(member, value.get(member))
        for member in ("prompt", "completion", "request")
    }


def _amount(member: str, value: object) -> int | None:
    if value is None:
        return None
    is_text = isinstance(value, str) and _AMOUNT.fullmatch(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e9
    if not is_text and not is_number:
        raise _invalid(f"max_price.{member}", "must be a number of US dollars")
    return nanodollars_from_usd(cast("float | str", value))


_CHECKS: Final[dict[str, Callable[[str, object], Any]]] = {
    "order": _names,
    "only": _names,
    "ignore": _names,
    "allow_fallbacks": _switch,
    "require_parameters": _switch,
    "data_collection": _collection,
    "zdr": _switch,
    "sort": _sort,
    "quantizations": _set,
}


def _invalid(member: str, problem: str) -> Fault:
    param = f"{_FIELD}.{member}" if member else _FIELD
    return Fault(Kind.INVALID_REQUEST, f"The field {param} {problem}.", param=param)
