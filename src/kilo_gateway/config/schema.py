"""Every setting: its type, limits, default and one sentence, from which file errors and docs are made."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from typing_extensions import override

from kilo_gateway.config.schema_routing import PolicyName, RoutingSettings
from kilo_gateway.config.schema_rules import RuleSettings

# Marks texts that may hold a credential: never shown in a problem, and readable as "env:NAME" or "file:PATH".
SECRET = {"secret": True}

UPSTREAM_NAME = r"^[a-z0-9][a-z0-9._-]*$"
UPSTREAM_NAME_SHAPE = 'lower-case letters, digits, ".", "_" and "-", a letter or digit first'

DialectName = Literal[
    "",
    "openai_chat",
    "openai_responses",
    "anthropic_messages",
    "gemini",
    "bedrock",
    "bedrock_anthropic",
]

# Strong all-round models at a middling price before dear ones, and small ones last.
AUTO_PREFERENCE = (
    "anthropic/claude-sonnet-*",
    "openai/gpt-5*",
    "google/gemini-*-pro*",
    "deepseek/deepseek-*",
    "mistral*/mistral-medium*",
    "x-ai/grok-*",
    "qwen/qwen*",
    "google/gemini-*",
    "anthropic/claude-haiku-*",
    "*/claude-*",
    "*/gpt-*",
)


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address that clients connect to, and the limits for what they send."""

    host: Annotated[
        str, Meta(description="Address to listen on; keys are required on every address.")
    ] = "127.0.0.1"
    port: Annotated[
        int, Meta(description="TCP port to listen on; 0 takes any free one.", ge=0, le=65535)
    ] = 4000
    max_body_bytes: Annotated[
        int, Meta(description="Largest request body, in bytes.", ge=1024, le=1 << 31)
    ] = 33_554_432
    max_reply_bytes: Annotated[
        int, Meta(description="Largest whole (not streamed) reply, in bytes.", ge=1024, le=1 << 31)
    ] = 67_108_864
    max_header_bytes: Annotated[
        int, Meta(description="Largest request head, in bytes.", ge=1024, le=1 << 24)
    ] = 65_536
    client_timeout_s: Annotated[
        float,
        Meta(
            description="How long a client may take to send its request or to accept bytes, in "
            "seconds.",
            gt=0,
            le=86_400,
        ),
    ] = 60.0
    keep_alive_s: Annotated[
        float,
        Meta(
            description="How long an idle client connection stays open, in seconds.",
            gt=0,
            le=86_400,
        ),
    ] = 75.0
    comment_interval_s: Annotated[
        float,
        Meta(
            description="Silence in a stream after which a keep-alive comment is sent, in seconds; "
            "0 sends none.",
            ge=0,
            le=86_400,
        ),
    ] = 15.0
    drain_s: Annotated[
        float,
        Meta(
            description="How long running calls may go on after a stop was asked for, in seconds.",
            ge=0,
            le=86_400,
        ),
    ] = 600.0
    cors_origins: Annotated[
        tuple[str, ...],
        Meta(
            description='Web origins whose pages may call the gateway; "*" is any, an empty list '
            "none.",
            max_length=1000,
        ),
    ] = ("*",)
    cost_in_body: Annotated[
        bool, Meta(description="Whether replies carry what the call cost as `usage.cost`.")
    ] = True


class StateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the gateway keeps what it must remember."""

    home: Annotated[
        str,
        Meta(
            description="Directory of the database and the spool; empty is $KILO_GATEWAY_HOME, else "
            "~/.kilo-gateway."
        ),
    ] = ""
    database: Annotated[
        str,
        Meta(
            description='Database URL, or "env:NAME", or "file:PATH"; empty is an SQLite file in '
            "the home.",
            extra=SECRET,
        ),
    ] = ""

    @override
    def __repr__(self) -> str:
        """The home alone: a database URL may hold a password."""
        return f"StateSettings(home={self.home!r})"


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One upstream: an account at a vendor, or a server of your own."""

    name: Annotated[
        str,
        Meta(
            description="Name of the upstream, unique in the file; `name/model` is one deployment.",
            pattern=UPSTREAM_NAME,
            max_length=64,
            extra={"shape": UPSTREAM_NAME_SHAPE},
        ),
    ]
    vendor: Annotated[
        str,
        Meta(
            description="Row of the vendor table that fills in what is left out; empty is the row "
            "called like the upstream, if there is one."
        ),
    ] = ""
    dialect: Annotated[
        DialectName,
        Meta(description="Wire format that the upstream speaks; empty is the vendor's."),
    ] = ""
    base_url: Annotated[
        str,
        Meta(
            description="URL to which the paths of the API are added, such as "
            "https://api.openai.com/v1; empty is the vendor's."
        ),
    ] = ""
    api_key: Annotated[
        str,
        Meta(
            description='Credential: "env:NAME", "file:PATH" (relative to this file) or the text; '
            "empty is the vendor's environment variable.",
            extra=SECRET,
        ),
    ] = ""
    models: Annotated[
        tuple[str, ...] | None,
        Meta(description="Model ids as the upstream calls them; left out, it is asked for them."),
    ] = None
    priority: Annotated[
        int,
        Meta(description="Upstreams of a lower number are tried first.", ge=-1000, le=1000),
    ] = 0
    weight: Annotated[
        int,
        Meta(
            description="Share of the calls among upstreams of equal priority.", ge=1, le=1_000_000
        ),
    ] = 1
    max_connections: Annotated[
        int,
        Meta(description="Most connections open to it at a time.", ge=1, le=65_535),
    ] = 512
    connect_timeout_s: Annotated[
        float, Meta(description="Longest wait for a connection, in seconds.", gt=0, le=3600)
    ] = 10.0
    first_byte_timeout_s: Annotated[
        float,
        Meta(description="Longest wait for the head of a reply, in seconds.", gt=0, le=86_400),
    ] = 600.0
    silence_timeout_s: Annotated[
        float,
        Meta(description="Longest silence inside a reply, in seconds.", gt=0, le=86_400),
    ] = 120.0
    ca_file: Annotated[
        str,
        Meta(
            description="PEM file of authorities to trust beside the system's, relative to this "
            "file."
        ),
    ] = ""
    proxy: Annotated[
        str | None,
        Meta(
            description="Proxy URL; left out, HTTPS_PROXY and NO_PROXY decide; empty text uses none.",
            extra=SECRET,
        ),
    ] = None
    headers: Annotated[
        dict[str, Annotated[str, Meta(extra=SECRET)]],
        Meta(
            description='Headers added to every request; a value may be "env:NAME" or "file:PATH".'
        ),
    ] = {}
    api_version: Annotated[
        str, Meta(description="API version that Azure wants in the query; empty sends none.")
    ] = ""
    enabled: Annotated[bool, Meta(description="Whether the upstream is used at all.")] = True
    prefix: Annotated[
        str | None,
        Meta(
            description="Clients see its models as `prefix/id`; left out is the vendor's prefix "
            "(else the upstream's name), empty text adds none."
        ),
    ] = None
    data_collection: Annotated[
        Literal["allow", "deny"] | None,
        Meta(description="Whether it may keep prompts or train on them; left out is unknown."),
    ] = None
    zdr: Annotated[
        bool | None, Meta(description="Whether it keeps no data at all; left out is unknown.")
    ] = None
    quantization: Annotated[
        str, Meta(description='Precision of its models, such as "fp8".', max_length=32)
    ] = ""

    @override
    def __repr__(self) -> str:
        """Name and vendor alone: the other fields may hold credentials."""
        return f"UpstreamSettings(name={self.name!r}, vendor={self.vendor!r})"


_Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]
_Tokens = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facts and prices of one model that override the catalog's; what is left out stays."""

    name: Annotated[str | None, Meta(description="Name to show to people.")] = None
    context_length: Annotated[
        _Tokens | None, Meta(description="Most tokens of input and output together.")
    ] = None
    max_output: Annotated[_Tokens | None, Meta(description="Most tokens of output.")] = None
    input_price: Annotated[
        _Dollars | None, Meta(description="US dollars per million tokens of input.")
    ] = None
    output_price: Annotated[
        _Dollars | None, Meta(description="US dollars per million tokens of output.")
    ] = None
    cache_read_price: Annotated[
        _Dollars | None,
        Meta(description="US dollars per million tokens of input read from the prompt cache."),
    ] = None
    cache_write_price: Annotated[
        _Dollars | None,
        Meta(description="US dollars per million tokens of input written to the prompt cache."),
    ] = None
    cache_write_1h_price: Annotated[
        _Dollars | None,
        Meta(description="The same for what is kept for an hour; Claude: twice the input price."),
    ] = None
    capabilities: Annotated[
        tuple[str, ...] | None,
        Meta(description='What the model can do, such as "tools", "vision", "reasoning".'),
    ] = None
    policy: Annotated[
        PolicyName | None,
        Meta(description="Order among its deployments; left out is that of [routing]."),
    ] = None


class AutoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `kilo/auto` chooses."""

    preference: Annotated[
        tuple[str, ...],
        Meta(
            description="Model ids or globs, best first; other models come after them, the built-in "
            "local model last.",
            max_length=1000,
        ),
    ] = AUTO_PREFERENCE


class LocalModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The small built-in model (needs the `local` extra)."""

    enabled: Annotated[
        bool | None,
        Meta(description="Whether it runs; left out, it does under `up` and not under `serve`."),
    ] = None
    threads: Annotated[
        int, Meta(description="Threads it may use; 0 chooses by the machine.", ge=0, le=1024)
    ] = 0
    context: Annotated[
        int, Meta(description="Its context window, in tokens.", ge=256, le=131_072)
    ] = 4096


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The built-in simulator `sim/*`, which answers with set delays and faults."""

    enabled: Annotated[
        bool | None,
        Meta(description="Whether it runs; left out, it does under `up` and not under `serve`."),
    ] = None


class TelemetrySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gateway tells about its work."""

    log_format: Annotated[
        Literal["console", "json"], Meta(description="Form of the log lines on standard error.")
    ] = "console"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least severe kind of log line that is written."),
    ] = "info"
    call_log: Annotated[
        bool, Meta(description="Whether one line is logged for each call (never its content).")
    ] = True
    metrics: Annotated[
        bool, Meta(description="Whether `/metrics` is served in Prometheus' format.")
    ] = True


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration file."""

    server: Annotated[ServerSettings, Meta(description="The address that clients connect to.")] = (
        ServerSettings()
    )
    state: Annotated[
        StateSettings, Meta(description="Where the gateway keeps what it must remember.")
    ] = StateSettings()
    upstreams: Annotated[
        tuple[UpstreamSettings, ...],
        Meta(description="Accounts and servers that answer calls, one [[upstreams]] each."),
    ] = ()
    models: Annotated[
        dict[str, ModelSettings],
        Meta(description="Facts and prices of models, by the id that clients use."),
    ] = {}
    aliases: Annotated[
        dict[str, str | Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)]],
        Meta(description="Further names for models: a model id, or several to try in order."),
    ] = {}
    auto: Annotated[AutoSettings, Meta(description="How `kilo/auto` chooses.")] = AutoSettings()
    routing: Annotated[
        RoutingSettings, Meta(description="Who is asked first, further attempts, the breaker.")
    ] = RoutingSettings()
    local_model: Annotated[LocalModelSettings, Meta(description="The small built-in model.")] = (
        LocalModelSettings()
    )
    simulator: Annotated[SimulatorSettings, Meta(description="The built-in simulator `sim/*`.")] = (
        SimulatorSettings()
    )
    telemetry: Annotated[TelemetrySettings, Meta(description="Logs and metrics.")] = (
        TelemetrySettings()
    )
    rules: Annotated[
        RuleSettings, Meta(description="Repair rules: what is mended in requests.")
    ] = RuleSettings()


def schema_json() -> bytes:
    """The JSON Schema (2020-12) of the configuration file, indented, for editors and for the docs."""
    schema = msgspec.json.schema(Settings)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Kilo Gateway configuration",
        **schema,
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"
