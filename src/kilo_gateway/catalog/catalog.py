"""Which models exist and which deployments serve them: names -> deployments, by one look-up."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from heapq import nlargest

import msgspec

from kilo_gateway.core.deployment import Deployment, Limits
from kilo_gateway.core.money import Price

_LONGEST_NAME = 100
_CLOSE_LOOKS = 40


class Model(msgspec.Struct, frozen=True):
    """One model as clients see it; `deployments` in order of priority.

    Limits, price and description are those of the first deployment; capabilities are what any deployment can do.
    `capabilities_known` is False where nobody told: then nothing may be concluded from a missing one. `created` is
    in seconds since the epoch (0 unknown), `expires` is "yyyy-mm-dd".
    """

    id: str
    name: str
    deployments: tuple[Deployment, ...]
    created: int = 0
    description: str = ""
    limits: Limits = Limits()
    capabilities: frozenset[str] = frozenset()
    capabilities_known: bool = True
    input_modalities: tuple[str, ...] = ("text",)
    output_modalities: tuple[str, ...] = ("text",)
    parameters: tuple[str, ...] = ()
    price: Price | None = None
    expires: str | None = None
    tokenizer: str | None = None
    is_moderated: bool = False
    is_self_hosted: bool = False


class Catalog(msgspec.Struct, frozen=True):
    """All models by lower-case id, and an index of every spelling that stands for one. Made by `build`."""

    models: Mapping[str, Model]
    aliases: Mapping[str, tuple[str, ...]]
    index: Mapping[str, tuple[Deployment, ...]]

    def candidates(self, name: str) -> tuple[Deployment, ...]:
        """Every deployment that a name stands for, in any case; () if the name is unknown.

        A name is an alias, a model's id, `upstream/model there`, or a bare or undated id if only one model has it.
        """
        return self.index.get(name.strip().lower(), ())

    def model(self, name: str) -> Model | None:
        """The model that a name stands for (the first one of an alias), or None."""
        key = name.strip().lower()
        found = self.models.get(key)
        if found is not None and key not in self.aliases:
            return found
        candidates = self.index.get(key, ())
        return self.models.get(candidates[0].model.lower()) if candidates else None

    def nearest(self, name: str, n: int = 3) -> tuple[str, ...]:
        """Up to `n` ids and aliases that look like an unknown name, the likest first."""
        asked = name.strip().lower()[:_LONGEST_NAME]
        bare = asked.rpartition("/")[2]
        known = {key: model.id for key, model in self.models.items()}
        known.update((alias, alias) for alias in self.aliases)
        close = get_close_matches(asked, _alike(asked, known), n=n, cutoff=0.6)
        by_bare = {key.rpartition("/")[2]: key for key in known}
        close += [
            by_bare[key] for key in get_close_matches(bare, _alike(bare, by_bare), n=n, cutoff=0.6)
        ]
        return tuple(dict.fromkeys(known[key] for key in close))[:n]


def _alike(asked: str, keys: Iterable[str]) -> list[str]:
    """The keys worth a close look: those that share the most pairs of letters (a close look at all takes too long)."""
    pairs = {asked[place : place + 2] for place in range(len(asked) - 1)}
    return nlargest(_CLOSE_LOOKS, keys, key=lambda key: sum(pair in key for pair in pairs))
