"""auth-state.json: what is known of the stored keys' uses and failures, and the order that commands set. Holds no key."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from genesis.config.files import locked, write_private
from genesis.failover.cooldowns import KeyStats


class AuthState(msgspec.Struct, frozen=True, rename="camel"):
    """The whole file. `order` has profile ids by provider, `usage_stats` KeyStats by profile id."""

    version: int = 1
    order: dict[str, tuple[str, ...]] = {}
    usage_stats: dict[str, KeyStats] = {}


class AuthStateFile:
    """The file, which several processes may change."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> AuthState:
        """What the file says. One that is missing or damaged is as good as a new one: keys are tried again."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=AuthState)
        except (FileNotFoundError, msgspec.DecodeError):
            return AuthState()

    def change(self, change: Callable[[AuthState], AuthState]) -> AuthState:
        """Apply the change to what the file says now, and write it if that makes a difference."""
        with locked(self._path):
            before = self.load()
            after = change(before)
            if after != before:
                text = msgspec.json.format(msgspec.json.encode(after), indent=2).decode()
                write_private(self._path, text + "\n")
        return after
