"""Builds the Catalog from what upstreams list, the operator's overrides, shipped facts and prices."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

import msgspec

from kilo_gateway.catalog.catalog import Catalog, Model
from kilo_gateway.catalog.facts import Fact, fills_in, folded, operations_by_name, undated
from kilo_gateway.catalog.source import Listed, Override, Source
from kilo_gateway.catalog.widths import width_of
from kilo_gateway.core.deployment import Deployment, Limits, Operation
from kilo_gateway.core.money import FREE, Price, keeps_for_an_hour

MAX_ALIAS_DEPTH = 8
_NO_OVERRIDE = Override()
_FULL_DATE = re.compile(r"-20\d\d-?[01]\d-?[0-3]\d$")


class FactFinder(Protocol):
    """Facts by vendor and id: `catalog.facts.Facts` fulfils it."""

    def of(self, vendor: str, model_id: str) -> Fact | None:
        """The fact, or None."""
        ...


class PriceOf(Protocol):
    """Prices by the vendor's id in genai-prices and the upstream's model id: `price_table.PriceFinder` fulfils it."""

    def __call__(self, provider: str, model: str) -> Price | None:
        """The price, or None where none is known."""
        ...


class _Served(msgspec.Struct, frozen=True):
    """One deployment with what is known of the model beside it."""

    deployment: Deployment
    source: Source
    listed: Listed
    fact: Fact | None
    override: Override


class Knowledge(msgspec.Struct, frozen=True):
    """What is known beside the lists: facts, prices, and overrides by model id or `upstream/model there`.

    `policy` is the order among deployments of models for which nothing else is said.
    """

    facts: FactFinder
    price_of: PriceOf
    overrides: Mapping[str, Override] = {}
    policy: str = "priority"


def build(
    sources: Sequence[Source], aliases: Mapping[str, tuple[str, ...]], knowledge: Knowledge
) -> Catalog:
    """The catalog of these upstreams. The same model at several upstreams becomes one model of several deployments.

    Prices: the operator's, else what the upstream lists, else genai-prices. Limits and capabilities likewise, with
    shipped facts last. A model of which we serve no operation is left out.
    """
    overrides = {folded(key): value for key, value in knowledge.overrides.items()}
    groups: defaultdict[str, list[_Served]] = defaultdict(list)
    names: dict[str, str] = {}
    merged = _merged(sources)
    for source in sources:
        for listed in source.listed:
            own = _own_id(source, listed.id)
            key = merged.get((source.upstream, listed.id), folded(own))
            if key != folded(own):
                own = names.get(key, own.removesuffix(_full_date(own)))
            served = _served(source, listed, names.setdefault(key, own), knowledge, overrides)
            if served.deployment.operations and all(
                other.deployment.id != served.deployment.id for other in groups[key]
            ):
                groups[key].append(served)
    models: dict[str, Model] = {}
    for served_by in groups.values():
        if served_by:
            model = _model(served_by)
            models[model.id.lower()] = model
    spellings = _index(models)
    lowered = {name.strip().lower(): targets for name, targets in aliases.items()}
    index = dict(spellings)
    for alias in lowered:
        targets = _expanded(alias, lowered, spellings, 0)
        index[alias] = tuple(_unique(_placed(targets)))
    return Catalog(models=models, aliases=lowered, index=index)


def _merged(sources: Sequence[Source]) -> dict[tuple[str, str], str]:
    """Dated models that are the same as an undated one of another upstream: (upstream, id there) -> its key.

    That holds if the upstream has one dated model of that name only: Anthropic's claude-sonnet-4-5-20250929 is what
    OpenRouter calls claude-sonnet-4.5, but gpt-4o-2024-08-06 beside gpt-4o is a model of its own.
    """
    undated_keys = {
        folded(own)
        for source in sources
        for listed in source.listed
        if not _full_date(own := _own_id(source, listed.id))
    }
    merged: dict[tuple[str, str], str] = {}
    for source in sources:
        by_key: defaultdict[str, list[str]] = defaultdict(list)
        for listed in source.listed:
            own = _own_id(source, listed.id)
            by_key[folded(own.removesuffix(_full_date(own)))].append(listed.id)
        for key, ids in by_key.items():
            if len(ids) == 1 and key in undated_keys and _full_date(ids[0]):
                merged[source.upstream, ids[0]] = key
    return merged


def _full_date(model_id: str) -> str:
    """The date at the end of an id with its dash, or ""."""
    found = _FULL_DATE.search(model_id)
    return found.group() if found else ""


def _own_id(source: Source, upstream_id: str) -> str:
    """The name that clients use."""
    if source.ids_have_vendor and "/" in upstream_id:
        return upstream_id
    bare = upstream_id.removeprefix(source.strip) if source.strip else upstream_id
    return f"{source.prefix}/{bare}" if source.prefix else bare


def _served(
    source: Source,
    listed: Listed,
    own: str,
    knowledge: Knowledge,
    overrides: Mapping[str, Override],
) -> _Served:
    override = overrides.get(folded(own)) or overrides.get(folded(f"{source.upstream}/{listed.id}"))
    override = override or _NO_OVERRIDE
    fact = knowledge.facts.of(source.vendor, listed.id.removeprefix(source.strip))
    speaks = _speaks(source, listed, fact)
    operations = tuple(dict.fromkeys(one for _, some in speaks for one in some))
    return _Served(
        deployment=Deployment(
            upstream=source.upstream,
            model=own,
            upstream_model=listed.id,
            dialect=speaks[0][0] if speaks else source.dialect,
            operations=operations,
            capabilities=_capabilities(listed, fact, override) or frozenset(),
            limits=_limits(source, listed, fact, override),
            price=_price(source, listed, override, knowledge.price_of),
            priority=source.priority,
            weight=source.weight,
            speaks=speaks,
            width=width_of(listed.id) if "embeddings" in operations else None,
            policy=override.policy or knowledge.policy,
            parameters=frozenset(listed.parameters),
            site=source.site,
        ),
        source=source,
        listed=listed,
        fact=fact,
        override=override,
    )


def _speaks(
    source: Source, listed: Listed, fact: Fact | None
) -> tuple[tuple[str, tuple[Operation, ...]], ...]:
    """The dialects in which a model can be asked, each with what it is for among what the upstream offers in it."""
    told = _told(listed, fact)
    lone = _lone_dialect(source, listed)
    if lone:
        told = ("chat",)
    spoken = (
        (
            dialect,
            tuple(
                one
                for one in offered
                if _USES.get(one, one) in told or (one == "fim" and fills_in(listed.id))
            ),
        )
        for dialect, offered in ((source.dialect, source.operations), *source.also)
        if not lone or dialect == lone
    )
    return tuple((dialect, operations) for dialect, operations in spoken if operations)


def _lone_dialect(source: Source, listed: Listed) -> str:
    """The dialect that a model is asked in, and in no other; "" if there is no such thing about it."""
    if not source.only or listed.operations is not None:
        return ""
    name = listed.id.removeprefix(source.strip).lower()
    return next(
        (
            dialect
            for dialect, globs in source.only
            if any(fnmatchcase(name, glob) for glob in globs)
        ),
        "",
    )


_TALK = frozenset({"chat", "completions"})
# A model that chats is one whose tokens can be counted.
_USES: Mapping[Operation, Operation] = {"count_tokens": "chat"}


def _told(listed: Listed, fact: Fact | None) -> tuple[Operation, ...]:
    if listed.operations is not None:
        return listed.operations
    named = operations_by_name(listed.id)
    if fact is None or not fact.is_exact:
        return named
    # One that is known not to chat may still draw or speak.
    return fact.operations or tuple(one for one in named if one not in _TALK)


def _capabilities(listed: Listed, fact: Fact | None, override: Override) -> frozenset[str] | None:
    if override.capabilities is not None:
        return override.capabilities
    if listed.capabilities is not None:
        return listed.capabilities
    return fact.capabilities if fact is not None else None


def _limits(source: Source, listed: Listed, fact: Fact | None, override: Override) -> Limits:
    """Limits of a public model of the same name say nothing of a server of one's own."""
    known = fact if fact is not None and not source.is_self_hosted else None
    return Limits(
        context=_first(override.limits.context, listed.context, known.context if known else None),
        output=_first(override.limits.output, listed.max_output, known.output if known else None),
    )


