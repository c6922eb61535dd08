"""Secret: a text that has no printed form, so that it cannot reach a screen, a log or an exception by accident."""

from typing import final

from typing_extensions import override


@final
class Secret:
    """A key or token. `reveal()` is for the header that carries it and the store that keeps it, nothing else."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    @override
    def __hash__(self) -> int:
        return hash(self._text)

    @override
    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__
