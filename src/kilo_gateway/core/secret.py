"""Secret: a string that neither prints nor logs itself."""

from typing import final

from typing_extensions import override


@final
class Secret:
    """Holds a credential. `reveal()` is the only way to its text; str, repr and format show asterisks."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The credential itself: for the header it belongs in, nowhere else."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    @override
    def __hash__(self) -> int:
        return hash((Secret, self._text))

    @override
    def __repr__(self) -> str:
        return "Secret(***)"

    @override
    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is not pickled")
