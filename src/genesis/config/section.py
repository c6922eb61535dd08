"""What every part of the settings is made of: sections with strict keys, secrets, and the words that several share."""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, UnsetType
from typing_extensions import override

from genesis.core.secret import Secret

T = TypeVar("T")
# Fields of settings that take any text, also keys.
_UNSHOWN = frozenset({"headers", "request", "params", "config"})

GATEWAY_PORT = 18789
Thinking = Literal["off", "minimal", "low", "medium", "high", "xhigh", "adaptive", "max"]
Api = Literal["openai-completions", "anthropic-messages"]
PositiveFloat = Annotated[float, Meta(ge=0)]
PositiveInt = Annotated[int, Meta(ge=0)]


class Section(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A group of settings: a key that it does not know is an issue."""

    @override
    def __repr__(self) -> str:
        """Without what may have a key in it."""
        shown = (
            f"{name}={'***' if name in _UNSHOWN and value else repr(value)}"
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not None
        )
        return f"{type(self).__name__}({', '.join(shown)})"


class SecretRef(Section, frozen=True, kw_only=True):
    """Names a secret that is kept elsewhere, so that the file does not hold it."""

    source: Annotated[
        Literal["env"], Meta(description="Where the secret is: an environment variable.")
    ]
    provider: Annotated[
        str, Meta(description="Which store of that kind; `default` is the only one.")
    ] = "default"
    id: Annotated[str, Meta(description="The name of the environment variable.", min_length=1)]


class SecretSetting:
    """A secret as the settings give it: the text itself, or a reference. Has no printed form.

    `literal` may also be the name of an environment variable (a marker): whoever uses it decides.
    """

    __slots__ = ("literal", "ref")

    def __init__(self, literal: Secret | None = None, ref: SecretRef | None = None) -> None:
        self.literal = literal
        self.ref = ref


def given(value: T | UnsetType, otherwise: T) -> T:
    """The value if the file gives it."""
    return otherwise if isinstance(value, UnsetType) else value
