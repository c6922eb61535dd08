"""`genesis models`: which models there are, which one answers, which keys they are asked with (genesis.md 10)."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from genesis.catalog.catalog import Catalog
from genesis.commands import model_edits, model_rows
from genesis.commands.installation import Installation, open_installation
from genesis.commands.light_command import LightCommand, LightGroup
from genesis.config.load import edit
from genesis.core.fault import GenesisError
from genesis.core.model import Model
from genesis.core.refs import ModelRef, key, normal_provider

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Plain = Annotated[bool, typer.Option("--plain", help="Print plain lines, one value each.")]
OneProvider = Annotated[str, typer.Option("--provider", help="The provider's id, for example kilocode.")]  # fmt: skip
Reference = Annotated[str, typer.Argument(help="provider/model, or an alias.")]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    models = typer.Typer(
        cls=LightGroup,
        help="Models: list them, choose the default, see which keys are used.",
        invoke_without_command=True,
        no_args_is_help=False,
    )
    models.callback()(_bare)
    models.command("list", cls=LightCommand)(list_models)
    models.command("status", cls=LightCommand)(status)
    models.command("set", cls=LightCommand)(set_default)
    models.add_typer(_fallbacks(), name="fallbacks")
    models.add_typer(_aliases(), name="aliases")
    models.add_typer(_auth(), name="auth")
    app.add_typer(models, name="models")
    # The program's own options are read on the way to this command's: they must not cost its time.
    app.info.cls = LightGroup


def _fallbacks() -> typer.Typer:
    group = typer.Typer(
        cls=LightGroup, help="Models that answer when the default does not.", no_args_is_help=True
    )
    group.command("list", cls=LightCommand)(list_fallbacks)
    group.command("add", cls=LightCommand)(add_fallback)
    group.command("remove", cls=LightCommand)(remove_fallback)
    group.command("clear", cls=LightCommand)(clear_fallbacks)
    return group


def _aliases() -> typer.Typer:
    group = typer.Typer(cls=LightGroup, help="Other names for models.", no_args_is_help=True)
    group.command("list", cls=LightCommand)(list_aliases)
    group.command("add", cls=LightCommand)(add_alias)
    group.command("remove", cls=LightCommand)(remove_alias)
    return group


def _auth() -> typer.Typer:
    group = typer.Typer(cls=LightGroup, help="Stored keys.", no_args_is_help=True)
    group.command("login", cls=LightCommand)(login)
    group.command("list", cls=LightCommand)(list_profiles)
    group.command("remove", cls=LightCommand)(remove_profile)
    order = typer.Typer(
        cls=LightGroup, help="Which stored key is tried first.", no_args_is_help=True
    )
    order.command("get", cls=LightCommand)(get_order)
    order.command("set", cls=LightCommand)(set_order)
    order.command("clear", cls=LightCommand)(clear_order)
    group.add_typer(order, name="order")
    return group


def _bare(context: typer.Context) -> None:
    """Models: list them, choose the default, see which keys are used. Alone it is `genesis models status`."""
    if context.invoked_subcommand is None:
        status()


def list_models(
    every: Annotated[bool, typer.Option("--all", help="Every known model, not only configured ones.")] = False,
    local: Annotated[bool, typer.Option("--local", help="Only models on this machine.")] = False,
    provider: Annotated[str | None, typer.Option("--provider", help="Only this provider's models; asks it what it has.")] = None,
    json: Json = False,
    plain: Plain = False,
) -> None:  # fmt: skip
    """List models: the configured ones, with --provider what that provider offers now, with --all every known one."""
    _one_form(json, plain)
    wanted = _provider_filter(provider)
    home = _opened()
    catalog = home.catalog(_asked(home, wanted))
    found = model_rows.rows(
        home.choice,
        catalog.references() if every or wanted else (),
        find=lambda ref: _found(catalog, ref),
        has_key=home.has_key,
        is_local=home.accounts.is_local,
    )
    shown = [row for row in found if (not local or row.local) and _is_of(row.key, wanted)]
    if json:
        _say(model_rows.as_json(shown))
    elif not shown:
        _say(model_rows.NOTHING)
    else:
        _say(model_rows.as_plain(shown) if plain else model_rows.as_table(shown))


def status(
    json: Json = False,
    plain: Plain = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 if a model in use has no key or an expired one, 2 if its key ends within a day.")] = False,
    probe: Annotated[bool, typer.Option("--probe", help="Ask each provider for a word with each key.")] = False,
    probe_provider: Annotated[str | None, typer.Option("--probe-provider", help="Probe this provider only.")] = None,
    probe_timeout: Annotated[int, typer.Option("--probe-timeout", help="Time for one probe in ms.", min=1)] = 8000,
    probe_concurrency: Annotated[int, typer.Option("--probe-concurrency", help="Probes at the same time.", min=1)] = 2,
    probe_max_tokens: Annotated[int, typer.Option("--probe-max-tokens", help="Tokens of a probe's answer.", min=1)] = 8,
) -> None:  # fmt: skip
    """Show the default model, what stands in for it, and which keys are used."""
    _one_form(json, plain)
    if probe and plain:
        raise GenesisError("--probe cannot be used with --plain output.")
    # Late, like everything here that `list` does not need: it must start fast.
    from genesis.commands import model_status

    home = _opened()
    probes = None
    if probe:
        # Late: a probe needs the network, all else here does not.
        from genesis.commands import model_probe

        limits = model_probe.Limits(probe_timeout / 1000, probe_concurrency, probe_max_tokens)
        probes = model_probe.probed(home, _provider_filter(probe_provider), limits)
    content = model_status.status_of(home, probes)
    if plain:
        _say(content["resolvedDefault"])
    else:
        _say(_json(content) if json else model_status.as_text(content, home))
    if check:
        raise typer.Exit(model_status.check(home))


def set_default(reference: Reference) -> None:
    """Make a model the default. Fallbacks stay."""
    home = _opened()
    ref = _resolved(home, reference)
    _edited(home, lambda raw: model_edits.set_primary(raw, ref))
    _say(f"Default model: {key(ref)}")


def list_fallbacks(json: Json = False, plain: Plain = False) -> None:
    """List the models that answer when the default does not."""
    _one_form(json, plain)
    listed = [key(ref) for ref in _opened().choice.fallbacks]
    if json:
        _say(_json({"fallbacks": listed}))
    elif plain:
        _say("\n".join(listed))
    else:
        _say("\n".join([f"Fallbacks ({len(listed)}):", *(f"- {one}" for one in listed or ["none"])]))  # fmt: skip


def add_fallback(reference: Reference) -> None:
    """Append a model to the fallbacks."""
    home = _opened()
    ref = _resolved(home, reference)
    _edited(home, lambda raw: model_edits.add_fallback(raw, ref, home.choice))
    _tell_fallbacks()


def remove_fallback(reference: Reference) -> None:
    """Take a model out of the fallbacks."""
    home = _opened()
    ref = _resolved(home, reference)
    _edited(home, lambda raw: model_edits.remove_fallback(raw, ref, home.choice))
    _tell_fallbacks()


def clear_fallbacks() -> None:
    """Take every model out of the fallbacks."""
    _edited(_opened(), lambda raw: model_edits.set_fallbacks(raw, []))
    _say("Fallback list cleared.")


def list_aliases(json: Json = False, plain: Plain = False) -> None:
    """List the aliases of models."""
    _one_form(json, plain)
    aliases = _opened().choice.aliases
    if json:
        _say(_json({"aliases": aliases}))
    elif plain:
        _say("\n".join(f"{alias} {target}" for alias, target in aliases.items()))
    else:
        lines = [f"- {alias} -> {target}" for alias, target in aliases.items()]
        _say("\n".join([f"Aliases ({len(aliases)}):", *(lines or ["- none"])]))


def add_alias(
    alias: Annotated[str, typer.Argument(help="The new name.")], reference: Reference
) -> None:
    """Give a model another name."""
    name = model_edits.checked_alias(alias)
    home = _opened()
    ref = _resolved(home, reference)
    _edited(home, lambda raw: model_edits.add_alias(raw, name, ref, home.choice))
    _say(f"Alias {name} -> {key(ref)}")


def remove_alias(alias: Annotated[str, typer.Argument(help="The name.")]) -> None:
    """Take a name away from its model."""
    _edited(_opened(), lambda raw: model_edits.remove_alias(raw, alias))
    if not _opened().choice.aliases:
        _say("No aliases configured.")


def login(provider: OneProvider) -> None:
    """Store a key for a provider: asks for it, without showing it."""
    # Late: only this asks questions.
    from genesis.commands import model_login

    home = _opened()
    _say(model_login.login(home, _known_provider(home, provider)))


def list_profiles(
    provider: Annotated[str | None, typer.Option("--provider", help="Only this provider's.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """List the stored keys, masked."""
    from genesis.commands import model_auth

    listed = model_auth.profiles_of(_opened(), _provider_filter(provider))
    _say(_json({"profiles": listed}) if json else model_auth.profiles_text(listed))


def remove_profile(
    profile: Annotated[str, typer.Argument(help="The profile's id, for example kilocode:default.")],
) -> None:
    """Forget a stored key."""
    from genesis.commands import model_auth

    model_auth.remove_profile(_opened(), profile.strip())
    _say(f"Removed auth profile {profile.strip()}")


def get_order(provider: OneProvider, json: Json = False) -> None:
    """Show which stored key of a provider is tried first."""
    from genesis.commands import model_auth

    content = model_auth.order_content(_opened(), normal_provider(provider))
    _say(_json(content) if json else model_auth.order_text(content))


def set_order(
    provider: OneProvider,
    profiles: Annotated[list[str], typer.Argument(help="Profile ids, the first one is tried first.")],
) -> None:  # fmt: skip
    """Decide which stored keys of a provider are tried, in which order."""
    from genesis.commands import model_auth

    name = normal_provider(provider)
    model_auth.set_order(_opened(), name, profiles)
    _say(model_auth.order_text(model_auth.order_content(_opened(), name)))


def clear_order(provider: OneProvider) -> None:
    """Forget the order that was set; the settings' own, or the usual one, is used again."""
    from genesis.commands import model_auth

    name = normal_provider(provider)
    model_auth.clear_order(_opened(), name)
    _say(model_auth.order_text(model_auth.order_content(_opened(), name)))


