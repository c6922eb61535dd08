"""Settings and vendor rows become plans: which upstreams there are, where they came from, and what they need."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from typing_extensions import override

from kilo_gateway.catalog.source import Override
from kilo_gateway.config.schema import ModelSettings, Settings, UpstreamSettings
from kilo_gateway.config.secrets import resolve
from kilo_gateway.core.deployment import NO_SITE, Limits, Operation, Site
from kilo_gateway.core.money import Price, nanodollars_from_usd
from kilo_gateway.core.secret import Secret
from kilo_gateway.relay.view import Terms
from kilo_gateway.upstreams.pool import Timeouts
from kilo_gateway.upstreams.profiles import Auth, Profile, key_variable, profiles, url_of
from kilo_gateway.upstreams.signing import AwsKeys, GoogleAccount, aws_keys, is_aws_host
from kilo_gateway.upstreams.target import Target, parse_target

CUSTOM = "custom"
Origin = Literal["settings", "environment", "loopback", "built-in"]


class UpstreamPlan(msgspec.Struct, frozen=True):
    """Everything needed to open one upstream. Two equal plans are the same upstream: its connections are kept."""

    name: str
    profile: Profile
    target: Target
    key: Secret
    origin: Origin
    timeouts: Timeouts = Timeouts()
    headers: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] | None = None
    prefix: str = ""
    priority: int = 0
    weight: int = 1
    max_connections: int = 512
    aws: AwsKeys | None = None
    google: GoogleAccount | None = None
    site: Site = NO_SITE

    @override
    def __repr__(self) -> str:
        """Name and origin alone: headers may hold credentials."""
        return f"UpstreamPlan({self.name!r}, origin={self.origin!r})"


def configured_plans(
    settings: Settings, environ: Mapping[str, str], base: Path
) -> tuple[UpstreamPlan, ...]:
    """The upstreams that the settings name. Raises SecretError or ValueError for what `check` reports."""
    return tuple(
        _configured(upstream, environ, base) for upstream in settings.upstreams if upstream.enabled
    )


def _configured(upstream: UpstreamSettings, environ: Mapping[str, str], base: Path) -> UpstreamPlan:
    rows = profiles()
    vendor = upstream.vendor or (upstream.name if upstream.name in rows else CUSTOM)
    profile = rows[vendor]
    if upstream.dialect and upstream.dialect != profile.dialect:
        profile = _in_dialect(profile, upstream.dialect)
    if upstream.api_version:
        profile = msgspec.structs.replace(
            profile, query=profile.query | {"api-version": upstream.api_version}
        )
    ca_file = str(base / upstream.ca_file) if upstream.ca_file else None
    target = parse_target(
        upstream.name,
        upstream.base_url or url_of(profile, environ),
        ca_file=ca_file,
        proxy=_proxy(upstream, environ, base),
    )
    key = _key(upstream, profile, environ, base)
    return UpstreamPlan(
        name=upstream.name,
        profile=profile,
        target=target,
        key=key,
        aws=aws_keys(environ, target.host) if profile.auth == "aws" and not key else None,
        google=GoogleAccount(environ.get("GOOGLE_APPLICATION_CREDENTIALS", ""))
        if profile.auth == "google" and not key
        else None,
        origin="settings",
        timeouts=Timeouts(
            upstream.connect_timeout_s, upstream.first_byte_timeout_s, upstream.silence_timeout_s
        ),
        headers=tuple(
            (name, resolve(value, environ=environ, base=base).reveal())
            for name, value in upstream.headers.items()
        ),
        models=upstream.models,
        prefix=_prefix(upstream, profile, vendor),
        priority=upstream.priority,
        weight=upstream.weight,
        max_connections=upstream.max_connections,
        site=_site(upstream.name, profile, upstream),
    )


def _site(name: str, profile: Profile, upstream: UpstreamSettings | None = None) -> Site:
    """What clients may have wishes about: how it may be called, and what the operator tells of it."""
    vendor = () if profile.name == CUSTOM else (profile.name, *profile.aliases)
    own = True if "built_in" in profile.quirks else None
    return Site(
        names=frozenset((name.lower(), *vendor)),
        is_router="routes_providers" in profile.quirks,
        # What runs inside this program keeps nothing.
        collects_data=_COLLECTS[upstream.data_collection] if upstream else own and False,
        keeps_nothing=upstream.zdr if upstream else own,
        quantization=upstream.quantization.strip().lower() if upstream else "",
    )


_COLLECTS = {"allow": True, "deny": False, None: None}


# How servers of a dialect usually take the key, what they serve, and where they list their models.
_USUAL: Mapping[str, tuple[Auth, tuple[Operation, ...], str]] = {
    "openai_chat": ("bearer", ("chat", "completions", "embeddings"), "/models"),
    "bedrock": ("aws", ("chat",), "/models"),
    "bedrock_anthropic": ("aws", ("chat",), "/models"),
    "openai_responses": ("bearer", ("chat",), "/models"),
    "anthropic_messages": ("x-api-key", ("chat", "count_tokens"), "/models?limit=1000"),
    "gemini": (
        "x-goog-api-key",
        ("chat", "count_tokens", "embeddings"),
        "/models?pageSize=1000",
    ),
}


def _in_dialect(profile: Profile, dialect: str) -> Profile:
    """A vendor's row for a dialect that is not its first one: as its own if it has it, else as such servers usually are."""
    if dialect in profile.also:
        rest = {name: some for name, some in profile.also.items() if name != dialect}
        return msgspec.structs.replace(
            profile,
            dialect=dialect,
            operations=profile.also[dialect],
            also={profile.dialect: profile.operations} | rest,
        )
    auth, operations, models_path = _USUAL[dialect]
    return msgspec.structs.replace(
        profile,
        dialect=dialect,
        auth=auth if profile.name == CUSTOM else profile.auth,
        operations=operations,
        also={},
        only={},
        embeddings="",
        models_path=models_path if profile.name == CUSTOM else profile.models_path,
    )


