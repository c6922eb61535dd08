"""Snapshot: the immutable world that one call sees."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import translate

import msgspec

from kilo_gateway.catalog.catalog import Catalog, Model
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.money import NANODOLLARS_PER_DOLLAR
from kilo_gateway.core.preferences import fits

MAX_AUTO_GROUPS = 64
MAX_MADE_UP_CHARACTERS = 128
_DEAR = 10 * NANODOLLARS_PER_DOLLAR  # a million tokens of input
_SPECIAL = frozenset({"nano", "mini", "lite", "image", "audio", "search", "codex"})
_NUMBERS = re.compile(r"\d+")


class Snapshot(msgspec.Struct, frozen=True):
    """Catalog and routing settings as one call sees them; swapped whole. Made by `make_snapshot`.

    `preferred` are the ids of the models that the settings prefer, best first.
    `open_ended` upstreams (the simulator) serve any model name after theirs, like the example. `own_names` are those of all upstreams and of vendors that run on machines of one's own, lower case. `made_at` is
    in seconds since the epoch.
    """

    catalog: Catalog
    made_at: float = 0.0
    preferred: tuple[str, ...] = ()
    auto_groups: tuple[tuple[Deployment, ...], ...] = ()
    open_ended: dict[str, Deployment] = {}
    own_names: frozenset[str] = frozenset()

    def candidates(self, name: str) -> tuple[Deployment, ...]:
        """Every deployment that a name stands for; empty if the name is unknown."""
        found = self.catalog.candidates(name)
        return found if found or not self.open_ended else self._made_up(name)

    def _made_up(self, name: str) -> tuple[Deployment, ...]:
        """A model of an upstream that answers to names that it does not list."""
        upstream, _, model = name.partition("/")
        example = self.open_ended.get(upstream.lower())
        if example is None or not 0 < len(model) <= MAX_MADE_UP_CHARACTERS:
            return ()
        return (msgspec.structs.replace(example, model=name, upstream_model=model),)

    def auto_candidates(self) -> tuple[tuple[Deployment, ...], ...]:
        """The deployments of `kilo/auto`, group after group, the preferred first and the last resort last."""
        return self.auto_groups

    @property
    def auto_models(self) -> tuple[str, ...]:
        """Ids of the models that `kilo/auto` chooses from, the preferred first."""
        return tuple(group[0].model for group in self.auto_groups)

    def is_ours(self, name: str) -> bool:
        """Whether a name of a provider is that of an upstream of ours, not of one that a router asks in turn."""
        return fits(name, self.own_names)

    def nearest(self, name: str) -> tuple[str, ...]:
        """Known names that look like an unknown one."""
        return self.catalog.nearest(name)


def make_snapshot(
    catalog: Catalog,
    auto_preference: Sequence[str] = (),
    *,
    made_at: float = 0.0,
    last_resort: Sequence[str] = ("local",),
    never: Sequence[str] = ("sim",),
    own_names: frozenset[str] = frozenset(),
) -> Snapshot:
    """A snapshot with the order of `kilo/auto` worked out.

    `last_resort` are upstreams that `kilo/auto` uses only when nothing else is left, `never` those it does not use
    (the simulator's, which answers to any name). Models meant by one glob are ordered newest first.
    """
    left_out = {*last_resort, *never}
    models = [model for model in catalog.models.values() if _may_be_auto(model)]
    ordinary = [model for model in models if model.deployments[0].upstream not in left_out]
    preferred = tuple(dict.fromkeys(model.id for model in _preferred(ordinary, auto_preference)))
    rest = [model.id for model in ordinary]
    last = [
        model.id
        for name in last_resort
        for model in models
        if model.deployments[0].upstream == name
    ]
    ids = [*dict.fromkeys((*preferred, *rest))][: MAX_AUTO_GROUPS - len(last[:8])] + last[:8]
    return Snapshot(
        catalog=catalog,
        made_at=made_at,
        preferred=preferred,
        auto_groups=tuple(catalog.models[model_id.lower()].deployments for model_id in ids),
        open_ended={
            model.deployments[0].upstream: model.deployments[0]
            for model in models
            if model.deployments[0].upstream in never
        },
        own_names=own_names,
    )


def _may_be_auto(model: Model) -> bool:
    return "chat" in model.deployments[0].operations and "text" in model.output_modalities


def _preferred(models: Sequence[Model], preference: Sequence[str]) -> Iterator[Model]:
    for glob in preference:
        matches = re.compile(translate(glob.lower())).match
        yield from sorted(
            (model for model in models if matches(model.id.lower())), key=_newest_first
        )


def _newest_first(model: Model) -> tuple[bool, bool, int, list[int], int, str]:
    """Order within one glob: dear and special models after the ordinary ones, then the newest, then the highest."""
    is_dear = model.price is not None and (model.price.input or 0) >= _DEAR
    is_special = not _SPECIAL.isdisjoint(re.split(r"[^a-z]+", model.id.lower()))
    numbers = [-int(number[:9]) for number in _NUMBERS.findall(model.id)]
    return is_special, is_dear, -model.created, numbers, len(model.id), model.id
