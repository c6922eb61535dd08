"""Limits that vendors put on a request: what is beyond them is left out, by name, instead of a refusal of the whole."""

import msgspec

from kilo_gateway.dialects.conversation import Conversation

# The quirk of servers that take four stop sequences and refuse a fifth.
FOUR_STOPS = "four_stops"
_STOPS = {"gemini": 5}


def most_stops(dialect: str, quirks: frozenset[str]) -> int | None:
    """How many stop sequences an upstream takes; None where no limit is known."""
    if dialect == "openai_chat" and FOUR_STOPS in quirks:
        return 4
    return _STOPS.get(dialect)


def within(
    conversation: Conversation, dialect: str, quirks: frozenset[str]
) -> tuple[Conversation, tuple[str, ...]]:
    """The conversation within the limits of an upstream, and the names of what is beyond."""
    most = most_stops(dialect, quirks)
    sampling = conversation.sampling
    if most is None or len(sampling.stop) <= most:
        return conversation, ()
    kept = msgspec.structs.replace(sampling, stop=sampling.stop[:most])
    return msgspec.structs.replace(conversation, sampling=kept), (f"stop after {most}",)
