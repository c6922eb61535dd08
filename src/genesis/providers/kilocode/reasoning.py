"""The `reasoning` object of a request to the gateway (genesis.md 7.2, 7.3). Pure."""

from typing import Any

_EFFORTS = {
    "off": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "adaptive": "medium",
    "max": "xhigh",
}


def provider_hint(model_id: str) -> str:
    """Whose model it is, in lower case: what stands before the first slash; "" if nothing does."""
    hint, slash, _ = model_id.strip().lower().partition("/")
    return hint if slash else ""


def is_skipped(model_id: str) -> bool:
    """Whether the gateway chooses for this model: exactly `kilo/auto`, and models of xAI."""
    return model_id == "kilo/auto" or provider_hint(model_id) == "x-ai"


def with_reasoning(body: dict[str, Any], model_id: str, level: str | None) -> dict[str, Any]:
    """The body in the gateway's form: no `reasoning_effort`, and an effort where one is asked for and none is there."""
    shaped = {name: value for name, value in body.items() if name != "reasoning_effort"}
    if level is None or level == "off" or is_skipped(model_id):
        return shaped
    effort = _EFFORTS.get(level, "medium")
    present = shaped.get("reasoning")
    if isinstance(present, dict):
        if "max_tokens" not in present and "effort" not in present:
            shaped["reasoning"] = present | {"effort": effort}
    elif not present:
        shaped["reasoning"] = {"effort": effort}
    return shaped
