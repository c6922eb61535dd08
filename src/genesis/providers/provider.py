"""Manifest and the Provider protocol: the whole contract between Genesis and a provider plug-in.

A plug-in is a package with a `manifest.toml` beside its `__init__.py`, named by an entry point of the group
`genesis.providers`; the entry point's value is a callable without arguments that gives a Provider. The manifest is
read without importing the package. docs/genesis/plugins.md has a whole one.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec
from typing_extensions import override

from genesis.core.events import StreamEvent
from genesis.core.message import Message
from genesis.core.model import Model
from genesis.core.secret import Secret

Warn = Callable[[str], None]


class AuthChoice(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """How a key is given at onboarding: `--auth-choice id`, or its own flag."""

    id: str
    label: str
    hint: str
    flag: str  # "kilocode-api-key", without dashes in front
    prompt: str
    profile: str  # "kilocode:default"
    alias: str = ""  # of the default model


class Manifest(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What is known of a provider before its code runs. `env` are the variables of its key, the first set one wins.

    `is_cooldown_exempt`: its failures never bench it (the gateway does its own limiting). `takes_any_model`: an id that
    no catalog lists is sent all the same. `models` are the static fallback.
    """

    id: str
    label: str
    base_url: str
    api: Literal["openai-completions", "anthropic-messages"]
    env: tuple[str, ...] = ()
    default_model: str = ""
    auth_choice: AuthChoice | None = None
    is_cooldown_exempt: bool = False
    takes_any_model: bool = True
    wants_key: bool = True
    models: tuple[Model, ...] = ()


class Endpoint(msgspec.Struct, frozen=True):
    """Where one provider is reached: as configured, or as its manifest says. `headers` are the settings' own.

    `provider` is its id: one plug-in may serve several. `environ` is the environment in force (the process's with what
    `.env` files and the settings add to it); empty: the process's own.
    """

    base_url: str
    key: Secret | None = None
    headers: Mapping[str, str] = {}
    provider: str = ""
    environ: Mapping[str, str] = {}

    @override
    def __repr__(self) -> str:
        """Without headers and variables, which may hold keys."""
        return f"Endpoint({self.base_url!r}, provider={self.provider!r})"


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool as a model sees it; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class ChatRequest(msgspec.Struct, frozen=True):
    """One request for an answer. `thinking` is a level ("off", "low", …) or None; `params` the settings' own for the
    model (`extra_body`, `max_tokens`, `temperature`, `tool_choice`)."""

    model: Model
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    thinking: str | None = None
    params: Mapping[str, Any] = {}


class Provider(Protocol):
    """A provider's code.

    It may also have `keep_connections()`, which a program that asks often calls once, and then `async aclose()`.
    """

    async def discover(self, endpoint: Endpoint, *, timeout_s: float, warn: Warn) -> list[Model]:
        """The models that it offers now; its static ones, with a warning, whenever they cannot be had. Never raises."""
        ...

    def stream(self, endpoint: Endpoint, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """One answer as it comes; the last event is a StreamEnd. Raises ProviderError. Closing it ends the request."""
        ...
