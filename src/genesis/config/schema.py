"""Settings: every setting with its type, its default and its meaning; the wire names are camelCase.

A field's meaning is the text of its `msgspec.Meta(description=…)`: documentation and the JSON Schema are made of it.
`validate.py` reads a file into these structs; nothing else does, because texts that may be secret become `Secret` there.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from genesis.config.schema_models import Models
from genesis.config.section import (
    GATEWAY_PORT,
    PositiveFloat,
    PositiveInt,
    SecretSetting,
    Section,
    Thinking,
)
from genesis.core.secret import Secret


class ShellEnv(Section, frozen=True):
    """Import of keys from the login shell."""

    enabled: Annotated[
        bool, Meta(description="Import missing keys from the login shell at start.")
    ] = False
    timeout_ms: Annotated[
        PositiveInt | None,
        Meta(
            description="How long the login shell may take, in milliseconds (GENESIS_SHELL_ENV_TIMEOUT_MS, else 15000)."
        ),
    ] = None


class Env(Section, frozen=True):
    """Variables that the settings add to the environment. Every other key of the block is a variable as well."""

    shell_env: Annotated[ShellEnv, Meta(description="Import of keys from the login shell.")] = (
        ShellEnv()
    )
    vars: Annotated[
        dict[str, Secret],
        Meta(
            description="Variables for Genesis where the environment has none; `env.<NAME>` does the same and wins."
        ),
    ] = {}


class ModelChoice(Section, frozen=True):
    """Which model answers, and which ones stand in for it."""

    primary: Annotated[
        str | None, Meta(description="The model that answers, as `provider/model` or an alias.")
    ] = None
    fallbacks: Annotated[
        tuple[str, ...], Meta(description="Models to try in this order when the primary fails.")
    ] = ()


class ModelEntry(Section, frozen=True):
    """What the user says about one model reference."""

    alias: Annotated[str | None, Meta(description="Another name for the model.")] = None
    params: Annotated[
        dict[str, Any],
        Meta(
            description="For its requests: `temperature`, `maxTokens`, `thinking`, `toolChoice`, `extraBody`."
        ),
    ] = {}


class AgentDefaults(Section, frozen=True):
    """The agent, unless a command or a session says otherwise."""

    model: Annotated[
        str | ModelChoice | None,
        Meta(description="The default model: a reference, or `{primary, fallbacks}`."),
    ] = None
    image_model: Annotated[
        str | ModelChoice | None,
        Meta(
            description="Who answers a turn with pictures, in the same forms, where the chosen model takes none."
        ),
    ] = None
    models: Annotated[
        dict[str, ModelEntry],
        Meta(
            description="Models by reference: their aliases and request parameters; also what `/model` allows: see Choosing models."
        ),
    ] = {}
    workspace: Annotated[
        str | None,
        Meta(description="The folder where the agent works (`~/.genesis/workspace`)."),
    ] = None
    thinking_default: Annotated[
        Thinking | None,
        Meta(
            description="How much a model thinks; without it `medium` for models that reason, else `off`."
        ),
    ] = None
    context_tokens: Annotated[
        PositiveInt | None,
        Meta(description="Use at most this many tokens of any model's context; 0: all of it."),
    ] = None
    timeout_seconds: Annotated[
        PositiveInt, Meta(description="How long one turn may take, in seconds; 0: no limit.")
    ] = 600
    params: Annotated[dict[str, Any], Meta(description="Request parameters for every model.")] = {}

    @property
    def primary(self) -> str | None:
        """The default model, in whichever form it is written."""
        return _primary(self.model)

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """The models that stand in for it."""
        return _fallbacks(self.model)

    @property
    def image_primary(self) -> str | None:
        """The model for pictures."""
        return _primary(self.image_model)

    @property
    def image_fallbacks(self) -> tuple[str, ...]:
        """The models that stand in for that one."""
        return _fallbacks(self.image_model)


class Agents(Section, frozen=True):
    """Agents."""

    defaults: Annotated[AgentDefaults, Meta(description="How the agent works.")] = AgentDefaults()


class AuthProfile(Section, frozen=True):
    """A stored key that this configuration knows of; the key itself is in `auth-profiles.json`."""

    provider: Annotated[str, Meta(description="Whose key it is.", min_length=1)]
    mode: Annotated[Literal["api_key", "token", "oauth"], Meta(description="What kind of key.")]
    email: Annotated[str | None, Meta(description="The account, if it is known.")] = None


class Cooldowns(Section, frozen=True):
    """How long a key rests after failures. The Kilo Gateway's keys never rest: it does its own limiting."""

    billing_backoff_hours: Annotated[
        PositiveFloat, Meta(description="First rest after a billing error.")
    ] = 5.0
    billing_backoff_hours_by_provider: Annotated[
        dict[str, PositiveFloat], Meta(description="The same, for single providers.")
    ] = {}
    billing_max_hours: Annotated[
        PositiveFloat, Meta(description="Longest rest after billing errors.")
    ] = 24.0
    auth_permanent_backoff_minutes: Annotated[
        PositiveFloat, Meta(description="First rest of a revoked key.")
    ] = 10.0
    auth_permanent_max_minutes: Annotated[
        PositiveFloat, Meta(description="Longest rest of a revoked key.")
    ] = 60.0
    failure_window_hours: Annotated[
        PositiveFloat, Meta(description="Failures older than this are forgotten.")
    ] = 24.0
    overloaded_profile_rotations: Annotated[
        PositiveInt, Meta(description="Other keys to try when a provider is overloaded.")
    ] = 1
    overloaded_backoff_ms: Annotated[
        PositiveInt, Meta(description="Wait before that, in milliseconds.")
    ] = 0
    rate_limited_profile_rotations: Annotated[
        PositiveInt, Meta(description="Other keys to try after a rate limit.")
    ] = 1


