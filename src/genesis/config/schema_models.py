"""Settings of providers and of the models that the user defines for them."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from genesis.config.section import Api, PositiveFloat, SecretSetting, Section


class CostSettings(Section, frozen=True):
    """US dollars per million tokens."""

    input: Annotated[PositiveFloat, Meta(description="Tokens that are sent.")] = 0.0
    output: Annotated[PositiveFloat, Meta(description="Tokens that are answered.")] = 0.0
    cache_read: Annotated[PositiveFloat, Meta(description="Tokens read from the cache.")] = 0.0
    cache_write: Annotated[PositiveFloat, Meta(description="Tokens written to the cache.")] = 0.0


class ModelDefinition(Section, frozen=True):
    """A model that the user defines, or corrects. What is not given comes from discovery."""

    id: Annotated[
        str,
        Meta(
            description="The id as the provider wants it, without the provider's prefix.",
            min_length=1,
        ),
    ]
    name: Annotated[str, Meta(description="The name that people read.")]
    api: Annotated[
        Api | UnsetType, Meta(description="The wire format, if it differs from the provider's.")
    ] = UNSET
    reasoning: Annotated[bool | UnsetType, Meta(description="Can the model think?")] = UNSET
    input: Annotated[
        tuple[Literal["text", "image", "document", "audio", "video"], ...] | UnsetType,
        Meta(description="What it reads."),
    ] = UNSET
    cost: Annotated[
        CostSettings | UnsetType, Meta(description="Prices in US dollars per million tokens.")
    ] = UNSET
    context_window: Annotated[float | UnsetType, Meta(description="Its context in tokens.")] = UNSET
    context_tokens: Annotated[
        float | UnsetType, Meta(description="Use at most this many of them.")
    ] = UNSET
    max_tokens: Annotated[float | UnsetType, Meta(description="The longest answer in tokens.")] = (
        UNSET
    )
    headers: Annotated[dict[str, str], Meta(description="Headers for its requests.")] = {}
    params: Annotated[dict[str, Any], Meta(description="Parameters for its requests.")] = {}
    compat: Annotated[
        dict[str, Any], Meta(description="Kept as written; Genesis does not use it.")
    ] = {}


class ProviderSettings(Section, frozen=True):
    """How one provider is reached, and the models that the user defines for it."""

    base_url: Annotated[
        str,
        Meta(
            description="Where its API is, for example `https://api.kilo.ai/api/gateway/`.",
            min_length=1,
        ),
    ]
    models: Annotated[
        tuple[ModelDefinition, ...],
        Meta(description="Models defined by hand, beside the discovered ones."),
    ]
    api_key: Annotated[
        SecretSetting | None,
        Meta(
            description="The key: `${VAR}`, a variable's name, or a secret reference; `genesis onboard` keeps it out of this file."
        ),
    ] = None
    auth: Annotated[
        Literal["api-key", "token", "oauth"] | None,
        Meta(description="`api-key` makes `apiKey` win over stored profiles and the environment."),
    ] = None
    api: Annotated[Api | None, Meta(description="The wire format.")] = None
    headers: Annotated[dict[str, str], Meta(description="Headers for every request.")] = {}
    auth_header: Annotated[
        bool | None, Meta(description="Send the key as `Authorization: Bearer`.")
    ] = None
    request: Annotated[
        dict[str, Any], Meta(description="Kept as written; Genesis does not use it.")
    ] = {}


class Models(Section, frozen=True):
    """Providers and their models."""

    mode: Annotated[
        Literal["merge", "replace"],
        Meta(
            description="`merge` keeps what `models.json` knows of other providers, `replace` forgets it."
        ),
    ] = "merge"
    providers: Annotated[dict[str, ProviderSettings], Meta(description="Providers by id.")] = {}
