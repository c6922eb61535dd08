"""The wire structs that are read of replies. Requests are read member by member (`members`): they come in two spellings."""

from typing import Annotated

import msgspec

Raw = msgspec.Raw
# The default of a member that is kept as it came. Not None: msgspec takes `Raw | None` for a union that admits null alone.
ABSENT = Raw()
MOST_TOKENS = 10**12  # a count above it is a lie, and unknown
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)] | None


class Wire(msgspec.Struct, rename="camel", gc=False):
    """What all of them share: members are written in camelCase."""


class ModalityCount(Wire):
    """One of `promptTokensDetails`: tokens of one modality, by name or (on Vertex, if asked so) by number."""

    modality: str | int | None = None
    token_count: Count = None


class WireUsage(Wire):
    """`usageMetadata`. A count of 0 is left out on the wire."""

    prompt_token_count: Count = None
    cached_content_token_count: Count = None
    candidates_token_count: Count = None
    thoughts_token_count: Count = None
    tool_use_prompt_token_count: Count = None
    total_token_count: Count = None
    prompt_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None
    service_tier: str | None = None


class PromptFeedback(Wire):
    """`promptFeedback`: why a prompt was blocked."""

    block_reason: str | int | None = None


class CandidateEnd(Wire):
    """One of `candidates`, by its end alone."""

    finish_reason: str | int | None = None


class Envelope(Wire):
    """A whole reply or one chunk of a stream, as the identity path looks at it."""

    candidates: list[CandidateEnd] | None = None
    usage_metadata: Raw = ABSENT
    prompt_feedback: PromptFeedback | None = None
    error: Raw = ABSENT


class Content(Wire):
    """`content` of a candidate; each part is read on its own."""

    parts: list[Raw] | None = None


class Web(Wire):
    """`web`, `retrievedContext` or `maps` of a grounding chunk."""

    uri: str | None = None
    title: str | None = None


class GroundingChunk(Wire):
    """One source."""

    web: Web | None = None
    retrieved_context: Web | None = None
    maps: Web | None = None


class Segment(Wire):
    """A piece of the text, in bytes of UTF-8."""

    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class GroundingSupport(Wire):
    """Which sources hold up a piece of the text."""

    segment: Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class Grounding(Wire):
    """`groundingMetadata`."""

    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[GroundingSupport] | None = None


class WireCitation(Wire):
    """One of `citationMetadata.citations`."""

    uri: str | None = None
    title: str | None = None


class CitationMetadata(Wire):
    """`citationMetadata`: what the model recited."""

    citations: list[WireCitation] | None = None


class Likely(Wire):
    """A token in `logprobsResult`."""

    token: str = ""
    log_probability: float = 0.0


class LikelyAt(Wire):
    """One of `topCandidates`: what was likely at one place."""

    candidates: list[Likely] | None = None


class LogprobsResult(Wire):
    """`logprobsResult`: what was chosen, and what was likely, place by place."""

    chosen_candidates: list[Likely] | None = None
    top_candidates: list[LikelyAt] | None = None


class Candidate(Wire):
    """One of `candidates`."""

    content: Content | None = None
    finish_reason: str | int | None = None
    index: int | None = None
    grounding_metadata: Grounding | None = None
    citation_metadata: CitationMetadata | None = None
    logprobs_result: LogprobsResult | None = None


class Chunk(Wire):
    """A whole reply or one chunk of a stream, as it is translated."""

    candidates: list[Candidate] | None = None
    usage_metadata: Raw = ABSENT
    prompt_feedback: PromptFeedback | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    error: Raw = ABSENT


class PartialArg(Wire):
    """A piece of one argument, while arguments are streamed."""

    json_path: str = ""
    string_value: str | None = None
    number_value: Raw = ABSENT
    bool_value: bool | None = None
    null_value: Raw = ABSENT


class FunctionCall(Wire):
    """`functionCall`. Without a name it goes on with the one before."""

    id: str | None = None
    name: str | None = None
    args: Raw = ABSENT
    partial_args: list[PartialArg] | None = None
    will_continue: bool | None = None


class Blob(Wire):
    """`inlineData`."""

    mime_type: str | None = None
    data: str | None = None


class FileData(Wire):
    """`fileData`."""

    mime_type: str | None = None
    file_uri: str | None = None


class WirePart(Wire):
    """One of `parts`. What is none of these is kept whole."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    executable_code: Raw = ABSENT
    code_execution_result: Raw = ABSENT
    tool_call: Raw = ABSENT
    tool_response: Raw = ABSENT
