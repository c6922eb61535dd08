"""What `/models` answers, and `/model` where it refuses, as plain text (genesis.md 12)."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from genesis.core.refs import normal_provider

PAGE_SIZE = 20
LARGEST_PAGE = 100
SWITCH = "Switch: /model <provider/model>"
USE = "Use: /models <provider>"
ADD_IS_GONE = "⚠️ /models add is deprecated. Use /models to browse providers and /model to switch models."  # fmt: skip

# Models by provider: the references as people write them, `kilocode/kilo/auto`.
References = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Wanted:
    """What the words after `/models` ask for."""

    provider: str | None = None
    page: int = 1
    size: int = PAGE_SIZE
    everything: bool = False


def models_text(
    arguments: Sequence[str],
    references: References,
    auth_label: Callable[[str], str | None] = lambda _provider: None,
) -> str:
    """The answer to `/models …`. `auth_label` tells which key a provider is asked with, as `api-key (env: NAME)`."""
    words = list(arguments)
    if words and words[0].lower() == "add":
        return ADD_IS_GONE
    if words and words[0].lower() == "list":
        words = words[1:]
    wanted = _wanted(words)
    if wanted.provider is None:
        return _providers_text(references)
    if wanted.provider not in references:
        return _unknown_text(words[0], references)
    return _page_text(wanted, sorted(references[wanted.provider]), auth_label(wanted.provider))


def not_allowed_text(reference: str) -> str:
    """The answer to `/model` with a model that the settings' list does not have."""
    return (
        f'Model "{reference}" is not allowed. '
        "Use /models to list providers, or /models <provider> to list models."
    )


def unrecognized_text(text: str) -> str:
    """The answer to `/model` with something that names no model."""
    return (
        f'Unrecognized model "{text}". '
        "Use /models to list providers, or /models <provider> to list models."
    )


def _wanted(words: Sequence[str]) -> Wanted:
    if not words:
        return Wanted()
    page, size, everything = 1, PAGE_SIZE, False
    for word in words[1:]:
        lowered = word.lower()
        if lowered in {"all", "--all"}:
            everything = True
        elif found := re.fullmatch(r"(?:page=)?(\d{1,9})", lowered):
            page = int(found.group(1))
        elif found := re.fullmatch(r"(?:limit|size)=(\d{1,9})", lowered):
            size = min(max(int(found.group(1)), 1), LARGEST_PAGE)
    return Wanted(normal_provider(words[0]), page, size, everything)


def _providers_text(references: References) -> str:
    listed = [f"- {name} ({len(references[name])})" for name in sorted(references)]
    return "\n".join(["Providers:", *(listed or ["- none"]), "", USE, SWITCH])


def _unknown_text(name: str, references: References) -> str:
    listed = [f"- {known}" for known in sorted(references)] or ["- none"]
    return "\n".join([f"Unknown provider: {name}", "", "Available providers:", *listed, "", USE])


def _page_text(wanted: Wanted, listed: Sequence[str], auth: str | None) -> str:
    provider = wanted.provider
    title = f"Models ({provider} · 🔑 {auth})" if auth else f"Models ({provider})"
    if not listed:
        return "\n".join([f"{title} — none", "", "Browse: /models", SWITCH])
    size = len(listed) if wanted.everything else wanted.size
    page = 1 if wanted.everything else wanted.page
    pages = ceil(len(listed) / size)
    everything = f"All: /models list {provider} all"
    if not 1 <= page <= pages:
        out = f"Page out of range: {page} (valid: 1-{pages})"
        return "\n".join([out, "", f"Try: /models list {provider} {pages}", everything])
    start = (page - 1) * size
    shown = listed[start : start + size]
    span = f"showing {start + 1}-{start + len(shown)} of {len(listed)} (page {page}/{pages})"
    lines = [f"{title} — {span}", *(f"- {reference}" for reference in shown), "", SWITCH]
    if page < pages:
        lines.append(f"More: /models list {provider} {page + 1}")
    if not wanted.everything:
        lines.append(everything)
    return "\n".join(lines)
