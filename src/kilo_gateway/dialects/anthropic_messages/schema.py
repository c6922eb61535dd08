"""The wire structs that are read: the members we look at, everything else stays bytes."""

from typing import Annotated, Any, TypeVar

import msgspec

from kilo_gateway.dialects.body import Fields, raw_json, write_fields

NAME = "anthropic_messages"
Raw = msgspec.Raw
# The default of a member that is kept as it came. Not None: msgspec takes `Raw | None` for a union that admits null alone.
ABSENT = Raw()
MOST_TOKENS = 10**12  # a count above it is a lie, and unknown
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NOTHING = frozenset({b"", b"null"})  # a member that is absent, or as good as that
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)] | None
Wire = TypeVar("Wire")
_FIELDS = msgspec.json.Decoder(Fields)


class CacheControl(msgspec.Struct, gc=False):
    """`cache_control`: a breakpoint of the prompt cache."""

    type: str | None = None
    ttl: str | None = None


class Source(msgspec.Struct, gc=False):
    """Where the bytes of a picture or document are: base64, text, url, file or content."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: Raw = ABSENT


class Block(msgspec.Struct, gc=False):
    """A content block of any type; which members it has, its type says."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = ABSENT
    tool_use_id: str | None = None
    content: Raw = ABSENT
    is_error: bool | None = None
    source: Source | str | None = None
    title: str | None = None
    context: str | None = None
    tool_name: str | None = None
    citations: Raw = ABSENT
    cache_control: CacheControl | None = None


class Location(msgspec.Struct, gc=False):
    """A citation: a place in a document, on the web, or in a search result."""

    type: str | None = None
    cited_text: str | None = None
    document_index: int | None = None
    document_title: str | None = None
    title: str | None = None
    url: str | None = None
    source: str | None = None


class WireMessage(msgspec.Struct, gc=False):
    """One of `messages`."""

    role: str
    content: Raw = ABSENT


class WireTool(msgspec.Struct, gc=False):
    """One of `tools`: the client's own (no type, or "custom"), or one that the vendor knows by its type."""

    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: Raw = ABSENT
    strict: bool | None = None
    cache_control: CacheControl | None = None


class WireChoice(msgspec.Struct, gc=False):
    """`tool_choice`."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class WireThinking(msgspec.Struct, gc=False):
    """`thinking`."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class WireFormat(msgspec.Struct, gc=False):
    """`output_config.format`, once `output_format`."""

    type: str
    schema: Raw = ABSENT


class OutputConfig(msgspec.Struct, gc=False):
    """`output_config`."""

    effort: str | None = None
    format: WireFormat | None = None


class CacheCreation(msgspec.Struct, gc=False):
    """`usage.cache_creation`: cache writes by how long they are kept."""

    ephemeral_1h_input_tokens: Count = None


class OutputDetails(msgspec.Struct, gc=False):
    """`usage.output_tokens_details`."""

    thinking_tokens: Count = None


class Iteration(msgspec.Struct, gc=False):
    """One of `usage.iterations`: those of type "compaction" are beside the totals."""

    type: str | None = None
    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None


class WireUsage(msgspec.Struct, gc=False):
    """`usage`. `input_tokens` leaves out what was read from or written to the cache."""

    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    iterations: list[Iteration] | None = None
    service_tier: str | None = None
    cost: Annotated[float, msgspec.Meta(ge=0, le=10**6)] | None = None


class StopDetails(msgspec.Struct, gc=False):
    """`stop_details` of a refusal."""

    explanation: str | None = None


class Reply(msgspec.Struct, gc=False):
    """A whole reply, the message of `message_start`, or an error."""

    type: str | None = None
    id: str | None = None
    model: str | None = None
    content: Raw = ABSENT
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: Raw = ABSENT
    error: Raw = ABSENT
    input_tokens: Count = None


class BlockDelta(msgspec.Struct, gc=False):
    """`delta` of a content block or of the message."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Raw = ABSENT
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class StreamEvent(msgspec.Struct, gc=False):
    """The data of one event of a stream."""

    type: str | None = None
    index: int | None = None
    message: Raw = ABSENT
    content_block: Raw = ABSENT
    delta: Raw = ABSENT
    usage: Raw = ABSENT
    error: Raw = ABSENT


def fitted(data: bytes | Raw, decoder: msgspec.json.Decoder[Wire]) -> Wire | None:
    """A reply's object, read; members that are typed otherwise are left out. None if it is no JSON object."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        pass
    except UNREADABLE:
        return None
    try:
        fields = _FIELDS.decode(data)
        return decoder.decode(_fitting(fields, decoder))
    except UNREADABLE:
        return None


def _fitting(fields: Fields, decoder: msgspec.json.Decoder[Any]) -> bytes:
    kept: Fields = {}
    for name, value in fields.items():
        for shown in (value, _mended(value)):
            alone: Fields = {name: shown}
            try:
                decoder.decode(write_fields(alone))
            except msgspec.ValidationError as error:
                if "missing required" not in str(error):
                    continue
            except UNREADABLE:
                continue
            kept |= alone
            break
    return write_fields(kept)


def _mended(value: Raw) -> Raw:
    """A count that is written as another number (3.0) made whole; else the same."""
    try:
        number = msgspec.json.decode(value, type=float)
    except UNREADABLE:
        return value
    return raw_json(int(number)) if 0 <= number <= MOST_TOKENS else value


def is_nothing(raw: Raw) -> bool:
    """Whether a member is absent or null."""
    return bytes(memoryview(raw)[:5]) in NOTHING
