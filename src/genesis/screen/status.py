"""The status line: session, model, tokens, cost, cache share, and what the gateway chose and why."""

import dataclasses
from collections.abc import Iterable

from rich.cells import cell_len

from genesis.core.message import AssistantMessage, Message
from genesis.core.text import one_line
from genesis.core.usage import Usage

_SEPARATOR = " · "
# The first ones give way first where the line is narrow.
_GIVES_WAY = ("where", "thinking", "session", "why", "cache", "routed", "cost", "tokens")


@dataclasses.dataclass
class Status:
    """What is known of the session that is open. `where` says who runs it ("daemon", "in process")."""

    session: str = ""
    model: str = ""
    thinking: str = ""
    where: str = ""
    usage: Usage = dataclasses.field(default_factory=Usage)
    routed: str = ""
    why: str = ""

    def begin(self, session: str, model: str, thinking: str, messages: Iterable[Message]) -> None:
        """Another session: its tokens are summed from its messages."""
        self.session, self.model, self.thinking = session, model, thinking
        self.usage, self.routed, self.why = Usage(), "", ""
        for message in messages:
            if isinstance(message, AssistantMessage):
                self.add(message, None)

    def add(self, message: AssistantMessage, why: str | None) -> None:
        """One more answer of a model."""
        self.usage += message.usage
        routed = one_line(message.routed_model or "", 60)
        # A gateway may call a deployment by its vendor's name alone: that is no other model.
        is_same = any(f"/{name}".endswith(f"/{routed}") for name in (message.model, self.model))
        self.routed = "" if is_same else routed
        self.why = one_line(why or "", 60) if self.routed else ""

    def line(self, columns: int) -> str:
        """The line, of at most that many cells: parts give way where it is narrow."""
        parts = self._parts()
        for name in ("", *_GIVES_WAY):
            parts.pop(name, None)
            line = _joined(parts)
            if cell_len(line) <= columns:
                return line
        return one_line(parts.get("model", ""), columns)

    def _parts(self) -> dict[str, str]:
        usage = self.usage
        parts = {
            "session": self.session[:8],
            "model": one_line(self.model, 80),
            "routed": f"→ {self.routed}" if self.routed else "",
            "why": f"({self.why})" if self.why else "",
            "thinking": f"think {self.thinking}" if self.thinking else "",
            "tokens": f"{short_count(usage.total)} tokens" if usage.total else "",
            "cost": money(usage.cost_usd) if usage.cost_usd is not None else "",
            "cache": cache_share(usage),
            "where": self.where,
        }
        return {name: text for name, text in parts.items() if text}


def _joined(parts: dict[str, str]) -> str:
    line = ""
    for name, text in parts.items():
        between = " " if name in {"routed", "why"} else _SEPARATOR
        line += (between if line else "") + text
    return line


def short_count(count: int) -> str:
    """`950`, `1.2k`, `34k`, `1.2M`."""
    if count < 1000:
        return str(count)
    for size, unit in ((1_000, "k"), (1_000_000, "M")):
        scaled = count / size
        if scaled < 9.95:
            return f"{scaled:.1f}{unit}"
        if scaled < 999.5:
            return f"{scaled:.0f}{unit}"
    return f"{count / 1_000_000_000:.1f}G"


def money(dollars: float) -> str:
    """Dollars; small sums with the digits that tell them from nothing."""
    return f"${dollars:.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"


def cache_share(usage: Usage) -> str:
    """Which part of what was read came from the cache; nothing if the provider does not tell."""
    if usage.cache_read is None:
        return ""
    read = (usage.input or 0) + usage.cache_read + (usage.cache_write or 0)
    return f"cache {usage.cache_read / read:.0%}" if read else ""
