"""Vendors as rows: what is known of each one before anybody configures it (read from profiles.toml)."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.dialects.embeddings.forms import FormName

# aws: a bearer key if one is given, else every request is signed; google: the same, else a token that is renewed
Auth = Literal["bearer", "api-key", "x-api-key", "x-goog-api-key", "aws", "google", "none"]

# no_include_usage   the server refuses `stream_options`, or tells the usage of a stream unasked
# azure_deployments  the model is part of the path and an api-version is part of the query
# no_models_list     there is no list of models to ask for; shipped facts or the settings name them
# ids_have_vendor    ids with a "/" already begin with the vendor that made the model
# routes_providers   a router itself: it takes `provider` preferences
# short_tool_ids     tool-call ids of nine characters; unknown members are refused (Mistral)
# reasoning_content_back   thoughts of a tool loop go back as `reasoning_content`
# thinking_object    `thinking: {"type": ...}` switches thinking on and off
# max_completion_tokens    the limit of output has OpenAI's newer name for every model
# four_stops         more than four stop sequences are refused
# no_sampling        temperature and its like are refused
# free               tokens cost nothing here
# built_in           served by this program itself; it has no URL to configure
Quirk = Literal[
    "no_include_usage",
    "azure_deployments",
    "no_models_list",
    "ids_have_vendor",
    "routes_providers",
    "short_tool_ids",
    "reasoning_content_back",
    "thinking_object",
    "max_completion_tokens",
    "four_stops",
    "no_sampling",
    "free",
    "built_in",
]

# Keys of our own kind: a client's variable (KILOCODE_API_KEY) may hold one, and it must never leave this machine.
_REGION, _REGIONS = "{region}", ("AWS_REGION", "AWS_DEFAULT_REGION")
_OUR_KEYS = ("kg_live_", "kg_test_", "kg_")


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One vendor's row.

    `base_url` is "" where it must be given; `{region}` in it stands for AWS' region (`url_of`). `auth` is the header that takes the key ("bearer" = Authorization). `env` are the usual variables of the key, the first one
    that is set wins. Clients name its models `prefix/id`: None means the upstream's name, "" the id as it is. `id_strip` is cut
    from the front of an id in our name only. `models_path` may carry a query. `price_provider` is the vendor's id in
    genai-prices ("" = no known prices). `paths` override the usual path of an operation; `{model}` stands for the
    model's id, and `../` at the front takes a segment from the end of the base URL's path. `embeddings` is the form in which
    embeddings are asked for ("" = the dialect's own), `most_inputs` how many texts one such request may hold. `headers` go
    out with every call, `models_headers` with the list, `forward_headers` (lower case) are passed on from the client.
    `aliases` are further names of the vendor in clients' wishes. `only` names by globs, lower case, the models that are asked in one of
    its dialects alone. `note` is a sentence for the operator.
    """

    title: str
    base_url: str
    name: str = ""
    dialect: str = "openai_chat"
    auth: Auth = "bearer"
    env: tuple[str, ...] = ()
    prefix: str | None = None
    aliases: tuple[str, ...] = ()
    id_strip: str = ""
    loopback_port: int | None = None
    operations: tuple[Operation, ...] = ("chat",)
    also: dict[str, tuple[Operation, ...]] = {}
    only: dict[str, tuple[str, ...]] = {}
    models_path: str = "/models"
    price_provider: str = ""
    quirks: frozenset[Quirk] = frozenset()
    headers: dict[str, str] = {}
    models_headers: dict[str, str] = {}
    forward_headers: tuple[str, ...] = ()
    query: dict[str, str] = {}
    paths: dict[Operation, str] = {}
    embeddings: FormName | Literal[""] = ""
    most_inputs: Annotated[int, msgspec.Meta(ge=1)] | None = None
    note: str = ""


@cache
def profiles() -> Mapping[str, Profile]:
    """All rows by name, in the order of the file."""
    text = files("kilo_gateway.upstreams").joinpath("profiles.toml").read_bytes()
    rows = msgspec.toml.decode(text, type=dict[str, Profile])
    return MappingProxyType(
        {name: msgspec.structs.replace(row, name=name) for name, row in rows.items()}
    )


def key_variable(profile: Profile, environ: Mapping[str, str]) -> str | None:
    """Name of the first usual variable that holds a key for this vendor, or None.

    A key of this gateway's own kind does not count: clients keep it in the same variable, and sending it to the
    vendor would give it away.
    """
    for variable in profile.env:
        value = environ.get(variable, "").strip()
        if value and not value.startswith(_OUR_KEYS):
            return variable
    return None


def url_of(profile: Profile, environ: Mapping[str, str]) -> str:
    """The vendor's base URL; "" where it must be given. A region in it is that of the environment."""
    if _REGION not in profile.base_url:
        return profile.base_url
    region = region_of(environ)
    return profile.base_url.replace(_REGION, region) if region else ""


def region_of(environ: Mapping[str, str]) -> str:
    """AWS' region by the environment, "" if it names none."""
    return next(
        (value for name in _REGIONS if (value := environ.get(name, "").strip())),
        "",
    )


def call_path(profile: Profile, operation: Operation, usual: str, upstream_model: str) -> str:
    """Path below the base URL, with query, for one operation: `/chat/completions`; `usual` is the dialect's."""
    path = profile.paths.get(operation, usual)
    if "{model}" in path:
        path = path.replace("{model}", quote(upstream_model, safe=""))
    if not profile.query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(profile.query)}"


def below(base: str, path: str) -> str:
    """A path below another one, or beside it: each `../` at the front takes a segment from the end of `base`."""
    while path.startswith("../"):
        base, path = base.rpartition("/")[0], path[3:]
    return f"{base}/{path.removeprefix('/')}"


def auth_headers(auth: Auth, key: str) -> dict[str, str]:
    """The header that carries `key` (text of the credential), or none at all."""
    if auth == "none" or not key:
        return {}
    if auth in {"bearer", "aws", "google"}:
        return {"authorization": f"Bearer {key}"}
    return {auth: key}
