"""What a model that is asked in this dialect takes: by its capability words and quirks, else by its name.

    thinking     budgets alone (Claude up to 4.5, and other vendors' models behind this dialect), both (4.6), adaptive alone (later)
    sampling     temperature, top_p and top_k are refused by Claude after 4.6
    system       messages of that role in between: Claude Opus 4.8 and what came with or after it

Words that decide before the name does: capabilities "adaptive_thinking", "later_system"; quirk "no_sampling".
"""

from functools import lru_cache
from typing import NamedTuple

# Parts of names, dots written as hyphens. Claude's generations that know budgets alone; "-4" at the end is Claude 4.
_BUDGETS_ALONE = (
    "claude-instant",
    "claude-1",
    "claude-2",
    "claude-3",
    "opus-4-0",
    "opus-4-1",
    "opus-4-2",
    "opus-4-5",
    "opus-4@",
    "sonnet-4-0",
    "sonnet-4-2",
    "sonnet-4-5",
    "sonnet-4@",
    "haiku-4",
)
_CLAUDE_4 = ("opus-4", "sonnet-4")
_BOTH = ("-4-6", "mythos-preview")
_LATER_SYSTEM = ("opus-4-8", "opus-5", "fable", "mythos-5")
_ALWAYS_THINK = ("fable", "mythos")
_ONE_OF_BOTH = ("opus-4-1", "opus-4-5", "sonnet-4-5", "haiku-4-5", "-4-6")


class Abilities(NamedTuple):
    """What a model takes. `is_either`: temperature or top_p, not both. `is_claude`: Anthropic's own rules hold."""

    is_claude: bool
    is_adaptive: bool
    takes_budgets: bool
    takes_xhigh: bool
    takes_sampling: bool
    is_either: bool
    takes_later_system: bool
    always_thinks: bool


@lru_cache(256)  # as many models as a catalog has in use
def abilities(model: str, words: frozenset[str]) -> Abilities:
    """What a model takes, by its name at the upstream and by its capabilities and quirks."""
    name = model.lower().replace(".", "-")
    is_claude = "claude" in name
    is_old = any(part in name for part in _BUDGETS_ALONE) or name.endswith(_CLAUDE_4)
    is_both = any(part in name for part in _BOTH)
    is_adaptive = "adaptive_thinking" in words or (is_claude and not is_old)
    is_new = is_claude and is_adaptive and not is_both
    return Abilities(
        is_claude,
        is_adaptive,
        takes_budgets=not is_adaptive or is_both,
        takes_xhigh=not is_both,
        takes_sampling=not is_new and "no_sampling" not in words,
        is_either=is_claude and any(part in name for part in _ONE_OF_BOTH),
        takes_later_system="later_system" in words
        or (is_claude and any(part in name for part in _LATER_SYSTEM)),
        always_thinks=is_claude and any(part in name for part in _ALWAYS_THINK),
    )
