"""`genesis onboard`: a provider, its key, settings that work; by questions, or by options alone (genesis.md 5)."""

import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from genesis import __version__
from genesis.auth.profiles import Profiles
from genesis.catalog.onboarding import (
    GatewayWishes,
    apply_gateway,
    apply_provider_and_default,
    apply_rest,
    apply_workspace,
)
from genesis.commands import onboard_options as option
from genesis.commands import onboard_questions as questions
from genesis.commands.onboard_key import Chosen, Places, another_key, choose_key
from genesis.commands.onboard_options import (
    DEVICE,
    FIRST_PROVIDER,
    SKIP,
    Wishes,
    checked,
    choice_of,
    given_key,
)
from genesis.commands.onboard_reset import reset as take_away
from genesis.commands.onboard_reset import takes_keys
from genesis.config.load import Loaded, edit, load
from genesis.config.paths import Paths
from genesis.config.schema import Settings
from genesis.core.fault import GenesisError
from genesis.core.hosts import is_local_url
from genesis.core.text import printable
from genesis.providers.provider import AuthChoice, Manifest
from genesis.providers.registry import Registry

if TYPE_CHECKING:
    from genesis.auth.gateway_check import Verdict


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("onboard")(onboard)


def onboard(  # typer reads the options from these arguments
    auth_choice: option.AuthChoiceOption = None,
    kilocode_api_key: option.KiloKey = None,
    anthropic_api_key: option.AnthropicKey = None,
    openai_api_key: option.OtherKey = None,
    token_provider: option.TokenProvider = None,
    token: option.Token = None,
    input_mode: option.InputMode = "plaintext",
    base_url: option.BaseUrl = None,
    non_interactive: option.NonInteractive = False,
    accept_risk: option.AcceptRisk = False,
    flow: option.Flow = None,
    reset: option.Reset = False,
    reset_scope: option.ResetScope = None,
    workspace: option.Workspace = None,
    mode: option.Mode = None,
    gateway_port: option.Port = None,
    gateway_bind: option.Bind = None,
    gateway_auth: option.GatewayAuth = None,
    gateway_token: option.GatewayToken = None,
    gateway_password: option.GatewayPassword = None,
    install_daemon: option.InstallDaemon = False,
    skip_daemon: option.SkipDaemon = False,
    skip_health: option.SkipHealth = False,
    json: option.Json = False,
    _skip_channels: option.SkipChannels = False,
    _skip_skills: option.SkipSkills = False,
    _skip_bootstrap: option.SkipBootstrap = False,
    _skip_search: option.SkipSearch = False,
    _skip_ui: option.SkipUi = False,
) -> None:
    """Set Genesis up: choose a provider, give its key, get settings that work."""
    gateway = GatewayWishes(
        mode, gateway_port, gateway_bind, gateway_auth, gateway_token, gateway_password
    )
    run(
        Wishes(
            choice=auth_choice,
            key=given_key(kilocode_api_key),
            anthropic_key=given_key(anthropic_api_key),
            other_key=bool(openai_api_key),
            token_provider=token_provider,
            token=given_key(token),
            base_url=base_url,
            input_mode=input_mode,
            is_interactive=not non_interactive,
            knows_risk=accept_risk,
            flow=flow,
            resets=reset,
            reset_scope=reset_scope,
            workspace=workspace,
            gateway=gateway,
            installs_daemon=install_daemon and not skip_daemon,
            checks=not skip_health,
            prints_json=json,
        )
    )


@dataclass(frozen=True)
class _Setup:
    """What is there before anything is changed."""

    paths: Paths
    loaded: Loaded
    offers: tuple[Manifest, ...]
    manifest: Manifest

    @property
    def choice(self) -> AuthChoice:
        """How the key of the provider is given."""
        return choice_of(self.manifest)

    def of(self, provider: str) -> "_Setup":
        """The same for another provider."""
        return replace(self, manifest=next(one for one in self.offers if one.id == provider))

    def settings(self, wishes: Wishes) -> Settings:
        """The settings that stay."""
        return Settings() if wishes.resets else self.loaded.settings

    def base_url(self, wishes: Wishes) -> str:
        """Where the gateway is: as asked for, as the settings say, as published."""
        block = self.settings(wishes).models.providers.get(self.manifest.id)
        known = block.base_url if block is not None else self.manifest.base_url
        return f"{(wishes.base_url or known).rstrip('/')}/"

    def places(self, wishes: Wishes) -> Places:
        """Where the key can be."""
        forgets = wishes.resets and takes_keys(wishes.reset_scope or "")
        stored = {} if forgets else Profiles(self.paths.auth_profiles).load()
        show = _show_aside if wishes.prints_json else questions.show_code
        base_url = self.base_url(wishes)
        return Places(self.manifest, self.choice, self.loaded.environ, stored, base_url, show)