def _asked(home: Installation, provider: str | None) -> Mapping[str, Sequence[Model]]:
    """What the provider offers now, if it can be asked: else what is known of it must do."""
    if provider is None or not home.accounts.base_url(provider) or not home.has_key(provider):
        return {}
    # Late: without --provider nothing here needs the network.
    from genesis.commands.model_discovery import discovered

    return discovered(home, provider, _warn)


def _found(catalog: Catalog, ref: ModelRef) -> Model | None:
    try:
        return catalog.model_for(ref)
    except GenesisError:
        return None


def _opened() -> Installation:
    home = open_installation(os.environ, _warn)
    for text in home.choice.warnings:
        _warn(text)
    return home


def _resolved(home: Installation, text: str) -> ModelRef:
    ref, warning = home.choice.resolve(text)
    if warning:
        _warn(warning)
    return ref


def _edited(home: Installation, change: model_edits.Change) -> None:
    edit(home.paths, change)
    _say(f"Updated {home.paths.shown(home.paths.config_path)}")


def _tell_fallbacks() -> None:
    listed = [key(ref) for ref in _opened().choice.fallbacks]
    _say(f"Fallbacks: {', '.join(listed) or 'none'}")


def _one_form(json: bool, plain: bool) -> None:
    if json and plain:
        raise GenesisError("Choose either --json or --plain, not both.")


def _provider_filter(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    if any(char.isspace() for char in text.strip()):
        raise GenesisError(
            f'Invalid provider filter "{text}". Use a provider id such as "moonshot", not a display label.'
        )
    return normal_provider(text)


def _known_provider(home: Installation, text: str) -> str:
    name = _provider_filter(text) or ""
    if name not in home.manifests and name not in home.settings.models.providers:
        known = ", ".join(sorted({*home.manifests, *home.settings.models.providers}))
        raise GenesisError(f"Unknown provider: {text.strip()}. There are: {known}.")
    return name


def _is_of(reference: str, provider: str | None) -> bool:
    return provider is None or reference.lower().startswith(f"{provider}/")


def _json(content: object) -> str:
    return msgspec.json.format(msgspec.json.encode(content)).decode()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n" if text else "")


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")
