"""The wire structs that are read: a few fields each on the identity path, more of them where a reply is translated."""

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


# --- what is read to translate: a reply's message, a chunk's delta, an assistant's message in a request -----------


class Function(msgspec.Struct, gc=False):
    """`tool_calls[].function`. Some servers write the arguments as an object instead of text."""

    name: str | None = None
    arguments: Raw = ABSENT


class Custom(msgspec.Struct, gc=False):
    """`tool_calls[].custom`: free text in."""

    name: str | None = None
    input: str | None = None


class GoogleExtra(msgspec.Struct, gc=False):
    """`extra_content.google`."""

    thought_signature: str | None = None


class ExtraContent(msgspec.Struct, gc=False):
    """`extra_content`, Gemini's place for what OpenAI's wire has no place for."""

    google: GoogleExtra | None = None


class WireCall(msgspec.Struct, gc=False):
    """One of `tool_calls`."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: ExtraContent | None = None


class Detail(msgspec.Struct, gc=False):
    """One of `reasoning_details`, as OpenRouter and others write them."""

    type: str = ""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None
    format: str | None = None
    id: str | None = None
    index: int | None = None


class Sound(msgspec.Struct, gc=False):
    """`audio` of a reply."""

    id: str | None = None
    data: str | None = None
    transcript: str | None = None


class Turn(msgspec.Struct, gc=False):
    """What an assistant says: a whole message, or a delta of one."""

    content: str | list[Raw] | dict[str, Raw] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[WireCall] | None = None
    function_call: Function | None = None
    refusal: str | None = None
    annotations: list[Raw] | None = None
    audio: Sound | None = None
    images: list[Raw] | None = None
    executed_tools: list[Raw] | None = None  # Groq's own tools
    extra_content: ExtraContent | None = None


class WireLogprobs(msgspec.Struct, gc=False):
    """`logprobs` of a choice; what other servers keep here is not read."""

    content: Raw = ABSENT


class Alternative(msgspec.Struct, gc=False):
    """One of `choices`, with what it says."""

    index: int | None = None
    message: Turn | None = None
    delta: Turn | None = None
    text: str | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    logprobs: Raw = ABSENT


class Source(msgspec.Struct, gc=False):
    """One of Perplexity's `search_results`."""

    url: str | None = None
    title: str | None = None


class Chunk(msgspec.Struct, gc=False):
    """A whole reply, or one chunk of a stream, with all that is translated."""

    id: str | int | None = None
    model: str | None = None
    created: int | float | None = None
    service_tier: str | None = None
    choices: list[Alternative] | None = None
    usage: Raw = ABSENT
    x_groq: GroqExtra | None = None
    error: Raw = ABSENT
    search_results: list[Source] | None = None
    citations: list[str] | None = None
