"""Model: one model as a provider offers it. The wire names are those of `models.json` and of the settings."""

import msgspec

DEFAULT_CONTEXT_WINDOW = 1_000_000
DEFAULT_MAX_TOKENS = 128_000


class Cost(msgspec.Struct, frozen=True, rename="camel"):
    """US dollars per million tokens."""

    input: float = 0.0
    output: float = 0.0
    cache_read: float = 0.0
    cache_write: float = 0.0


class Model(msgspec.Struct, frozen=True, rename="camel", omit_defaults=False):
    """One model: `id` as the provider wants it in a request (no provider prefix); sizes in tokens.

    `input` holds modalities ("text", "image"). `context_tokens` is a smaller window that the settings ask for.
    """

    id: str
    name: str
    reasoning: bool = False
    input: tuple[str, ...] = ("text",)
    cost: Cost = Cost()
    context_window: int = DEFAULT_CONTEXT_WINDOW
    max_tokens: int = DEFAULT_MAX_TOKENS
    context_tokens: int | msgspec.UnsetType = msgspec.UNSET
