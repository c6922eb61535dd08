"""The wire structs that are read on the identity path: a few fields each, everything else stays bytes."""

from typing import Annotated

import msgspec

Raw = msgspec.Raw
# The default of a member that is kept as it came. Not None: msgspec takes `Raw | None` for a union that admits null alone.
ABSENT = Raw()
MOST_TOKENS = 10**12  # a count above it is a lie, and unknown
# Tokens. A server that sends another number (1.0, -1) is read the lenient way, member by member.
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)] | None


class PromptDetails(msgspec.Struct, gc=False):
    """`usage.prompt_tokens_details`."""

    cached_tokens: Count = None
    cache_write_tokens: Count = None
    cache_creation_tokens: Count = None
    audio_tokens: Count = None


class CompletionDetails(msgspec.Struct, gc=False):
    """`usage.completion_tokens_details`."""

    reasoning_tokens: Count = None
    audio_tokens: Count = None


class WireUsage(msgspec.Struct, gc=False):
    """`usage`, with every place where real servers put cached tokens and cost."""

    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count = None  # DeepSeek
    cached_tokens: Count = None  # Moonshot
    num_cached_tokens: Count = None  # Mistral
    cache_read_input_tokens: Count = None  # Claude behind Databricks
    cache_creation_input_tokens: Count = None
    reasoning_tokens: Count = None  # Perplexity
    is_byok: bool | None = None
    cost: Raw = ABSENT  # a number at OpenRouter, an object at Perplexity
    cost_details: Raw = ABSENT
    cost_in_usd_ticks: Annotated[int, msgspec.Meta(ge=0)] | None = (
        None  # xAI: ten thousand millionths of a dollar
    )


class Choice(msgspec.Struct, gc=False):
    """One of `choices`, by its end alone."""

    finish_reason: str | None = None


class GroqExtra(msgspec.Struct, gc=False):
    """`x_groq`, where Groq's older streams keep their usage."""

    usage: Raw = ABSENT


class Envelope(msgspec.Struct, gc=False):
    """A whole reply, or one chunk of a stream."""

    choices: list[Choice] | None = None
    usage: Raw = ABSENT
    error: Raw = ABSENT
    x_groq: GroqExtra | None = None
    id: str | int | None = None