class Auth(Section, frozen=True):
    """Stored keys: which there are, which come first, how they rest."""

    profiles: Annotated[
        dict[str, AuthProfile],
        Meta(description="Keys by profile id, for example `kilocode:default`."),
    ] = {}
    order: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="Profile ids of a provider in the order to try; an empty list uses none."),
    ] = {}
    cooldowns: Annotated[Cooldowns, Meta(description="Rests of keys after failures.")] = Cooldowns()


class PluginEntry(Section, frozen=True):
    """One plug-in."""

    enabled: Annotated[bool, Meta(description="Use the plug-in.")] = True
    config: Annotated[
        dict[str, Any], Meta(description="Kept as written; plug-ins are not given it.")
    ] = {}


class Plugins(Section, frozen=True):
    """Which provider plug-ins are used."""

    allow: Annotated[
        tuple[str, ...] | None,
        Meta(description="Use only these third-party plug-ins; built-in ones stay."),
    ] = None
    deny: Annotated[
        tuple[str, ...], Meta(description="Never use these, not even built-in ones.")
    ] = ()
    entries: Annotated[
        dict[str, PluginEntry], Meta(description="Settings of single plug-ins.")
    ] = {}


class GatewayAuth(Section, frozen=True):
    """Who may talk to the daemon."""

    mode: Annotated[
        Literal["token", "password", "none"], Meta(description="`none` is refused beyond loopback.")
    ] = "token"
    token: Annotated[SecretSetting | None, Meta(description="The token that clients send.")] = None
    password: Annotated[
        SecretSetting | None, Meta(description="The password, in mode `password`.")
    ] = None


class Tailscale(Section, frozen=True):
    """Kept as written; Genesis itself does not set up Tailscale."""

    mode: Annotated[
        Literal["off", "serve", "funnel"], Meta(description="Only `off` has a meaning here.")
    ] = "off"
    reset_on_exit: Annotated[bool, Meta(description="Kept as written.")] = False


class GatewayRemote(Section, frozen=True):
    """A daemon on another machine, for mode `remote`."""

    url: Annotated[str | None, Meta(description="Its address, for example `ws://host:18789`.")] = (
        None
    )
    token: Annotated[SecretSetting | None, Meta(description="Its token.")] = None