def run(wishes: Wishes) -> None:
    """Everything, in an order in which a refusal leaves nothing changed: ask, try the key, then write."""
    setup = _setup()
    wishes = checked(wishes, setup.offers)
    if setup.loaded.issues and not wishes.resets:
        raise GenesisError("Config invalid. Run `genesis doctor` to repair it, then re-run setup.")
    if wishes.is_interactive:
        wishes = _asked(setup, wishes)
    setup = setup.of(wishes.provider)
    _check_password(setup, wishes)
    chosen, verdict = _key(setup, wishes)
    told = _write(setup, wishes, chosen)
    if wishes.installs_daemon:
        # Late: most runs install nothing.
        from genesis.commands.onboard_daemon import install_daemon

        told += install_daemon(setup.paths, waits=wishes.checks)
    _tell(setup, wishes, verdict, told)


def _setup() -> _Setup:
    paths = Paths.of(os.environ)
    loaded = load(paths, os.environ, folder=Path.cwd())
    plugins = loaded.settings.plugins
    manifests = Registry(allow=plugins.allow, deny=plugins.deny).manifests
    if FIRST_PROVIDER not in manifests:
        raise GenesisError(
            'The provider "kilocode" is switched off. Take it out of plugins.deny, then re-run setup.'
        )
    first = manifests[FIRST_PROVIDER]
    others = (one for one in manifests.values() if one.auth_choice is not None and one is not first)
    return _Setup(paths, loaded, (first, *others), first)


def _asked(setup: _Setup, wishes: Wishes) -> Wishes:
    """The wishes with what the person answers; what the command line says is not asked."""
    if not wishes.knows_risk:
        questions.confirm_risk()
    flow = wishes.flow
    if flow is None:
        ways = ("Quick start", "Advanced: also choose the workspace and the daemon's port")
        flow = ("quickstart", "advanced")[questions.choose("How do you want to set up?", ways)]
    if not wishes.resets and setup.loaded.raw:
        shown = setup.paths.shown(setup.paths.config_path)
        ways = (
            "Keep them, and change what is asked here",
            "Begin anew (they stay as a backup)",
        )
        anew = questions.choose(f"There are settings in {shown}.", ways) == 1
        wishes = replace(wishes, resets=anew)
    if flow != "quickstart":
        wishes = _asked_more(setup, wishes)
    if wishes.choice == SKIP:
        return wishes
    if wishes.choice is None:
        wishes = _asked_choice(setup, wishes)
    is_of_gateway = wishes.wants_key and wishes.provider == FIRST_PROVIDER
    if is_of_gateway and wishes.base_url is None and _runs_here(setup, wishes):
        from genesis.auth.gateway_check import LOCAL_BASE, LOCAL_GATEWAY

        if questions.yes(f"A gateway runs on this machine ({LOCAL_GATEWAY}). Use it?"):
            wishes = replace(wishes, base_url=LOCAL_BASE)
    return wishes


def _runs_here(setup: _Setup, wishes: Wishes) -> bool:
    from genesis.auth.gateway_check import LOCAL_BASE, find_gateway

    return setup.base_url(wishes) != LOCAL_BASE and find_gateway()


def _asked_choice(setup: _Setup, wishes: Wishes) -> Wishes:
    """With the way in that the person chooses: the gateway's two, then the other plug-ins'."""
    first, *others = setup.offers
    ways = [
        (choice_of(first).id, _way(first)),
        (DEVICE, "Kilo Gateway, log in with a web page and a code - for a gateway that offers it"),
        *((choice_of(one).id, _way(one)) for one in others),
        (SKIP, "Skip for now"),
    ]
    number = questions.choose("Which models, and how do you get in?", [text for _, text in ways])
    return checked(replace(wishes, choice=ways[number][0]), setup.offers)


def _way(manifest: Manifest) -> str:
    choice = choice_of(manifest)
    return printable(f"{choice.label} - {choice.hint}" if choice.hint else choice.label)


