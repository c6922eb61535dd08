"""Which models the settings choose: the default, those that stand in for it, their aliases. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from genesis.config.schema import AgentDefaults, Settings
from genesis.core.fault import GenesisError
from genesis.core.refs import ModelRef, key, parse, resolve
from genesis.providers.provider import Manifest

# The provider whose default model answers where nothing is configured.
FIRST_PROVIDER = "kilocode"


@dataclass(frozen=True)
class Choice:
    """The settings' models as references. `primary` None: there is not even a provider with a default model.

    `is_configured`: the settings name the primary. `listed` are the keys of `agents.defaults.models`; `aliases` map
    names to references; `tuned` are the keys of those that carry parameters, which only people write. `warnings` are
    sentences about what had to be guessed or passed over.
    """

    primary: ModelRef | None
    fallbacks: tuple[ModelRef, ...]
    image: ModelRef | None
    image_fallbacks: tuple[ModelRef, ...]
    listed: tuple[ModelRef, ...]
    aliases: Mapping[str, str]
    is_configured: bool
    tuned: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()

    @property
    def default_provider(self) -> str:
        """The provider of a text that names none."""
        return self.primary.provider if self.primary else FIRST_PROVIDER

    @property
    def in_use(self) -> tuple[ModelRef, ...]:
        """Every model that may be asked without the user naming it."""
        named = (self.primary, *self.fallbacks, self.image, *self.image_fallbacks)
        return tuple(dict.fromkeys(ref for ref in named if ref is not None))

    def allows(self, ref: ModelRef, usual: Collection[str]) -> bool:
        """Whether a session may choose the model; `usual` are keys of defaults, which are always allowed.

        `listed` is a list of what may be chosen (genesis.md 11). But our commands write entries too, with nothing or an
        alias in them: one of these restricts nothing if it, or the model, is of the Kilo Gateway.
        """
        wanted, listed = key(ref), {key(one): one.provider for one in self.listed}
        return (
            wanted in usual
            or wanted in listed
            or not any(
                name in self.tuned or FIRST_PROVIDER not in {provider, ref.provider}
                for name, provider in listed.items()
                if name not in usual
            )
        )

    def resolve(self, text: str) -> tuple[ModelRef, str | None]:
        """The reference that a person's text means, and a warning if it was guessed."""
        known = [f"{ref.provider}/{ref.model}" for ref in self.listed]
        return resolve(text, self.default_provider, self.aliases, known)


def choose(
    settings: Settings,
    manifests: Mapping[str, Manifest],
    has_key: Callable[[str], bool] = lambda _provider: True,
) -> Choice:
    """The models that the settings choose, or what stands in where they choose none."""
    defaults = settings.agents.defaults
    built_in = _built_in(settings, manifests, has_key)
    provider = built_in.provider if built_in else FIRST_PROVIDER
    reader = _Reader(provider, _aliases(defaults), tuple(defaults.models))
    primary = reader.one(defaults.primary, "agents.defaults.model")
    if primary is not None:
        reader.provider = primary.provider
    read = {name: reader.one(name, "agents.defaults.models") for name in defaults.models}
    listed = {name: ref for name, ref in read.items() if ref is not None}
    return Choice(
        primary=primary or built_in,
        fallbacks=reader.many(defaults.fallbacks, "agents.defaults.model.fallbacks"),
        image=reader.one(defaults.image_primary, "agents.defaults.imageModel"),
        image_fallbacks=reader.many(
            defaults.image_fallbacks, "agents.defaults.imageModel.fallbacks"
        ),
        listed=tuple(dict.fromkeys(listed.values())),
        aliases=reader.aliases,
        is_configured=primary is not None,
        tuned=frozenset(key(ref) for name, ref in listed.items() if defaults.models[name].params),
        warnings=tuple(reader.warnings),
    )


class _Reader:
    """Reads references of the settings; what is none is passed over with a warning."""

    def __init__(self, provider: str, aliases: Mapping[str, str], listed: tuple[str, ...]) -> None:
        self.provider = provider
        self.aliases = aliases
        self.known = [name for name in listed if _is_reference(name)]
        self.warnings: list[str] = []

    def one(self, text: str | None, path: str) -> ModelRef | None:
        if not text:
            return None
        try:
            ref, warning = resolve(text, self.provider, self.aliases, self.known)
        except GenesisError as error:
            self.warnings.append(f"{error.message} at {path}: it is passed over.")
            return None
        if warning:
            self.warnings.append(warning)
        return ref

    def many(self, texts: Iterable[str], path: str) -> tuple[ModelRef, ...]:
        found = (self.one(text, path) for text in texts)
        return tuple(dict.fromkeys(ref for ref in found if ref is not None))


def _aliases(defaults: AgentDefaults) -> dict[str, str]:
    named = ((entry.alias or "", name) for name, entry in defaults.models.items())
    return {alias.strip(): name for alias, name in named if alias.strip()}


def _is_reference(text: str) -> bool:
    try:
        parse(text)
    except GenesisError:
        return False
    return True


def _built_in(
    settings: Settings, manifests: Mapping[str, Manifest], has_key: Callable[[str], bool]
) -> ModelRef | None:
    """A default without configuration: the first provider's own, else the first model of a configured provider."""
    offering = {name: one.default_model for name, one in manifests.items() if one.default_model}
    first = FIRST_PROVIDER if FIRST_PROVIDER in offering else next(iter(offering), None)
    own = next(
        (
            ModelRef(name.lower(), block.models[0].id)
            for name, block in settings.models.providers.items()
            if block.models
        ),
        None,
    )
    if first is not None and (own is None or has_key(first)):
        return ModelRef(first, offering[first])
    return own
