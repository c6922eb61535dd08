"""The wire structs that are read: replies and their events, requests and their items; everything else stays bytes."""

from typing import Annotated, Any, TypeVar

import msgspec

from kilo_gateway.dialects.body import Fields, write_fields

Raw = msgspec.Raw
# The default of a member that is kept as it came. Not None: msgspec takes `Raw | None` for a union that admits null alone.
ABSENT = Raw()
NOTHING = frozenset({b"", b"null"})  # a member that is absent, or as good as that
MOST_TOKENS = 10**12  # a count above it is a lie, and unknown
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)] | None
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Wire = TypeVar("Wire")
FIELDS: msgspec.json.Decoder[Fields] = msgspec.json.Decoder(Fields)


class InputDetails(msgspec.Struct, gc=False):
    """`usage.input_tokens_details`."""

    cached_tokens: Count = None
    cache_write_tokens: Count = None
    audio_tokens: Count = None


class OutputDetails(msgspec.Struct, gc=False):
    """`usage.output_tokens_details`."""

    reasoning_tokens: Count = None
    audio_tokens: Count = None


class WireUsage(msgspec.Struct, gc=False):
    """`usage`, with the places where OpenRouter and xAI put the cost."""

    input_tokens: Count = None
    output_tokens: Count = None
    total_tokens: Count = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None
    is_byok: bool | None = None
    cost: Raw = ABSENT
    cost_details: Raw = ABSENT
    # xAI: ten thousand millionths of a dollar
    cost_in_usd_ticks: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Incomplete(msgspec.Struct, gc=False):
    """`incomplete_details`."""

    reason: str | None = None


class Reply(msgspec.Struct, gc=False):
    """A Response object: a whole reply, or what an event tells of it."""

    id: str | None = None
    model: str | None = None
    created_at: float | None = None
    status: str | None = None
    error: Raw = ABSENT
    incomplete_details: Incomplete | None = None
    output: list[Raw] | None = None
    usage: Raw = ABSENT
    service_tier: str | None = None


class WireEvent(msgspec.Struct, gc=False):
    """One event of a stream, of whichever type."""

    type: str = ""
    response: Raw = ABSENT
    error: Raw = ABSENT
    item: Raw = ABSENT
    part: Raw = ABSENT
    annotation: Raw = ABSENT
    item_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    logprobs: Raw = ABSENT


class Item(msgspec.Struct, gc=False):
    """One item of `input` or `output`, by the members that the hub has a place for. Absent and null are alike."""

    type: str | None = None
    role: str | None = None
    id: str | None = None
    content: str | list[Raw] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[Raw] | None = None
    summary: list[Raw] | None = None
    encrypted_content: str | None = None
    result: str | None = None
    output_format: str | None = None
    phase: str | None = None
    namespace: str | None = None


class Head(msgspec.Struct, gc=False):
    """What kind of item or part something is."""

    type: str | None = None
    role: str | None = None


class Sound(msgspec.Struct, gc=False):
    """`input_audio` of a part."""

    data: str | None = None
    format: str | None = None


class ContentPart(msgspec.Struct, gc=False):
    """One part of a message, or of a tool's output."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    video_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: Sound | None = None
    annotations: list[Raw] | None = None
    logprobs: Raw = ABSENT
    prompt_cache_breakpoint: Raw = ABSENT


class Annotation(msgspec.Struct, gc=False):
    """Where a piece of an answer comes from."""

    type: str | None = None
    url: str | None = None
    title: str | None = None
    filename: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Format(msgspec.Struct, gc=False):
    """`text.format`."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class TextOptions(msgspec.Struct, gc=False):
    """`text`."""

    format: Format | None = None
    verbosity: str | None = None


class WireReasoning(msgspec.Struct, gc=False):
    """`reasoning`."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    context: str | None = None
    mode: str | None = None


class WireFunction(msgspec.Struct, gc=False):
    """A function as Chat Completions nests it, which some clients send here, too."""

    name: str | None = None
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None


class Grammar(msgspec.Struct, gc=False):
    """`format` of a custom tool."""

    type: str | None = None
    syntax: str | None = None
    definition: str | None = None


class WireTool(msgspec.Struct, gc=False):
    """One of `tools`."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None
    function: WireFunction | None = None
    format: Grammar | None = None
    defer_loading: bool | None = None


class WireChoice(msgspec.Struct, gc=False):
    """`tool_choice` as an object."""

    type: str | None = None
    name: str | None = None
    mode: str | None = None
    tools: list["WireChoice"] | None = None


def decode_leniently(decoder: msgspec.json.Decoder[Wire], data: bytes | Raw) -> Wire | None:
    """The struct; of an object with members of other types, those that fit; None for what is no JSON object."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        fitting: Wire | None = _fitting(decoder, data)
        return fitting
    except UNREADABLE:
        return None


def _fitting(decoder: msgspec.json.Decoder[Any], data: bytes | Raw) -> Any:
    try:
        fields = FIELDS.decode(data)
        names = {field.encode_name for field in msgspec.structs.fields(decoder.type)}
    except UNREADABLE:
        return None
    kept: Fields = {}
    for name, value in fields.items():
        if name not in names:
            continue
        alone: Fields = {name: value}
        try:
            decoder.decode(write_fields(alone))
        except UNREADABLE:
            continue
        kept |= alone
    return decoder.decode(write_fields(kept))
