"""Deployment: one model at one upstream. Facts only; health lives in the router."""

from typing import Literal

import msgspec

from kilo_gateway.core.money import Price

# What a call asks for. "chat" is an answer to a conversation, in whichever dialect it is asked.
Operation = Literal[
    "chat",
    "completions",
    "embeddings",
    "count_tokens",
    "fim",
    "rerank",
    "moderations",
    "transcriptions",
    "speech",
    "images",
]


class Limits(msgspec.Struct, frozen=True, gc=False):
    """Sizes in tokens; None where unknown."""

    context: int | None = None
    output: int | None = None


class Width(msgspec.Struct, frozen=True, gc=False):
    """How many numbers an embedding has: `most` at the most, or always (`is_fixed`)."""

    most: int
    is_fixed: bool = False


class Site(msgspec.Struct, frozen=True):
    """What is known of the upstream where a deployment is, as far as clients may have wishes about it.

    `names` are those that clients may call it by (its own, its vendor's), lower case. `is_router`: it asks others in turn,
    and minds the client's wishes itself. `collects_data`: it may keep prompts or train on them; `keeps_nothing`: it keeps no
    data at all; None where nobody told. `quantization` is the precision of its models, "" where unknown.
    """

    names: frozenset[str] = frozenset()
    is_router: bool = False
    collects_data: bool | None = None
    keeps_nothing: bool | None = None
    quantization: str = ""


NO_SITE = Site()


class Deployment(msgspec.Struct, frozen=True):
    """One model at one upstream.

    `model` is the name clients use (`openai/gpt-5`), `upstream_model` the name that the upstream wants in the body.
    `capabilities` are words such as "tools", "vision", "reasoning", "structured"; absent means no.
    `speaks` are the dialects in which it can be asked, with the operations of each, the preferred first. `id` is `upstream/upstream_model`. `operations` are those that the upstream serves for it. Candidates of equal `priority` (lower is first) share by
    `weight`; those of a later `place` come after all of an earlier one (an alias has several), and `policy` names the order among
    those of one model. `parameters` are the request fields that it is known to take, in OpenRouter's words (none: not known).
    `width` is that of its embeddings, None where unknown.
    """

    upstream: str
    model: str
    upstream_model: str
    dialect: str
    operations: tuple[Operation, ...] = ("chat", "completions")
    capabilities: frozenset[str] = frozenset()
    limits: Limits = Limits()
    price: Price | None = None
    priority: int = 0
    weight: int = 1
    speaks: tuple[tuple[str, tuple[Operation, ...]], ...] = ()
    width: Width | None = None
    policy: str = "priority"
    place: int = 0
    parameters: frozenset[str] = frozenset()
    site: Site = NO_SITE

    id: str = ""

    def __post_init__(self) -> None:
        """`id`, the identity, always follows from the other fields; kept, since every call asks for it. So does `speaks`."""
        msgspec.structs.force_setattr(self, "id", f"{self.upstream}/{self.upstream_model}")
        if not self.speaks:
            own = ((self.dialect, self.operations),)
            msgspec.structs.force_setattr(self, "speaks", own)

    def spoken(self, dialect: str, operation: Operation) -> str | None:
        """The dialect in which it is asked by a client of `dialect`: the same if it can be, else its own; None = not at all."""
        own: str | None = None
        for name, operations in self.speaks:
            if operation in operations:
                if name == dialect:
                    return name
                own = own or name
        return own
