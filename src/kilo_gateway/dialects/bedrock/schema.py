"""The wire structs that are read: the members we look at, everything else stays bytes."""

from typing import Annotated, Any, TypeVar

import msgspec

from kilo_gateway.dialects.body import Fields, raw_json, write_fields

NAME = "bedrock"
Raw = msgspec.Raw
# The default of a member that is kept as it came. Not None: msgspec takes `Raw | None` for a union that admits null alone.
ABSENT = Raw()
MOST_TOKENS = 10**12  # a count above it is a lie, and unknown
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NOTHING = frozenset({b"", b"null"})  # a member that is absent, or as good as that
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)] | None
Wire = TypeVar("Wire")
_FIELDS = msgspec.json.Decoder(Fields)


class WireModel(msgspec.Struct, gc=False, rename="camel"):
    """What has the service's names: `toolUseId`."""


class S3Location(WireModel):
    """An object in S3."""

    uri: str = ""


class Source(WireModel):
    """Where the bytes of a picture, document, sound or film are. `bytes` is base64."""

    bytes: str | None = None
    s3_location: S3Location | None = msgspec.field(default=None, name="s3Location")
    text: str | None = None
    content: Raw = ABSENT


class Enabled(WireModel):
    """`citations` of a document."""

    enabled: bool | None = None


class WireMedia(WireModel):
    """`image`, `document`, `audio` or `video`."""

    format: str | None = None
    name: str | None = None
    context: str | None = None
    source: Source | None = None
    citations: Enabled | None = None


class ToolUse(WireModel):
    """`toolUse`: a call; of the service's own tools if `type` is "server_tool_use"."""

    tool_use_id: str | None = None
    name: str | None = None
    input: Raw = ABSENT
    type: str | None = None


class WireResult(WireModel):
    """`toolResult`: with a `type` it is one of the service's own tools."""

    tool_use_id: str | None = None
    content: Raw = ABSENT
    status: str | None = None
    type: str | None = None


class ReasoningText(WireModel):
    """Thoughts that can be read."""

    text: str | None = None
    signature: str | None = None


class ReasoningContent(WireModel):
    """`reasoningContent`: thoughts, or such as only their vendor can read (`redactedContent`, base64)."""

    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class Said(WireModel):
    """A piece of text."""

    text: str | None = None


class CitationsContent(WireModel):
    """`citationsContent`: text with where it comes from."""

    content: list[Said] | None = None
    citations: list[Raw] | None = None


class SearchResult(WireModel):
    """`searchResult`: a document of a search."""

    source: str | None = None
    title: str | None = None
    content: list[Said] | None = None
    citations: Enabled | None = None


class CachePoint(WireModel):
    """`cachePoint`: a breakpoint of the prompt cache."""

    type: str | None = None
    ttl: str | None = None


class GuardText(WireModel):
    """`guardContent.text`."""

    text: str | None = None


class GuardContent(WireModel):
    """`guardContent`: text or a picture that a guardrail looks at in particular."""

    text: GuardText | None = None
    image: WireMedia | None = None


class Block(WireModel):
    """A content block: a union, of whose members one is there."""

    text: str | None = None
    image: WireMedia | None = None
    document: WireMedia | None = None
    audio: WireMedia | None = None
    video: WireMedia | None = None
    tool_use: ToolUse | None = None
    tool_result: WireResult | None = None
    reasoning_content: ReasoningContent | None = None
    citations_content: CitationsContent | None = None
    search_result: SearchResult | None = None
    guard_content: GuardContent | None = None
    cache_point: CachePoint | None = None
    json: Raw = ABSENT


class WireMessage(WireModel):
    """One of `messages`."""

    role: str
    content: Raw = ABSENT


class InputSchema(WireModel):
    """`inputSchema` of a tool."""

    json: Raw = ABSENT


class ToolSpec(WireModel):
    """`toolSpec`: a tool of the client's."""

    name: str | None = None
    description: str | None = None
    input_schema: InputSchema | None = None
    strict: bool | None = None


class Named(WireModel):
    """A tool that is chosen, or one that the service runs."""

    name: str | None = None


class WireTool(WireModel):
    """One of `toolConfig.tools`: a union."""

    tool_spec: ToolSpec | None = None
    system_tool: Named | None = None
    cache_point: CachePoint | None = None


class WireChoice(WireModel):
    """`toolConfig.toolChoice`: a union."""

    auto: Raw = ABSENT
    any: Raw = ABSENT
    tool: Named | None = None


class ToolConfig(WireModel):
    """`toolConfig`."""

    tools: list[Raw] | None = None
    tool_choice: WireChoice | None = None


class InferenceConfig(WireModel):
    """`inferenceConfig`."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] | None = None


class JsonSchema(WireModel):
    """`outputConfig.textFormat.structure.jsonSchema`; the schema is JSON in a text."""

    schema: str | None = None
    name: str | None = None
    description: str | None = None


class Structure(WireModel):
    """`outputConfig.textFormat.structure`."""

    json_schema: JsonSchema | None = None


class TextFormat(WireModel):
    """`outputConfig.textFormat`."""

    type: str | None = None
    structure: Structure | None = None


class OutputConfig(WireModel):
    """`outputConfig`."""

    text_format: TextFormat | None = None
    effort: str | None = None


class Tier(WireModel):
    """`serviceTier`."""

    type: str | None = None


class CacheDetail(WireModel):
    """One of `usage.cacheDetails`: cache writes by how long they are kept."""

    ttl: str | None = None
    input_tokens: Count = None


class WireUsage(WireModel):
    """`usage`. `inputTokens` leaves out what was read from or written to the cache."""

    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_write_input_tokens: Count = None
    cache_details: list[CacheDetail] | None = None
    cost: Annotated[float, msgspec.Meta(ge=0, le=10**6)] | None = None


class WireAnswer(WireModel):
    """The message of a reply."""

    role: str | None = None
    content: Raw = ABSENT


class Output(WireModel):
    """`output` of a reply."""

    message: WireAnswer | None = None


class Reply(WireModel):
    """A whole reply, or an error (`message`; some tell it as `Message`)."""

    output: Output | None = None
    stop_reason: str | None = None
    usage: Raw = ABSENT
    service_tier: Tier | None = None
    message: str | None = None
    type: str | None = msgspec.field(default=None, name="__type")


class ReasoningDelta(WireModel):
    """More of `reasoningContent`."""

    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class InputDelta(WireModel):
    """More of a call's arguments, as text."""

    input: str | None = None


class BlockDelta(WireModel):
    """`delta` of a content block: a union."""

    text: str | None = None
    tool_use: InputDelta | None = None
    tool_result: list[Raw] | None = None
    reasoning_content: ReasoningDelta | None = None
    citation: Raw = ABSENT
    image: WireMedia | None = None


class BlockStart(WireModel):
    """`start` of a content block: a union; a text has none."""

    tool_use: ToolUse | None = None
    tool_result: WireResult | None = None
    image: WireMedia | None = None


class StreamEvent(WireModel):
    """The payload of an event, of any type."""

    content_block_index: int | None = None
    start: BlockStart | None = None
    delta: BlockDelta | None = None
    stop_reason: str | None = None
    usage: Raw = ABSENT
    service_tier: Tier | None = None
    message: str | None = None
    original_status_code: int | None = None
    original_message: str | None = None


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
