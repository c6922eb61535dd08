"""The session that is open on a screen, and what was chosen for it. Knows no terminal: a pipe uses it too."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from genesis.core.fault import GenesisError
from genesis.core.message import Message
from genesis.screen.display import Display
from genesis.screen.status import Status
from genesis.session.conversation import Conversation

_CHOICES_AGE_S = 20.0
# What `/think` offers (genesis.md 7.4); other spellings are understood too.
LEVELS = (
    ("off", "no thinking"),
    ("minimal", "as little as the model can"),
    ("low", "a little"),
    ("medium", "for most things"),
    ("high", "for hard things"),
)


@dataclasses.dataclass
class Desk:
    """`folder` is where the person is, `workspace` where the agent works (None: the daemon chooses). `is_over` ends the
    chat; `history` are messages to show after a session was opened."""

    conversation: Conversation
    status: Status
    display: Display
    folder: Path
    workspace: Path | None
    clock: Callable[[], float]
    session: str = ""
    is_over: bool = False
    history: tuple[Message, ...] = ()

    async def begin(self, session: str | None, model: str | None, thinking: str | None) -> None:
        """Open the first session, with what was chosen on the command line."""
        await self.open(session)
        if model:
            await self.conversation.set_model(self.session, model)
        if thinking:
            await self.conversation.set_thinking(self.session, thinking)
        if model or thinking:
            await self.refresh()

    async def open(self, session: str | None) -> str:
        """Open a session by its id, a beginning of it or "last"; None begins a new one. Gives its id."""
        view = await self.conversation.open(session, str(self.workspace or ""))
        self.session, self.history = view.id, view.messages
        self.status.begin(view.id, view.model or "", view.thinking or "", view.messages)
        return view.id

    async def refresh(self) -> None:
        """See again which model and thinking the session has."""
        view = await self.conversation.open(self.session)
        model = view.model or ""
        if model != self.status.model:
            self.status.routed = self.status.why = ""
        self.status.model, self.status.thinking = model, view.thinking or ""


class DeskChoices:
    """What can be completed; asked anew only after a while, because every key asks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: dict[str, tuple[float, list[str]]] = {}

    async def levels(self) -> list[tuple[str, str]]:
        """Thinking levels."""
        return list(LEVELS)

    async def sessions(self) -> list[tuple[str, str]]:
        """Sessions by id, with their titles."""
        infos = await self._desk.conversation.sessions()
        return [(info.id, info.title) for info in infos]

    async def providers(self) -> list[tuple[str, str]]:
        """Providers, with how many models they have."""
        rows = await self._listed("", [])
        return [(row.partition(" ")[0], row.partition(" ")[2].strip("()")) for row in rows]

    async def models(self) -> list[tuple[str, str]]:
        """All models of all providers."""
        refs: list[tuple[str, str]] = []
        for provider, _ in await self.providers():
            refs += [(ref, "") for ref in await self._listed(provider, [provider, "all"])]
        return refs

    async def _listed(self, key: str, arguments: list[str]) -> list[str]:
        """The rows of a `/models` listing."""
        now = self._desk.clock()
        at, rows = self._kept.get(key, (-_CHOICES_AGE_S, []))
        if now - at >= _CHOICES_AGE_S:
            try:
                text = await self._desk.conversation.models_text(arguments)
            except GenesisError:  # completion is a courtesy: without a list there is none
                text = ""
            rows = [line[2:] for line in text.splitlines() if line.startswith("- ")]
            self._kept[key] = (now, rows)
        return rows