class Gateway(Section, frozen=True):
    """The daemon that holds sessions (`genesis gateway`)."""

    mode: Annotated[
        Literal["local", "remote"] | None,
        Meta(
            description="`local` lets the daemon start on this machine; `remote`: use the one at `remote.url`."
        ),
    ] = None
    port: Annotated[int, Meta(description="Its port.", ge=1, le=65535)] = GATEWAY_PORT
    bind: Annotated[
        Literal["loopback", "lan", "custom"],
        Meta(description="`loopback`, every interface (`lan`), or `customBindHost`."),
    ] = "loopback"
    custom_bind_host: Annotated[
        str | None, Meta(description="The address to listen on when `bind` is `custom`.")
    ] = None
    auth: Annotated[GatewayAuth, Meta(description="Who may talk to it.")] = GatewayAuth()
    tailscale: Annotated[Tailscale, Meta(description="Kept as written.")] = Tailscale()
    remote: Annotated[GatewayRemote, Meta(description="A daemon elsewhere.")] = GatewayRemote()


class Session(Section, frozen=True):
    """Conversations."""

    dm_scope: Annotated[
        Literal["main", "per-peer", "per-channel-peer", "per-account-channel-peer"],
        Meta(description="Written by onboarding for other programs; a terminal has one peer."),
    ] = "per-channel-peer"


class Tools(Section, frozen=True):
    """What the agent may do by itself."""

    profile: Annotated[
        Literal["minimal", "coding", "full"],
        Meta(description="`coding` and `full` offer all tools, `minimal` only those that read."),
    ] = "coding"
    approval: Annotated[
        Literal["ask", "allow-list", "read-only"],
        Meta(
            description="`ask` before anything that changes, run what `tools.allow` lists, or never change anything."
        ),
    ] = "ask"
    allow: Annotated[
        tuple[str, ...],
        Meta(
            description="What runs without asking: a tool's name, or `exec:<start of a command>`."
        ),
    ] = ()
    exec_timeout_seconds: Annotated[
        PositiveInt, Meta(description="How long a command may run.")
    ] = 120


class Wizard(Section, frozen=True):
    """What onboarding notes about its last run."""

    last_run_at: Annotated[str | None, Meta(description="When.")] = None
    last_run_version: Annotated[str | None, Meta(description="Which version of Genesis.")] = None
    last_run_command: Annotated[str | None, Meta(description="Which command.")] = None
    last_run_mode: Annotated[str | None, Meta(description="`local` or `remote`.")] = None


class Screen(Section, frozen=True):
    """What the terminal shows."""

    color: Annotated[
        Literal["auto", "always", "never"],
        Meta(description="Colours; `auto` uses them on a terminal unless NO_COLOR is set."),
    ] = "auto"
    thinking: Annotated[
        Literal["folded", "shown", "hidden"], Meta(description="How thinking appears.")
    ] = "folded"
    code_theme: Annotated[
        str,
        Meta(
            description="The colours of code: `auto` follows the terminal, or a name of Pygments."
        ),
    ] = "auto"
    editing_mode: Annotated[Literal["emacs", "vi"], Meta(description="Keys of the prompt.")] = (
        "emacs"
    )


class Settings(Section, frozen=True):
    """The whole file."""

    schema: Annotated[
        str | None,
        Meta(description="Where an editor finds the JSON Schema; Genesis does not read it."),
    ] = msgspec.field(name="$schema", default=None)
    env: Annotated[Env, Meta(description="Variables, and the login shell.")] = Env()
    agents: Annotated[Agents, Meta(description="The agent and its models.")] = Agents()
    models: Annotated[Models, Meta(description="Providers.")] = Models()
    auth: Annotated[Auth, Meta(description="Stored keys.")] = Auth()
    plugins: Annotated[Plugins, Meta(description="Plug-ins.")] = Plugins()
    gateway: Annotated[Gateway, Meta(description="The daemon.")] = Gateway()
    session: Annotated[Session, Meta(description="Conversations.")] = Session()
    tools: Annotated[Tools, Meta(description="What the agent may do.")] = Tools()
    wizard: Annotated[Wizard, Meta(description="Notes of onboarding.")] = Wizard()
    screen: Annotated[Screen, Meta(description="The terminal.")] = Screen()


def _primary(model: str | ModelChoice | None) -> str | None:
    text = model.primary if isinstance(model, ModelChoice) else model
    return (text or "").strip() or None


def _fallbacks(model: str | ModelChoice | None) -> tuple[str, ...]:
    return model.fallbacks if isinstance(model, ModelChoice) else ()
