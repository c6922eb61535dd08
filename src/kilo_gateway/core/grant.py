"""Grant: what the presenting key may do. Holds no secret; a revoked key is absent, not flagged."""

from fnmatch import fnmatchcase

import msgspec


class Grant(msgspec.Struct, frozen=True):
    """Rights of one key.

    `models` are globs (`openai/*`, `local/*`); empty means every model. `expires_at` is in seconds since the epoch,
    None for never. `owner` is who pays.
    """

    key_id: str
    owner: str
    name: str = ""
    models: tuple[str, ...] = ()
    expires_at: float | None = None

    def may_use(self, model: str) -> bool:
        """Whether a model id (as listed, lower case) is open to this key."""
        return not self.models or any(fnmatchcase(model, glob) for glob in self.models)
