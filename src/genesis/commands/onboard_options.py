"""The options of `genesis onboard`, and what they mean together: Wishes, checked before anything is asked or written."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated
from urllib.parse import urlsplit

import typer

from genesis.auth.texts import clean_paste, normalise
from genesis.catalog.onboarding import GatewayWishes
from genesis.core.fault import GenesisError
from genesis.core.refs import normal_provider
from genesis.core.secret import Secret
from genesis.providers.provider import AuthChoice, Manifest

FIRST_PROVIDER = "kilocode"
DEVICE = "kilocode-device"
SKIP = "skip"
API_PATH = "api/gateway"
NO_EFFECT = "Accepted for other programs' scripts; has no effect here."
RISK = (
    "Non-interactive setup requires explicit risk acknowledgement.\n"
    "Genesis reads and changes files and runs commands for you. Re-run with --accept-risk if that is what you want."
)

Text = str | None
AuthChoiceOption = Annotated[
    Text,
    typer.Option(
        "--auth-choice",
        help="kilocode-api-key, kilocode-device, anthropic-api-key, another plug-in's, apiKey or skip.",
    ),
]
KiloKey = Annotated[Text, typer.Option("--kilocode-api-key", help="Kilo Gateway API key")]
AnthropicKey = Annotated[Text, typer.Option("--anthropic-api-key", help="Anthropic API key")]
OtherKey = Annotated[Text, typer.Option("--openai-api-key", hidden=True)]
TokenProvider = Annotated[
    Text,
    typer.Option(
        "--token-provider", help="With --auth-choice apiKey: the provider, such as kilocode."
    ),
]
Token = Annotated[
    Text, typer.Option("--token", help="With --auth-choice apiKey, or that of a plug-in: the key.")
]
InputMode = Annotated[
    str,
    typer.Option(
        "--secret-input-mode", help="plaintext: store the key; ref: store its variable's name."
    ),
]
BaseUrl = Annotated[
    Text, typer.Option("--base-url", help="A gateway of your own, such as http://127.0.0.1:4000.")
]
NonInteractive = Annotated[bool, typer.Option("--non-interactive", help="Ask nothing.")]
AcceptRisk = Annotated[
    bool,
    typer.Option("--accept-risk", help="I know that an agent runs commands and changes files."),
]
Flow = Annotated[
    Text,
    typer.Option("--flow", help="quickstart; advanced or manual also ask about the daemon."),
]
Reset = Annotated[
    bool, typer.Option("--reset", help="Begin anew; the old settings stay as a backup.")
]
ResetScope = Annotated[
    Text,
    typer.Option(
        "--reset-scope",
        help="What --reset takes: config (default), config+creds+sessions, full (the workspace too).",
    ),
]
Workspace = Annotated[Text, typer.Option("--workspace", help="The folder where the agent works.")]
Mode = Annotated[
    Text, typer.Option("--mode", help="local (default) or remote: where the daemon is.")
]
Port = Annotated[
    int | None, typer.Option("--gateway-port", help="The daemon's port.", min=1, max=65535)
]
Bind = Annotated[Text, typer.Option("--gateway-bind", help="loopback (default), lan or custom.")]
GatewayAuth = Annotated[
    Text, typer.Option("--gateway-auth", help="token (default) or password: what clients show.")
]
GatewayToken = Annotated[
    Text, typer.Option("--gateway-token", help="The daemon's token (default: a random one).")
]
GatewayPassword = Annotated[Text, typer.Option("--gateway-password", help="The daemon's password.")]
InstallDaemon = Annotated[
    bool,
    typer.Option(
        "--install-daemon/--no-install-daemon", help="Install and start the daemon's service."
    ),
]
SkipDaemon = Annotated[bool, typer.Option("--skip-daemon", help="The same as --no-install-daemon.")]
SkipHealth = Annotated[
    bool,
    typer.Option("--skip-health", help="Neither try the key, nor wait for the daemon."),
]
Json = Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")]
SkipChannels = Annotated[bool, typer.Option("--skip-channels", help=NO_EFFECT)]
SkipSkills = Annotated[bool, typer.Option("--skip-skills", help=NO_EFFECT)]
SkipBootstrap = Annotated[bool, typer.Option("--skip-bootstrap", help=NO_EFFECT)]
SkipSearch = Annotated[bool, typer.Option("--skip-search", help=NO_EFFECT)]
SkipUi = Annotated[bool, typer.Option("--skip-ui", help=NO_EFFECT)]

# option -> the words that it takes
CHOICES = {
    "--secret-input-mode": ("plaintext", "ref"),
    "--mode": ("local", "remote"),
    "--flow": ("quickstart", "advanced", "manual"),
    "--reset-scope": ("config", "config+creds+sessions", "full"),
    "--gateway-auth": ("token", "password"),
    "--gateway-bind": ("loopback", "lan", "custom"),
}


@dataclass(frozen=True)
class Wishes:
    """What the command line says. `choice` None: nothing of a key was said. `key` is that of `provider`, once it is known."""

    choice: str | None = None
    provider: str = FIRST_PROVIDER
    key: Secret | None = None
    anthropic_key: Secret | None = None
    other_key: bool = False
    token_provider: str | None = None
    token: Secret | None = None
    base_url: str | None = None
    input_mode: str = "plaintext"
    is_interactive: bool = True
    knows_risk: bool = False
    flow: str | None = None
    resets: bool = False
    reset_scope: str | None = None
    workspace: str | None = None
    gateway: GatewayWishes = field(default_factory=GatewayWishes)
    installs_daemon: bool = False
    checks: bool = True
    prints_json: bool = False

    @property
    def is_ref(self) -> bool:
        """Is the variable's name to be stored instead of the key?"""
        return self.input_mode == "ref"

    @property
    def wants_key(self) -> bool:
        """Is a provider to be set up?"""
        return self.choice not in {None, SKIP}


