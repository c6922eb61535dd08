"""Rule: one thing that is mended, as data; and the walk over those that concern a call."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from kilo_gateway.dialects.body import Fields


class Facts(msgspec.Struct, frozen=True):
    """What a rule may know beside the request.

    `model` is the model's name for clients and `upstream_model` that of the deployment, both lower case. `quirks` are the
    upstream's. `user_hash` and `task_hash` are texts that say nothing to anybody else, "" where there is no user or task.
    """

    model: str
    upstream_model: str = ""
    quirks: frozenset[str] = frozenset()
    user_hash: str = ""
    task_hash: str = ""

    def is_of(self, *families: str) -> bool:
        """Whether the model is of one of these families, by its name."""
        return any(family in self.model or family in self.upstream_model for family in families)


Mend = Callable[[Fields, str, Facts], Fields | None]


class Rule(msgspec.Struct, frozen=True):
    """One rule. `mend(fields, dialect, facts)` gives the members that change, None if nothing does; a member of value
    REMOVED goes. It is asked only for requests in one of `dialects`, for models of `families` (() = all), for upstreams
    with `quirk` ("" = all), if one of the members `needs` is there (() = always), and if its `messages` hold `word`
    (b"" = always). `is_on` unless the settings say otherwise. A rule `of_replies` mends no request: it is a passage's (`detailed`), and here for its name and its switch.
    """

    name: str
    purpose: str
    dialects: tuple[str, ...]
    mend: Mend
    families: tuple[str, ...] = ()
    quirk: str = ""
    needs: frozenset[str] = frozenset()
    word: bytes = b""
    is_on: bool = True
    of_replies: bool = False

    def concerns(self, dialect: str, facts: Facts) -> bool:
        """Whether it can change anything for such a model at such an upstream."""
        return (
            not self.of_replies
            and dialect in self.dialects
            and (not self.families or facts.is_of(*self.families))
            and (not self.quirk or self.quirk in facts.quirks)
        )


def dicts_in(value: object) -> list[dict[str, Any]]:
    """The objects in a JSON array; none if it is no array."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


REMOVED = msgspec.Raw(b"-")  # no JSON value


class Mended(msgspec.Struct, frozen=True):
    """A request after the rules, and the names of those that changed it."""

    fields: Fields
    applied: tuple[str, ...] = ()


class Rules(msgspec.Struct, frozen=True):
    """The rules that concern one model at one upstream in one dialect. Most requests need none: one look tells.

    `needs` are the members that rules look for, None if one of them looks at every request; `words` what the others find
    in messages, None if that is nothing.
    """

    rules: tuple[Rule, ...]
    dialect: str
    facts: Facts
    needs: frozenset[str] | None = None
    words: re.Pattern[bytes] | None = None

    def may_mend(self, fields: Fields) -> bool:
        """Whether any of them is worth asking."""
        if not self.rules:
            return False
        if self.needs is None or not self.needs.isdisjoint(fields):
            return True
        messages = fields.get("messages")
        return bool(self.words and messages is not None and self.words.search(messages))

    def mend(self, fields: Fields) -> Mended:
        """The request after all of them; the members given are left as they are."""
        applied: list[str] = []
        now = fields
        for rule in self.rules:
            if rule.needs and rule.needs.isdisjoint(now):
                continue
            try:
                changes = rule.mend(now, self.dialect, self.facts)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue  # what is wrong with it, the vendor says better
            if changes:
                merged = now | changes
                now = {name: raw for name, raw in merged.items() if raw is not REMOVED}
                applied.append(rule.name)
        return Mended(now, tuple(applied))


def concerning(rules: Iterable[Rule], dialect: str, facts: Facts) -> Rules:
    """Those of the rules that concern such calls."""
    some = tuple(rule for rule in rules if rule.concerns(dialect, facts))
    needs = (
        frozenset[str]().union(*(rule.needs for rule in some))
        if all(rule.needs or rule.word for rule in some)
        else None
    )
    words = [re.escape(rule.word) for rule in some if rule.word]
    return Rules(some, dialect, facts, needs, re.compile(b"|".join(words)) if words else None)
