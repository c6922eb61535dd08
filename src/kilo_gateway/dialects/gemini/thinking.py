"""Thinking: how much of it, in the words of each generation of models.

    generation       told by            effort ->                                            off
    Gemini 3 on      thinkingLevel      none, minimal: minimal (low for Pro); low: low;      cannot be: the least level
                                        medium: medium; high, xhigh, max: high
    Gemini 2.5       thinkingBudget     none: 0; minimal, low: 1024; medium: 8192;           0 (Pro: 128, its least)
                                        high, xhigh: 24576; max: the model's most
    older, unknown   nothing            the members are refused there; a model that the catalog knows to think is
                                        asked as Gemini 3 is

A budget for Gemini 3 becomes the level whose effort is the nearest at or above it. -1 lets a 2.5 decide.
"""

import re

from kilo_gateway.dialects.conversation import Effort, Reasoning
from kilo_gateway.dialects.hub import Target

_VERSION = re.compile(r"gemini-(?:[a-z]+-)*?(\d+)(?:\.(\d+))?")
DYNAMIC = -1

EFFORTS: dict[str, Effort] = {
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
}
_LEVELS: dict[Effort, str] = {
    "none": "minimal",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 24_576,
    "max": 32_768,
}
# Least and most thinking of the 2.5 models; 0 is taken by all but Pro.
_RANGES = (("pro", 128, 32_768), ("lite", 512, 24_576), ("", 1, 24_576))


def generation(model: str) -> tuple[int, int] | None:
    """(2, 5) for gemini-2.5-pro, (3, 0) for a name without a number that follows the newest; None for other models."""
    name = model.rpartition("/")[2].lower()
    found = _VERSION.match(name)
    if found is not None:
        return int(found[1]), int(found[2] or 0)
    return (3, 0) if name.startswith("gemini-") and name.endswith("-latest") else None


def needs_signatures(model: str) -> bool:
    """Whether a call in the history without a signature is refused: by Gemini 3 and what came after it."""
    version = generation(model)
    return version is not None and version >= (3, 0)


def config(reasoning: Reasoning, target: Target) -> dict[str, object]:
    """`thinkingConfig`; empty if nothing is asked, or the model takes none."""
    version = generation(target.model)
    if version is None and "reasoning" in target.capabilities:
        version = (3, 0)
    if version is None or version < (2, 5) or reasoning == Reasoning():
        return {}
    told: dict[str, object] = {}
    if version < (3, 0):
        budget = _budget(reasoning, target.model)
        if budget is not None:
            told["thinkingBudget"] = budget
    else:
        level = _level(reasoning, target.model)
        if level:
            told["thinkingLevel"] = level
    is_off = reasoning.is_on is False or reasoning.effort == "none"
    shown = not is_off if reasoning.is_shown is None else reasoning.is_shown
    if shown or reasoning.is_shown is False:
        told["includeThoughts"] = shown
    return told


def _budget(reasoning: Reasoning, model: str) -> int | None:
    asked = reasoning.budget_tokens
    if asked is None and reasoning.effort is not None:
        asked = _BUDGETS[reasoning.effort]
    if reasoning.is_on is False:
        asked = 0
    elif asked is None:
        return DYNAMIC if reasoning.is_adaptive else None
    if asked < 0:
        return DYNAMIC
    word, least, most = next(one for one in _RANGES if one[0] in model)
    return 0 if asked == 0 and word != "pro" else min(max(asked, least), most)


def _level(reasoning: Reasoning, model: str) -> str:
    effort = reasoning.effort
    if reasoning.is_on is False:
        effort = "none"
    elif effort is None and reasoning.budget_tokens is not None and reasoning.budget_tokens >= 0:
        budget = reasoning.budget_tokens
        effort = "none" if budget == 0 else "low" if budget <= 1024 else "medium"
        effort = effort if budget <= 8192 else "high"
    if effort is None:
        return ""
    level = _LEVELS[effort]
    return "low" if level == "minimal" and "-pro" in model else level