def _price(source: Source, listed: Listed, override: Override, price_of: PriceOf) -> Price | None:
    told = override.price if override.price is not None else listed.price
    if told is not None:
        return told.with_hour_writes() if keeps_for_an_hour(listed.id) else told
    if source.is_free:
        return FREE
    if not source.price_provider:
        return None
    return price_of(source.price_provider, listed.id.removeprefix(source.strip))


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _model(served_by: list[_Served]) -> Model:
    ordered = sorted(served_by, key=lambda served: served.deployment.priority)
    first = ordered[0]
    known = [_capabilities(served.listed, served.fact, served.override) for served in ordered]
    capabilities = frozenset[str]().union(*(words for words in known if words is not None))
    listed = first.listed
    return Model(
        id=first.deployment.model,
        name=_name(first),
        deployments=tuple(served.deployment for served in ordered),
        created=next((served.listed.created for served in ordered if served.listed.created), 0),
        description=first.override.description or listed.description or "",
        limits=first.deployment.limits,
        capabilities=capabilities,
        capabilities_known=any(words is not None for words in known),
        input_modalities=listed.input_modalities or _modalities(capabilities),
        output_modalities=listed.output_modalities
        or (("embeddings",) if first.deployment.operations == ("embeddings",) else ("text",)),
        parameters=listed.parameters,
        price=first.deployment.price,
        expires=listed.expires,
        tokenizer=listed.tokenizer,
        is_moderated=bool(listed.is_moderated),
        is_self_hosted=all(served.source.is_self_hosted for served in ordered),
    )


