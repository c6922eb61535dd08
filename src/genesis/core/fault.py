"""GenesisError: the one exception that people read. Says what was wrong, where, and what to do next; never a secret."""

from typing import Literal

# Why a model could not answer (genesis.md 9.1). None of them: not classified.
Reason = Literal[
    "auth", "auth_permanent", "billing", "rate_limit", "overloaded", "timeout", "format", "model_not_found",
    "session_expired",
]  # fmt: skip

# The exit code of a command that Ctrl-C ended.
INTERRUPTED = 130


class GenesisError(Exception):
    """A failure with a sentence for people. Commands print `Error: <message>` to stderr and end with `exit_code`."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class ConfigError(GenesisError):
    """The settings are not usable: `issues` are (path, message) pairs."""

    def __init__(self, message: str, issues: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.issues = issues


class AuthMissingError(GenesisError):
    """No key for a provider."""

    def __init__(self, message: str, provider: str) -> None:
        super().__init__(message)
        self.provider = provider


class ProviderError(GenesisError):
    """A provider did not answer, or answered with an error.

    `message` is raw text of the provider or of the network, for classification (`failover.classify`), not for people:
    `failover.messages` makes their sentence. `status` is HTTP's, `code` the provider's symbolic one, `retry_after_s`
    what it asked for. `is_abort`: the user stopped it. `streamed`: some of an answer had been shown before.
    """

    def __init__(  # noqa: PLR0913 - keyword-only facts of one failure
        self,
        message: str,
        *,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
        is_abort: bool = False,
        streamed: bool = False,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.model = model
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        self.is_abort = is_abort
        self.streamed = streamed
