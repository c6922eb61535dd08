"""What an upstream lists, and what the operator says about it: the raw material of the catalog."""

import msgspec

from kilo_gateway.core.deployment import NO_SITE, Limits, Operation, Site
from kilo_gateway.core.money import Price


class Listed(msgspec.Struct, frozen=True):
    """One model as its upstream lists it. None (or empty) means that the upstream did not say.

    `created` is seconds since the epoch, `context` and `max_output` are tokens, `expires` is "yyyy-mm-dd".
    `parameters` are names of request fields, in OpenRouter's words.
    """

    id: str
    name: str | None = None
    created: int | None = None
    context: int | None = None
    max_output: int | None = None
    capabilities: frozenset[str] | None = None
    price: Price | None = None
    operations: tuple[Operation, ...] | None = None
    description: str | None = None
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    expires: str | None = None
    tokenizer: str | None = None
    is_moderated: bool | None = None


class Source(msgspec.Struct, frozen=True):
    """One upstream with its models, and what its vendor's row says, as plain values.

    Clients name its models `prefix/id`, after `strip` is cut from the front of the id; "" adds no prefix. With
    `ids_have_vendor`, an id that holds a "/" is taken as it is. `vendor` finds facts, `price_provider` finds prices.
    `operations` are those of its `dialect`, `also` names further dialects with theirs, `only` those dialects that alone some
    models are asked in, with globs of their ids in lower case. `is_self_hosted` says that limits of a public model of the same name do not hold here. `is_free` prices it at 0. `site` is what clients may have
    wishes about.
    """

    upstream: str
    listed: tuple[Listed, ...]
    dialect: str = "openai_chat"
    prefix: str = ""
    strip: str = ""
    ids_have_vendor: bool = False
    operations: tuple[Operation, ...] = ("chat",)
    also: tuple[tuple[str, tuple[Operation, ...]], ...] = ()
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()
    vendor: str = ""
    price_provider: str = ""
    is_self_hosted: bool = False
    is_free: bool = False
    priority: int = 0
    weight: int = 1
    site: Site = NO_SITE


class Override(msgspec.Struct, frozen=True):
    """What the operator's settings say about a model; None leaves what is known. A price replaces the whole price.

    `policy` names the order among its deployments, None that of all models.
    """

    name: str | None = None
    description: str | None = None
    limits: Limits = Limits()
    capabilities: frozenset[str] | None = None
    price: Price | None = None
    policy: str | None = None