def given_key(text: str | None) -> Secret | None:
    """A key of the command line: cleaned as a pasted one; None if nothing is left of it."""
    key = normalise(clean_paste(text or ""))
    return Secret(key) if key else None


def choice_of(manifest: Manifest) -> AuthChoice:
    """How its key is given at onboarding. Of the manifests of `offered` alone."""
    if manifest.auth_choice is None:
        raise GenesisError(f'The provider "{manifest.id}" has no set-up. See its documentation.')
    return manifest.auth_choice


def flag_of(manifest: Manifest) -> str:
    """The option that takes its key: its own where this program has it, else the general one."""
    has_own = manifest.id in {FIRST_PROVIDER, "anthropic"}
    return f"--{choice_of(manifest).flag}" if has_own else "--token"


def checked(wishes: Wishes, offers: Sequence[Manifest]) -> Wishes:
    """The wishes in their plain form. Raises GenesisError for what does not fit together."""
    _check_words(wishes)
    if not wishes.is_interactive and not wishes.knows_risk:
        raise GenesisError(RISK)
    wishes = _with_choice(wishes, offers)
    if wishes.base_url:
        path = next((path_of(one) for one in offers if one.id == wishes.provider), API_PATH)
        wishes = replace(wishes, base_url=gateway_base(wishes.base_url, path))
    return wishes


def path_of(manifest: Manifest) -> str:
    """The path of the provider's API, for addresses that have none."""
    return urlsplit(manifest.base_url).path.strip("/")


def gateway_base(text: str, api_path: str = API_PATH) -> str:
    """A gateway's base URL as the provider wants it: `http://127.0.0.1:4000` gets the gateway's own path.

    Raises GenesisError for what is no such URL.
    """
    url = text.strip()
    if not url.startswith(("http://", "https://")):
        raise GenesisError(
            "--base-url must begin with http:// or https://, such as http://127.0.0.1:4000."
        )
    parts = urlsplit(url) if _is_usable(url) else None
    if parts is None:
        raise GenesisError(
            "--base-url names no host and port that can be used; write it like http://127.0.0.1:4000."
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise GenesisError(
            "--base-url takes an address alone: no user name, no password, no ? and no #. "
            "The key goes into --kilocode-api-key."
        )
    path = parts.path.strip("/") or api_path
    return f"{parts.scheme}://{parts.netloc}/{path}".rstrip("/") + "/"


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return False
    return bool(parts.hostname) and not any(char.isspace() for char in url)


def _check_words(wishes: Wishes) -> None:
    said = {
        "--secret-input-mode": wishes.input_mode,
        "--mode": wishes.gateway.mode,
        "--flow": wishes.flow,
        "--reset-scope": wishes.reset_scope,
        "--gateway-auth": wishes.gateway.auth,
        "--gateway-bind": wishes.gateway.bind,
    }
    for flag, value in said.items():
        if value is not None and value not in CHOICES[flag]:
            raise GenesisError(f"Invalid {flag}. Use {_listed(CHOICES[flag])}.")
    if wishes.reset_scope and not wishes.resets:
        raise GenesisError("--reset-scope says what --reset takes: add --reset, or leave it out.")


def _with_choice(wishes: Wishes, offers: Sequence[Manifest]) -> Wishes:
    said = wishes.choice
    if said is None:
        return _inferred(wishes, offers)
    if said in {DEVICE, SKIP}:
        return wishes
    if said == "apiKey":
        return _of_token_provider(wishes, offers)
    for one in offers:
        if said == choice_of(one).id:
            return _chosen(wishes, one)
    known = ", ".join(choice_of(one).id for one in offers)
    raise GenesisError(f'Unknown --auth-choice "{said}". Use {known}, {DEVICE}, apiKey or {SKIP}.')


def _inferred(wishes: Wishes, offers: Sequence[Manifest]) -> Wishes:
    """What one flag alone means."""
    if sum(map(bool, (wishes.key, wishes.anthropic_key, wishes.other_key))) > 1:
        raise GenesisError("Multiple API key flags were provided for non-interactive setup.")
    if wishes.other_key:
        raise GenesisError(
            "Onboarding has no provider for --openai-api-key. "
            "Add another provider to models.providers of the settings."
        )
    if wishes.key or wishes.anthropic_key:
        wanted = FIRST_PROVIDER if wishes.key else "anthropic"
        return _chosen(wishes, _offer(wanted, offers))
    return wishes if wishes.token is None else _of_token_provider(wishes, offers)


def _of_token_provider(wishes: Wishes, offers: Sequence[Manifest]) -> Wishes:
    wanted = normal_provider(wishes.token_provider or "")
    if wanted not in {one.id for one in offers}:
        known = " or ".join(one.id for one in offers)
        raise GenesisError(f"--auth-choice apiKey needs --token-provider {known}.")
    found = _chosen(wishes, _offer(wanted, offers))
    return replace(found, key=wishes.token or found.key)


def _offer(provider: str, offers: Sequence[Manifest]) -> Manifest:
    for one in offers:
        if one.id == provider:
            return one
    raise GenesisError(
        f'The provider "{provider}" is switched off. Take it out of plugins.deny, then re-run setup.'
    )


def _chosen(wishes: Wishes, manifest: Manifest) -> Wishes:
    own = {FIRST_PROVIDER: wishes.key, "anthropic": wishes.anthropic_key}.get(manifest.id)
    return replace(
        wishes,
        choice=choice_of(manifest).id,
        provider=manifest.id,
        key=own or wishes.token,
    )


def _listed(words: tuple[str, ...]) -> str:
    quoted = [f'"{one}"' for one in words]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
