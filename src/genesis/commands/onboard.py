"""`genesis onboard`: a provider, its key, the first settings; by questions, or by options alone (genesis.md 5)."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from genesis import __version__
from genesis.auth.profiles import Profile, Profiles
from genesis.auth.texts import clean_paste, normalise
from genesis.catalog.onboarding import (
    GatewayWishes,
    apply_gateway,
    apply_provider_and_default,
    apply_rest,
    apply_workspace,
)
from genesis.commands import onboard_questions
from genesis.config.load import Loaded, edit, load
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.providers.provider import AuthChoice, Manifest
from genesis.providers.registry import Registry

NO_EFFECT = "Accepted for other programs' scripts; without effect here."
RISK = (
    "Non-interactive setup requires explicit risk acknowledgement.\n"
    "An agent runs commands and changes files. Read what that means, then add --accept-risk."
)
Text = str | None


def _quiet(name: str) -> Any:
    return typer.Option(name, help=NO_EFFECT)


@dataclass(frozen=True)
class Wishes:
    """What the command line says."""

    choice: str | None
    key: str | None
    base_url: str | None
    is_ref: bool
    is_interactive: bool
    checks: bool
    workspace: str | None
    gateway: GatewayWishes
    mode: str
    installs_daemon: bool
    prints_json: bool


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("onboard")(onboard)


def onboard(  # typer reads options from arguments
    auth_choice: Annotated[
        Text,
        typer.Option("--auth-choice", help="kilocode-api-key, kilocode-device, apiKey or skip."),
    ] = None,
    kilocode_api_key: Annotated[
        Text, typer.Option("--kilocode-api-key", help="Kilo Gateway API key")
    ] = None,
    openai_api_key: Annotated[Text, typer.Option("--openai-api-key", hidden=True)] = None,
    token_provider: Annotated[
        Text,
        typer.Option("--token-provider", help="With --auth-choice apiKey: whose key --token is."),
    ] = None,
    token: Annotated[
        Text, typer.Option("--token", help="With --auth-choice apiKey: the key.")
    ] = None,
    input_mode: Annotated[
        str,
        typer.Option(
            "--secret-input-mode", help="plaintext: store the key; ref: store its variable's name."
        ),
    ] = "plaintext",
    base_url: Annotated[
        Text,
        typer.Option("--base-url", help="A gateway of your own, such as http://127.0.0.1:4000."),
    ] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing.")
    ] = False,
    accept_risk: Annotated[
        bool,
        typer.Option("--accept-risk", help="I know that an agent runs commands and changes files."),
    ] = False,
    workspace: Annotated[
        Text, typer.Option("--workspace", help="The folder where the agent works.")
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", help="local or remote: where the daemon is.")
    ] = "local",
    gateway_port: Annotated[
        int | None, typer.Option("--gateway-port", help="The daemon's port.", min=1, max=65535)
    ] = None,
    gateway_bind: Annotated[
        Text, typer.Option("--gateway-bind", help="loopback, lan or custom.")
    ] = None,
    gateway_auth: Annotated[
        Text, typer.Option("--gateway-auth", help="token, password or none.")
    ] = None,
    gateway_token: Annotated[
        Text, typer.Option("--gateway-token", help="The daemon's token (default: a random one).")
    ] = None,
    gateway_password: Annotated[
        Text, typer.Option("--gateway-password", help="The daemon's password.")
    ] = None,
    reset: Annotated[
        bool,
        typer.Option(
            "--reset", help="Begin with empty settings; the old ones are kept as a backup."
        ),
    ] = False,
    skip_health: Annotated[
        bool, typer.Option("--skip-health", help="Do not try the key against the gateway.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    _flow: Annotated[Text, _quiet("--flow")] = None,
    _reset_scope: Annotated[Text, _quiet("--reset-scope")] = None,
    _install_daemon: Annotated[
        bool,
        typer.Option(
            "--install-daemon/--no-install-daemon", help="Tell how to install the daemon."
        ),
    ] = False,
    _skip_daemon: Annotated[bool, _quiet("--skip-daemon")] = False,
    _skip_channels: Annotated[bool, _quiet("--skip-channels")] = False,
    _skip_skills: Annotated[bool, _quiet("--skip-skills")] = False,
    _skip_bootstrap: Annotated[bool, _quiet("--skip-bootstrap")] = False,
    _skip_search: Annotated[bool, _quiet("--skip-search")] = False,
    _skip_ui: Annotated[bool, _quiet("--skip-ui")] = False,
) -> None:
    """Set Genesis up: choose a provider, give its key, get settings that work."""
    _one_of("--secret-input-mode", input_mode, ("plaintext", "ref"))
    _one_of("--mode", mode, ("local", "remote"))
    if gateway_auth is not None:
        _one_of("--gateway-auth", gateway_auth, ("token", "password", "none"))
    if kilocode_api_key and openai_api_key and not auth_choice:
        raise GenesisError("Multiple API key flags were provided for non-interactive setup.")
    key = kilocode_api_key
    if auth_choice == "apiKey" and (token_provider or "").strip().lower() == "kilocode":
        auth_choice, key = "kilocode-api-key", token or key
    if auth_choice is None and kilocode_api_key:
        auth_choice = "kilocode-api-key"
    if non_interactive and not accept_risk:
        raise GenesisError(RISK)
    wishes = Wishes(
        choice=auth_choice,
        key=key,
        base_url=gateway_base(base_url) if base_url else None,
        is_ref=input_mode == "ref",
        is_interactive=not non_interactive,
        checks=not skip_health,
        workspace=workspace,
        gateway=GatewayWishes(
            gateway_port, gateway_bind, gateway_auth, gateway_token, gateway_password
        ),
        mode=mode,
        installs_daemon=_install_daemon,
        prints_json=json,
    )
    _run(wishes, resets=reset, knows_risk=accept_risk)


def gateway_base(text: str) -> str:
    """A gateway's base URL as the provider wants it: `http://127.0.0.1:4000` gets the gateway's own path.

    Raises GenesisError for what is no http(s) URL.
    """
    url = text.strip()
    if not url.startswith(("http://", "https://")):
        raise GenesisError(f'--base-url must begin with http:// or https://, not "{url}".')
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not host:
        raise GenesisError(f'--base-url names no host: "{url}".')
    return (
        f"{scheme}://{host}/{path.strip('/') or 'api/gateway'}/"
        if not slash or not path.strip("/")
        else f"{url.rstrip('/')}/"
    )


def _run(wishes: Wishes, *, resets: bool, knows_risk: bool) -> None:
    paths = Paths.of(os.environ)
    loaded = load(paths, os.environ, folder=Path.cwd())
    if loaded.issues and not resets:
        raise GenesisError("Config invalid. Run `genesis doctor` to repair it, then re-run setup.")
    manifest = _kilocode(loaded)
    if wishes.is_interactive:
        onboard_questions.confirm_risk(known=knows_risk)
        wishes = _with(wishes, onboard_questions.ask_place(wishes.base_url, wishes.choice))
    secret = _secret(wishes, manifest, loaded, Profiles(paths.auth_profiles))
    verdict = ""
    if wishes.checks and secret is not None:
        base = wishes.base_url or _configured_base(loaded) or manifest.base_url
        verdict = onboard_questions.check_key(
            base, secret, is_strict=wishes.is_interactive or wishes.base_url is not None
        )
    _write(paths, wishes, manifest, resets=resets)
    _tell(paths, wishes, manifest, verdict)


def _with(wishes: Wishes, changes: Mapping[str, Any]) -> Wishes:
    """The wishes with what the questions gave."""
    return Wishes(
        **{name: getattr(wishes, name) for name in Wishes.__dataclass_fields__} | dict(changes)
    )


def _kilocode(loaded: Loaded) -> Manifest:
    plugins = loaded.settings.plugins
    manifest = Registry(deny=plugins.deny).manifest("kilocode")
    if manifest is None or manifest.auth_choice is None:
        raise GenesisError(
            'The provider "kilocode" is switched off (plugins.deny). Allow it, then re-run setup.'
        )
    return manifest


def _secret(wishes: Wishes, manifest: Manifest, loaded: Loaded, store: Profiles) -> Secret | None:
    """Store the key, from wherever it is; gives it for the check, None where there is nothing to check."""
    choice = manifest.auth_choice
    if (
        choice is None
        or wishes.choice == "skip"
        or (wishes.choice is None and not wishes.is_interactive)
    ):
        return None
    if wishes.choice not in {None, choice.id, "kilocode-device"}:
        raise GenesisError(
            f'Unknown --auth-choice "{wishes.choice}". Use {choice.id}, kilocode-device, apiKey or skip.'
        )
    variable = manifest.env[0]
    in_environ = normalise(loaded.environ.get(variable, ""))
    if wishes.is_ref:
        return _reference(wishes, store, choice, variable, in_environ)
    given = normalise(clean_paste(wishes.key)) if wishes.key else ""
    known = _stored(store, manifest.id, loaded.environ)
    if wishes.choice == "kilocode-device":
        given = onboard_questions.device_login(
            wishes.base_url or _configured_base(loaded) or manifest.base_url
        )
    elif wishes.is_interactive and not given:
        given = onboard_questions.ask_key(
            choice.prompt, variable, in_environ, has_stored=known is not None
        )
    key = given or ("" if wishes.is_interactive else in_environ)
    if key:
        store.put(choice.profile, Profile("api_key", manifest.id, Secret(key)))
        return Secret(key)
    if known is None:
        raise GenesisError(
            f"Missing --{choice.flag} (or {variable} in env, or existing kilocode API-key profile)."
        )
    return known


def _reference(
    wishes: Wishes, store: Profiles, choice: AuthChoice, variable: str, in_environ: str
) -> Secret:
    if not in_environ:
        if wishes.key:
            raise GenesisError(
                f"--{choice.flag} cannot be used with --secret-input-mode ref unless {variable} is set in env.\n"
                f"Export {variable} and run the command again, or use --secret-input-mode plaintext."
            )
        raise GenesisError(
            f"--secret-input-mode ref needs {variable} in the environment. Export it and run the command again."
        )
    store.put(choice.profile, Profile("api_key", "kilocode", key_env=variable))
    return Secret(in_environ)


def _stored(store: Profiles, provider: str, environ: Mapping[str, str]) -> Secret | None:
    for profile in store.load().values():
        if profile.provider == provider and profile.type == "api_key":
            found = profile.found_in(environ)
            if found is not None:
                return found
    return None


def _configured_base(loaded: Loaded) -> str | None:
    block = loaded.settings.models.providers.get("kilocode")
    return block.base_url if block is not None else None


def _write(paths: Paths, wishes: Wishes, manifest: Manifest, *, resets: bool) -> None:
    has_key = wishes.choice != "skip" and (wishes.choice is not None or wishes.is_interactive)
    words = ["genesis onboard"] + (["--non-interactive"] if not wishes.is_interactive else [])

    def change(raw: dict[str, Any]) -> None:
        if resets:
            raw.clear()
        if has_key or wishes.base_url:
            apply_provider_and_default(raw, manifest, wishes.base_url)
        defaults = raw.get("agents", {}).get("defaults", {})
        if wishes.workspace or not defaults.get("workspace"):
            apply_workspace(raw, wishes.workspace or paths.shown(paths.workspace_default))
        apply_gateway(raw, wishes.gateway, os.environ)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        apply_rest(raw, at=at, version=__version__, command=" ".join(words), mode=wishes.mode)

    edit(paths, change)


def _tell(paths: Paths, wishes: Wishes, manifest: Manifest, verdict: str) -> None:
    loaded = load(paths, os.environ)
    settings = loaded.settings
    if wishes.prints_json:
        summary = {
            "ok": True,
            "mode": wishes.mode,
            "workspace": settings.agents.defaults.workspace,
            "authChoice": wishes.choice,
            "defaultModel": settings.agents.defaults.primary,
            "gateway": {
                "port": settings.gateway.port,
                "bind": settings.gateway.bind,
                "authMode": settings.gateway.auth.mode,
                "tailscaleMode": settings.gateway.tailscale.mode,
            },
            "installDaemon": wishes.installs_daemon,
        }
        sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
        return
    if verdict:
        sys.stdout.write(f"{verdict}\n")
    sys.stdout.write(f"Updated {paths.shown(paths.config_path)}\n")
    if settings.agents.defaults.primary:
        sys.stdout.write(f"Default model: {settings.agents.defaults.primary} ({manifest.label})\n")
    if wishes.is_interactive:
        sys.stdout.write("Talk to it: genesis chat\n")


def _one_of(flag: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        quoted = [f'"{one}"' for one in allowed]
        listed = (
            " or ".join(quoted) if len(quoted) == 2 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
        )
        raise GenesisError(f"Invalid {flag}. Use {listed}.")