def _name(served: _Served) -> str:
    told = served.override.name or served.listed.name or (served.fact.name if served.fact else "")
    return told or served.deployment.model.rpartition("/")[2]


def _modalities(capabilities: frozenset[str]) -> tuple[str, ...]:
    extra = (("vision", "image"), ("audio", "audio"), ("pdf", "pdf"))
    return ("text", *(modality for word, modality in extra if word in capabilities))


def _index(models: Mapping[str, Model]) -> dict[str, tuple[Deployment, ...]]:
    """Every spelling of every model. A more exact kind of spelling comes before a looser one; an ambiguous is none."""
    index: dict[str, tuple[Deployment, ...]] = {
        key: model.deployments for key, model in models.items()
    }
    for model in models.values():
        vendor = model.id.rpartition("/")[0].lower()
        for deployment in model.deployments:
            index.setdefault(deployment.id.lower(), (deployment,))
            index.setdefault(f"{vendor}/{deployment.upstream_model.lower()}", model.deployments)
    for spell in (_bare, _folded, _undated):
        claims: defaultdict[str, set[str]] = defaultdict(set)
        for key, model in models.items():
            for spelling in spell(model):
                claims[spelling].add(key)
        for spelling, keys in claims.items():
            if len(keys) == 1:
                index.setdefault(spelling, models[next(iter(keys))].deployments)
    return index


def _bare(model: Model) -> Iterator[str]:
    yield model.id.rpartition("/")[2].lower()
    for deployment in model.deployments:
        yield deployment.upstream_model.lower()
        yield deployment.upstream_model.rpartition("/")[2].lower()


def _folded(model: Model) -> Iterator[str]:
    yield folded(model.id)
    for spelling in _bare(model):
        yield folded(spelling)


def _undated(model: Model) -> Iterator[str]:
    """Without a date at the end, in both spellings of a version: `claude-sonnet-4-5` and `claude-sonnet-4.5`."""
    for spelling in (model.id, *_bare(model)):
        short = undated(spelling)
        yield short
        head, dash, minor = short.rpartition("-")
        if dash and minor.isdecimal() and head[-1:].isdecimal():
            yield f"{head}.{minor}"


def _expanded(
    name: str,
    aliases: Mapping[str, tuple[str, ...]],
    spellings: Mapping[str, tuple[Deployment, ...]],
    depth: int,
) -> Iterator[tuple[Deployment, ...]]:
    """The deployments of each target of an alias, target after target."""
    if depth > MAX_ALIAS_DEPTH:
        return
    for target in aliases.get(name, ()):
        key = target.strip().lower()
        # An alias may carry the name of a model that it stands for.
        if key in aliases and key != name:
            yield from _expanded(key, aliases, spellings, depth + 1)
        else:
            yield spellings.get(key, ())


def _placed(targets: Iterator[tuple[Deployment, ...]]) -> Iterator[Deployment]:
    """Deployments that know the place of their target: each one comes after those before it, whatever it is."""
    for place, target in enumerate(targets):
        for deployment in target:
            yield msgspec.structs.replace(deployment, place=place) if place else deployment


def _unique(deployments: Iterator[Deployment]) -> Iterator[Deployment]:
    seen: set[str] = set()
    for deployment in deployments:
        if deployment.id not in seen:
            seen.add(deployment.id)
            yield deployment