def _prefix(upstream: UpstreamSettings, profile: Profile, vendor: str) -> str:
    """What clients see before an id. Models that the operator names for a custom upstream are named as clients ask."""
    if upstream.prefix is not None:
        return upstream.prefix
    if vendor == CUSTOM and upstream.models is not None:
        return ""
    return upstream.name if profile.prefix is None else profile.prefix


def _proxy(upstream: UpstreamSettings, environ: Mapping[str, str], base: Path) -> str | None:
    if not upstream.proxy:
        return upstream.proxy
    return resolve(upstream.proxy, environ=environ, base=base, is_header=False).reveal()


def _key(
    upstream: UpstreamSettings, profile: Profile, environ: Mapping[str, str], base: Path
) -> Secret:
    if upstream.api_key:
        return resolve(upstream.api_key, environ=environ, base=base)
    variable = key_variable(profile, environ)
    # A vendor's key goes to the vendor: not to another address that the settings name for it.
    if variable is None or not is_at_home(upstream.base_url, profile):
        return Secret("")
    return resolve(f"env:{variable}", environ=environ, base=base)


def is_at_home(base_url: str, profile: Profile) -> bool:
    """Whether a base URL of the settings ("" = the vendor's) is the vendor's own."""
    if not base_url or base_url == profile.base_url:
        return True
    return profile.auth == "aws" and is_aws_host(parse_target("", base_url).host)


def environment_plans(environ: Mapping[str, str], taken: frozenset[str]) -> Iterator[UpstreamPlan]:
    """Vendors whose usual key variable is set, but for those whose name is taken by the settings."""
    for name, profile in profiles().items():
        if name in taken or not profile.base_url or "{" in profile.base_url:
            continue
        variable = key_variable(profile, environ)
        if variable is not None:
            yield own_plan(
                profile, profile.base_url, Secret(environ[variable].strip()), "environment"
            )


def loopback_rows(taken: frozenset[str]) -> tuple[Profile, ...]:
    """Servers that usually listen on a loopback port of their own."""
    return tuple(
        profile
        for name, profile in profiles().items()
        if profile.loopback_port is not None and name not in taken
    )


def own_plan(profile: Profile, base_url: str, key: Secret, origin: Origin) -> UpstreamPlan:
    """The plan of an upstream that was found, not configured. Found ones come after configured ones."""
    return UpstreamPlan(
        name=profile.name,
        profile=profile,
        target=parse_target(profile.name, base_url),
        key=key,
        origin=origin,
        site=_site(profile.name, profile),
        prefix=profile.name if profile.prefix is None else profile.prefix,
    )


def overrides(settings: Settings) -> dict[str, Override]:
    """What the settings say about models, by the id that clients use (lower case)."""
    return {name.lower(): _override(model) for name, model in settings.models.items()}


def _override(model: ModelSettings) -> Override:
    return Override(
        name=model.name,
        limits=Limits(model.context_length, model.max_output),
        capabilities=None if model.capabilities is None else frozenset(model.capabilities),
        price=_price(model),
        policy=model.policy,
    )


def _price(model: ModelSettings) -> Price | None:
    price = Price(
        input=_quote(model.input_price),
        output=_quote(model.output_price),
        cache_read=_quote(model.cache_read_price),
        cache_write=_quote(model.cache_write_price),
        cache_write_1h=_quote(model.cache_write_1h_price),
        source="settings",
    )
    return None if price == Price(source="settings") else price


def _quote(dollars: float | None) -> int | None:
    return None if dollars is None else nanodollars_from_usd(dollars)


def aliases(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Further names for models, each as the models to try in order."""
    return {
        name: (models,) if isinstance(models, str) else models
        for name, models in settings.aliases.items()
    }


def terms(settings: Settings) -> Terms:
    """The limits under which calls run."""
    server, routing = settings.server, settings.routing
    return Terms(
        max_attempts=routing.max_attempts,
        retry_after_max_s=routing.retry_after_max_s,
        max_reply_bytes=server.max_reply_bytes,
        cost_in_body=server.cost_in_body,
        comment_interval_s=server.comment_interval_s,
    )
