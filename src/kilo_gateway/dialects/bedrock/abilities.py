"""What a model behind this dialect takes, by its name: families of models differ in what stands beside the common members.

claude     thinking (budgets up to 4.5, both in 4.6, adaptive alone later), top_k, marks of the cache with 1 h
nova       inferenceConfig.topK, marks of the cache; from Nova 2 on reasoningConfig with an effort
gpt-oss    reasoning_effort          qwen3    reasoning_config, a word
mistral    top_k
others     none of these
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from kilo_gateway.dialects.hub import Target

Family = Literal["claude", "nova", "nova-2", "gpt-oss", "qwen3", "mistral", "other"]
_FAMILIES: tuple[Family, ...] = ("claude", "nova-2", "nova", "gpt-oss", "qwen3", "mistral")
# claude-3-5-sonnet, claude-v2; claude-sonnet-4-20250514, claude-opus-4-8
_VERSION = re.compile(
    r"claude-(?:v?(\d)(?:[-.](\d))?(?!\d)|[a-z]+-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d))"
)
_NEWEST = (99, 0)
_FIRST_THINKING = (3, 7)
_ADAPTIVE = (4, 6)
_EITHER = frozenset({(4, 1), (4, 5), (4, 6)})


class Abilities(NamedTuple):
    """What a model takes. `thinks`: it has thoughts to switch on. `is_either`: temperature or top_p, not both."""

    family: Family
    thinks: bool = False
    is_adaptive: bool = False
    takes_budgets: bool = False
    takes_xhigh: bool = False
    takes_sampling: bool = True
    is_either: bool = False

    @property
    def takes_cache(self) -> bool:
        """Whether it takes marks of the cache at all."""
        return self.family in {"claude", "nova", "nova-2"}


def abilities_of(target: Target) -> Abilities:
    """What the target's model takes. The name of an inference profile may not tell; then the vendor of its thoughts does."""
    able = _abilities(target.model.lower())
    if able.family == "other" and target.reads_thinking == "anthropic":
        return _claude(_NEWEST)
    return able


@lru_cache(256)  # as many models as a catalog has in use
def _abilities(name: str) -> Abilities:
    family: Family = next((family for family in _FAMILIES if family in name), "other")
    if family == "claude":
        return _claude(_version(name))
    return Abilities(family, thinks=family in {"nova-2", "gpt-oss", "qwen3"})


def _version(name: str) -> tuple[int, int]:
    found = _VERSION.search(name)
    if found is None:
        return _NEWEST
    major, minor = found[1] or found[3], found[2] or found[4] or "0"
    return int(major), int(minor)


def _claude(version: tuple[int, int]) -> Abilities:
    return Abilities(
        "claude",
        thinks=version >= _FIRST_THINKING,
        is_adaptive=version >= _ADAPTIVE,
        takes_budgets=_FIRST_THINKING <= version <= _ADAPTIVE,
        takes_xhigh=version > _ADAPTIVE,
        takes_sampling=version <= _ADAPTIVE,
        is_either=version in _EITHER,
    )
