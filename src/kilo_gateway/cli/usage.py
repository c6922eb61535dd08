"""`kilo-gateway usage`: what was used and what it cost, by day, key and model."""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from kilo_gateway.cli.database import ask_store
from kilo_gateway.cli.home import ConfigOption
from kilo_gateway.cli.moments import back
from kilo_gateway.cli.tables import (
    JsonOption,
    count_text,
    dollars_text,
    fail,
    note,
    print_json,
    show_table,
)
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.ledger.reports import Grouping, UsageRow

if TYPE_CHECKING:
    from kilo_gateway.store.store import Store

_SUMS = ("calls", "errors", "input", "output", "cache read", "cost (USD)")
_NOTHING = UsageRow(None, None, None, 0, 0, 0, 0, 0, 0, 0, 0)


class Group(StrEnum):
    """What usage can be grouped by (typer wants an enumeration for repeatable choices)."""

    DAY = "day"
    KEY = "key"
    MODEL = "model"


_GROUPINGS: dict[Group, Grouping] = {Group.DAY: "day", Group.KEY: "key", Group.MODEL: "model"}


class Asked(msgspec.Struct, frozen=True):
    """What is to be counted. Times are seconds since the epoch."""

    by: tuple[Grouping, ...]
    since: float | None
    until: float | None
    key: str | None
    model: str | None


class Counted(msgspec.Struct, frozen=True):
    """What was counted, with the names of the keys by their ids."""

    rows: list[UsageRow]
    total: UsageRow
    names: dict[str, str]


class ShownUsage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line as printed for programs; `cost_usd` is exact decimal text, null while unknown."""

    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: str | None
    cost_nanodollars: int | None
    estimated: int
    unpriced: int
    day: str | None = None
    key_id: str | None = None
    key_name: str | None = None
    model: str | None = None


def usage(
    *,
    by: Annotated[
        list[Group] | None,
        typer.Option("--by", help="Group by this, repeatable (default: day and model)."),
    ] = None,
    since: Annotated[
        str, typer.Option(help="From when on: 12h, 7d, or a date or time (UTC).")
    ] = "7d",
    until: Annotated[
        str | None, typer.Option(help="Up to when, not included; written like --since.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Only this key (id or name).")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model id.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was used and what it cost."""
    now = SystemClock().wall()
    asked = Asked(
        by=tuple(dict.fromkeys(_GROUPINGS[group] for group in by or (Group.DAY, Group.MODEL))),
        since=_checked_moment("--since", since, now),
        until=_checked_moment("--until", until, now) if until is not None else None,
        key=key,
        model=model,
    )
    counted = _count(config, asked)
    if as_json:
        shown = [_shown(row, counted.names) for row in counted.rows]
        print_json({"rows": shown, "total": _shown(counted.total, counted.names)})
    elif not counted.rows:
        note(f"Nothing was used since {since}." if until is None else "Nothing was used then.")
    else:
        _show(counted, asked.by)


def _checked_moment(option: str, text: str, now: float) -> float:
    at = back(text, now)
    if at is None:
        fail(f'{option} takes a span (12h, 7d), a date or a time, not "{text}"')
    return at


def _count(config: Path | None, asked: Asked) -> Counted:
    async def read(store: "Store") -> Counted:
        counted = partial(
            store.usage, since=asked.since, until=asked.until, key=asked.key, model=asked.model
        )
        rows = await counted(asked.by)
        # Asked again rather than added up: a call that was tried at two models counts once.
        totals = await counted(())
        names = {row.id: row.name for row in await store.list_keys()}
        return Counted(rows, totals[0] if totals else _NOTHING, names)

    return ask_store(config, read)


def _shown(row: UsageRow, names: Mapping[str, str]) -> ShownUsage:
    return ShownUsage(
        requests=row.requests,
        errors=row.errors,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        cost_usd=dollars_text(row.cost_nanodollars),
        cost_nanodollars=row.cost_nanodollars,
        estimated=row.estimated,
        unpriced=row.unpriced,
        day=row.day,
        key_id=row.key_id,
        key_name=names.get(row.key_id) if row.key_id is not None else None,
        model=row.model,
    )


def _show(counted: Counted, by: tuple[Grouping, ...]) -> None:
    groups = [group for group in ("day", "key", "model") if group in by]
    show_table(
        (*groups, *_SUMS, "remarks"),
        [
            (*(_group_text(row, group, counted.names) for group in groups), *_sums(row))
            for row in counted.rows
        ],
        numeric=_SUMS,
        footer=(
            *("total" if number == 0 else "" for number in range(len(groups))),
            *_sums(counted.total),
        ),
    )


def _group_text(row: UsageRow, group: str, names: Mapping[str, str]) -> str:
    if group == "day":
        return row.day or "-"
    if group == "model":
        return row.model or "-"
    return names.get(row.key_id or "", row.key_id or "-")


def _sums(row: UsageRow) -> tuple[str, ...]:
    return (
        count_text(row.requests),
        count_text(row.errors),
        count_text(row.input_tokens),
        count_text(row.output_tokens),
        count_text(row.cache_read_tokens),
        _cost_text(row),
        _remarks(row),
    )


def _cost_text(row: UsageRow) -> str:
    """Exact dollars; where some attempts have no known cost, the sum is only a lower bound."""
    exact = dollars_text(row.cost_nanodollars)
    if exact is None:
        return "unknown"
    return f"at least {exact}" if row.unpriced else exact


def _remarks(row: UsageRow) -> str:
    remarks = []
    if row.estimated:
        remarks.append(f"{row.estimated} estimated")
    if row.unpriced:
        remarks.append(f"{row.unpriced} without a known cost")
    return ", ".join(remarks)