def _asked_more(setup: _Setup, wishes: Wishes) -> Wishes:
    settings, paths = setup.settings(wishes), setup.paths
    if wishes.workspace is None:
        known = settings.agents.defaults.workspace or paths.shown(paths.workspace_default)
        wishes = replace(wishes, workspace=questions.ask("Workspace", known))
    while wishes.gateway.port is None:
        word = questions.ask("Port of the daemon", str(settings.gateway.port))
        if word.isdecimal() and 1 <= int(word) <= 65535:
            wishes = replace(wishes, gateway=replace(wishes.gateway, port=int(word)))
        else:
            questions.say("Type a number from 1 to 65535.")
    return wishes


def _check_password(setup: _Setup, wishes: Wishes) -> None:
    known = setup.settings(wishes).gateway.auth.password
    if wishes.gateway.auth == "password" and not wishes.gateway.password and known is None:
        raise GenesisError("--gateway-auth password needs --gateway-password.")


def _key(setup: _Setup, wishes: Wishes) -> "tuple[Chosen | None, Verdict | None]":
    """The key, tried against the gateway. Raises GenesisError if it is refused."""
    if not wishes.wants_key:
        return None, None
    places = setup.places(wishes)
    chosen = choose_key(wishes, places)
    if not wishes.checks:
        return chosen, None
    from genesis.auth.gateway_check import check_key

    while True:
        model, api = setup.manifest.default_model, setup.manifest.api
        verdict = check_key(places.base_url, chosen.key, model, api=api)
        if verdict.kind != "refused":
            return chosen, verdict
        if not chosen.is_typed:
            raise GenesisError(f"{verdict.text} {questions.NOTHING_CHANGED}")
        questions.say(verdict.text)
        if not questions.yes("Give another key?"):
            raise GenesisError(f"The key was refused. {questions.NOTHING_CHANGED}")
        chosen = another_key(places)


def _write(setup: _Setup, wishes: Wishes, chosen: Chosen | None) -> list[str]:
    paths, now = setup.paths, datetime.now(UTC)
    told = take_away(paths, wishes.reset_scope or "config", now) if wishes.resets else []
    words = "genesis onboard" + ("" if wishes.is_interactive else " --non-interactive")

    def change(raw: dict[str, Any]) -> None:
        if chosen is not None or wishes.base_url:
            apply_provider_and_default(raw, setup.manifest, wishes.base_url)
        defaults = raw.get("agents", {}).get("defaults", {})
        if wishes.workspace or not defaults.get("workspace"):
            apply_workspace(raw, wishes.workspace or paths.shown(paths.workspace_default))
        apply_gateway(raw, wishes.gateway, setup.loaded.environ)
        at = now.isoformat(timespec="seconds")
        mode = raw["gateway"]["mode"]
        apply_rest(raw, at=at, version=__version__, command=words, mode=mode)

    edit(paths, change)
    if chosen is not None and chosen.profile is not None:
        Profiles(paths.auth_profiles).put(setup.choice.profile, chosen.profile)
    return told


def _tell(setup: _Setup, wishes: Wishes, verdict: "Verdict | None", told: list[str]) -> None:
    paths = setup.paths
    settings = load(paths, os.environ).settings
    if wishes.prints_json:
        sys.stdout.write(_summary(wishes, settings, verdict) + "\n")
        return
    base_url = setup.base_url(wishes)
    if base_url.startswith("http://") and not is_local_url(base_url):
        told = [*told, f"Warning: {base_url} is not encrypted: your key is sent as it is."]
    for line in ([verdict.text] if verdict is not None else []) + told:
        questions.say(line)
    questions.say(f"Updated {paths.shown(paths.config_path)}")
    primary = settings.agents.defaults.primary
    if primary and wishes.wants_key:
        questions.say(f"Default model: {primary} ({setup.manifest.label})")
    if wishes.is_interactive:
        questions.say("Talk to it: genesis chat")


def _summary(wishes: Wishes, settings: Settings, verdict: "Verdict | None") -> str:
    gateway = settings.gateway
    summary = {
        "ok": True,
        "mode": gateway.mode,
        "workspace": settings.agents.defaults.workspace,
        "authChoice": wishes.choice,
        "defaultModel": settings.agents.defaults.primary,
        "keyCheck": None if verdict is None else {"result": verdict.kind, "text": verdict.text},
        "gateway": {
            "port": gateway.port,
            "bind": gateway.bind,
            "authMode": gateway.auth.mode,
            "tailscaleMode": gateway.tailscale.mode,
        },
        "installDaemon": wishes.installs_daemon,
    }
    return msgspec.json.encode(summary).decode()


def _show_aside(page: str, code: str) -> None:
    """With --json, standard output is for the summary alone."""
    text = f"Open {page} and confirm this code: {code}"
    sys.stderr.write(f"{printable(text)}\n")
