"""`kilo-gateway models`: which models there are, where, and at what price; needs no running gateway."""

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from kilo_gateway.cli.home import ConfigOption, home_path, loaded_settings
from kilo_gateway.cli.tables import (
    PROBLEM,
    JsonOption,
    count_text,
    dollars_text,
    note,
    print_json,
    show_table,
)

if TYPE_CHECKING:
    from kilo_gateway.catalog.catalog import Catalog, Model


class Wanted(msgspec.Struct, frozen=True):
    """Which models are to be shown; empty fields want nothing."""

    upstream: str = ""
    search: str = ""
    capabilities: tuple[str, ...] = ()
    is_free: bool = False

    def fits(self, model: "Model") -> bool:
        """Whether a model is wanted."""
        upstreams = {deployment.upstream for deployment in model.deployments}
        words = f"{model.id} {model.name}".lower()
        return (
            (not self.upstream or self.upstream in upstreams)
            and self.search.lower() in words
            and model.capabilities.issuperset(self.capabilities)
            and (not self.is_free or (model.price is not None and model.price.is_free))
        )


class ShownModel(msgspec.Struct, frozen=True):
    """A model as printed for programs. Sizes are tokens, prices exact US dollars per million tokens, null unknown."""

    id: str
    name: str
    upstreams: list[str]
    operations: list[str]
    context: int | None
    max_output: int | None
    input_usd: str | None
    output_usd: str | None
    cache_read_usd: str | None
    cache_write_usd: str | None
    cache_write_1h_usd: str | None
    is_free: bool
    capabilities: list[str]


def models(
    *,
    upstream: Annotated[
        str, typer.Option("--upstream", "--provider", help="Only models of this upstream.")
    ] = "",
    search: Annotated[str, typer.Option(help="Only models with this text in id or name.")] = "",
    capability: Annotated[
        list[str] | None,
        typer.Option(help="Only models that can do this (tools, vision, ...), repeatable."),
    ] = None,
    free: Annotated[bool, typer.Option("--free", help="Only models that cost nothing.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the models of all upstreams, with limits and prices.

    With a configuration file these are the models that `serve` offers; `up` adds what it finds and runs itself.
    """
    from kilo_gateway.app import offline_catalog  # noqa: PLC0415 - start time

    loaded = loaded_settings(config, os.environ)
    home = home_path(os.environ, loaded.settings.state.home)
    catalog = asyncio.run(offline_catalog(loaded, os.environ, home))
    wanted = Wanted(
        upstream=upstream,
        search=search,
        capabilities=tuple(word.strip().lower() for word in capability or ()),
        is_free=free,
    )
    shown = [_shown(model) for model in catalog.models.values() if wanted.fits(model)]
    if as_json:
        print_json(shown)
    elif shown:
        _show(shown)
    else:
        note(_none_text(catalog))
        raise typer.Exit(PROBLEM)


def _shown(model: "Model") -> ShownModel:
    price = model.price
    operations = {name: None for item in model.deployments for name in item.operations}
    return ShownModel(
        id=model.id,
        name=model.name,
        upstreams=list(dict.fromkeys(item.upstream for item in model.deployments)),
        operations=list(operations),
        context=model.limits.context,
        max_output=model.limits.output,
        input_usd=dollars_text(price.input if price else None),
        output_usd=dollars_text(price.output if price else None),
        cache_read_usd=dollars_text(price.cache_read if price else None),
        cache_write_usd=dollars_text(price.cache_write if price else None),
        cache_write_1h_usd=dollars_text(price.cache_write_1h if price else None),
        is_free=price is not None and price.is_free,
        capabilities=sorted(model.capabilities),
    )


def _show(shown: list[ShownModel]) -> None:
    numeric = ("context", "max output", "input $/M", "output $/M")
    show_table(
        ("id", "upstreams", *numeric, "capabilities"),
        [
            (
                model.id,
                ", ".join(model.upstreams),
                count_text(model.context),
                count_text(model.max_output),
                model.input_usd or "unknown",
                model.output_usd or "unknown",
                ", ".join(model.capabilities),
            )
            for model in shown
        ],
        numeric=numeric,
    )
    upstreams = {name for model in shown for name in model.upstreams}
    note(f"models: {len(shown)}, upstreams: {len(upstreams)}")


def _none_text(catalog: "Catalog") -> str:
    if catalog.models:
        return f"None of the {len(catalog.models)} models fits that."
    return "There are no models: `kilo-gateway check` tells which upstreams answer."
