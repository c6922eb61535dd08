"""Discovery: asks providers for their models, one load at a time, beside whatever else happens; a start never waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence

from genesis.core.model import Model

LIMIT_S = 5.0
Ask = Callable[[str], Awaitable[Sequence[Model]]]
Found = Mapping[str, Sequence[Model]]


class Discovery:
    """Who asks gets what is known. `fingerprint` tells whether anything changed since the last load that succeeded.

    Two that ask at the same time share one load. A provider that told nothing, or whose code failed, keeps the models
    that it told before, and is asked again with the next load.
    """

    def __init__(
        self,
        providers: Callable[[], Sequence[str]],
        ask: Ask,
        fingerprint: Callable[[], Hashable] = lambda: None,
    ) -> None:
        self._providers = providers
        self._ask = ask
        self._fingerprint = fingerprint
        self._loading: asyncio.Task[Found] | None = None
        self._seen: Hashable = object()
        self.found: Found = {}

    def start(self) -> "asyncio.Task[Found]":
        """Begin to load, or join the load that is under way."""
        if self._loading is None or self._loading.done():
            self._loading = asyncio.ensure_future(self._load())
        return self._loading

    async def load(self) -> Found:
        """What the providers offer now; at once if nothing changed since the last load."""
        return await asyncio.shield(self.start())

    async def close(self) -> None:
        """Stop asking."""
        if self._loading is not None and not self._loading.done():
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)

    async def _load(self) -> Found:
        mark = self._fingerprint()
        if mark == self._seen and self.found:
            return self.found
        names = list(self._providers())
        answers = await asyncio.gather(*(self._ask(name) for name in names), return_exceptions=True)
        told: dict[str, Sequence[Model]] = {}
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, BaseException):
                if not isinstance(answer, Exception):
                    raise answer
            elif answer:
                told[name] = answer
        before = {name: self.found[name] for name in names if name in self.found}
        self.found = before | told
        self._seen = mark if len(told) == len(names) else object()
        return self.found
