"""Genesis: the composition root. Opens settings, keys, plug-ins, catalog and sessions; holds the Conversation of this process."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.config.shell_env import RememberedShell
from genesis.core.fault import GenesisError
from genesis.core.refs import ModelRef, key
from genesis.providers.registry import Registry
from genesis.screen.listing import models_text, not_allowed_text, unrecognized_text
from genesis.session.agent import Agent, Means
from genesis.session.approval import Mode, Policy
from genesis.session.local import LocalConversation
from genesis.session.place import open_workspace, workspace_folder
from genesis.session.sources import Sources
from genesis.session.store import SessionStore
from genesis.tools.environment import without_keys
from genesis.tools.tool import ToolContext

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    """What a command line says: the workspace, the approval policy, whether somebody can be asked, a turn's time limit."""

    workspace: Path | None = None
    approval: Mode | None = None
    can_ask: bool = True
    limit_s: float | None = None


class ModelFacts:
    """What people ask about models and choose of them."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def resolve(self, text: str) -> ModelRef:
        """The model that a person's words mean; one that the settings' list does not have is refused."""
        choice = self._sources.choice
        try:
            ref, guess = choice.resolve(text)
        except GenesisError:
            raise GenesisError(unrecognized_text(text.strip())) from None
        is_guess = guess is not None and self._sources.catalog().find(ref) is None
        if is_guess:
            raise GenesisError(unrecognized_text(text.strip()))
        if not self._is_allowed(ref):
            raise GenesisError(not_allowed_text(key(ref)))
        if not self._sources.accounts.is_known(ref.provider):
            raise GenesisError(unrecognized_text(text.strip()))
        return ref

    def default(self) -> ModelRef | None:
        """The model that answers where a session chose none."""
        return self._sources.choice.primary

    def level(self, ref: ModelRef | None) -> str:
        """How much the model thinks where a session chose nothing."""
        return self._sources.level(ref)

    async def models_text(self, arguments: list[str]) -> str:
        """The `/models` listing."""
        await self._sources.discovery.load()
        listed: dict[str, set[str]] = {}
        for ref in (*self._sources.catalog().references(), *self._sources.choice.in_use):
            listed.setdefault(ref.provider, set()).add(key(ref))
        return models_text(arguments, listed, self._auth_label)

    def status_lines(self, ref: ModelRef | None) -> list[str]:
        """Lines about the model's provider and key."""
        if ref is None:
            return ["Provider: none"]
        found = self._sources.key_of(ref.provider, ref.profile)
        return [
            f"Provider: {ref.provider} ({self._sources.accounts.base_url(ref.provider) or 'no address'})",
            f"Key: {found.source if found else 'none'}",
        ]

    def warnings(self) -> list[str]:
        """What was found since the last time."""
        return self._sources.warnings()

    def _auth_label(self, provider: str) -> str | None:
        found = self._sources.key_of(provider)
        return f"api-key ({found.source})" if found else None

    def _is_allowed(self, ref: ModelRef) -> bool:
        choice = self._sources.choice
        usual = {key(one) for one in choice.in_use}
        for name, manifest in self._sources.registry.manifests.items():
            usual.add(key(ModelRef(name, manifest.default_model)))
        return choice.allows(ref, usual)


class Genesis:
    """All of it, opened. Every session works in the folder that it was begun in, unless a flag names another."""

    def __init__(
        self,
        environ: Mapping[str, str],
        wishes: Wishes,
        folder: Path,
        warn: Warn,
        shell: RememberedShell,
    ) -> None:
        self._environ = dict(environ)
        self._wishes = wishes
        self._folder = folder
        self._warn = warn
        self._shell = shell
        self.paths = Paths.of(environ)
        self.loaded = self._load()
        self.sources = self._open_sources()
        self.workspace = self._workspace()
        store = SessionStore(self.paths.sessions_dir, clock=_now, make_id=lambda: token_hex(6))
        self.conversation = LocalConversation(store, Agent(self._means()), ModelFacts(self.sources))

    @classmethod
    def open(
        cls,
        environ: Mapping[str, str],
        *,
        wishes: Wishes | None = None,
        warn: Warn = lambda _text: None,
        shell: RememberedShell | None = None,
    ) -> "Genesis":
        """Open everything for somebody in the working folder. Raises ConfigError for settings that are not usable.

        `shell` is one that was asked already, by a command that read the settings before.
        """
        return cls(environ, wishes or Wishes(), Path.cwd(), warn, shell or RememberedShell())

    def reload(self) -> None:
        """Read the settings anew; turns that run end with what they began with. Raises ConfigError, changing nothing."""
        self.loaded = self._load()
        self.sources = self._open_sources()
        self.workspace = self._workspace()
        self.conversation.facts = ModelFacts(self.sources)
        self.conversation.agent.means = self._means()

    async def aclose(self) -> None:
        """Stop the turns that run and what loads beside."""
        await self.conversation.agent.aclose()
        await self.sources.discovery.close()
        await self.sources.registry.aclose()

    def _load(self) -> Loaded:
        # The login shell is asked for every provider's key, whatever the settings will allow.
        keys = [name for one in Registry().manifests.values() for name in one.env]
        return load(
            self.paths,
            self._environ,
            warn=self._warn,
            folder=self._folder,
            expected=keys,
            run_shell=self._shell,
        ).require()

    def _open_sources(self) -> Sources:
        plugins = self.loaded.settings.plugins
        return Sources(self.loaded, Registry.of(plugins, self._warn, keeps_connections=True), _now)

    def _workspace(self) -> Path:
        settings, chosen = self.loaded.settings, self._wishes.workspace
        return workspace_folder(self.paths, settings, chosen=chosen, folder=self._folder)

    def _means(self) -> Means:
        tools, wishes = self.loaded.settings.tools, self._wishes
        usual = float(self.loaded.settings.agents.defaults.timeout_seconds)
        return Means(
            models=self.sources,
            place=self._context,
            policy=Policy(wishes.approval or tools.approval, tools.allow, wishes.can_ask),
            clock=_now,
            make_id=lambda: token_hex(8),
            profile=tools.profile,
            limit_s=usual if wishes.limit_s is None else wishes.limit_s,
        )

    def _context(self, folder: str) -> ToolContext:
        """Where the tools of a session run that was begun in the folder."""
        is_bound = folder and self._wishes.workspace is None
        root = Path(folder) if is_bound else self.workspace
        sources = self.sources
        environ = without_keys(self._environ, sources.accounts.all_variables(), sources.secrets())
        limit = float(self.loaded.settings.tools.exec_timeout_seconds)
        return ToolContext(open_workspace(self.paths, root), environ, limit)


def _now() -> float:
    return time.time_ns() / 1e9
