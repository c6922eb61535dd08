"""Conversation: the hub form of a request. Every dialect reads it from its own wire format and writes it to it.

    Conversation
      system       what stands before the first message
      messages     Message(role, parts)        parts: Text Media Thinking SealedThinking ToolCall ToolResult Refusal Opaque
      tools        Tool                        choice of tools: ToolChoice
      sampling  reasoning  output              how to answer
      account                                  for whom, how it is stored and cached

Rules
- Everything is frozen and closed: a part that no dialect shares is `Opaque`, kept as the bytes of the dialect it came in.
- Unknown is None (or "" where a text cannot be empty). Nothing is defaulted here: the target's own defaults hold.
- JSON that we only pass on (schemas, arguments) stays text: `ToolCall.arguments` is the model's own, `Raw` the client's.
- A signature or a sealed thought is worth something only to the vendor that made it: `vendor` says whose it is.
"""

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant"]
MediaKind = Literal["image", "document", "audio", "video"]
# Whose signatures and sealed thoughts these are; "" = unknown.
Vendor = Literal["anthropic", "google", "openai", "xai", ""]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
NO_RAW = msgspec.Raw()


class Cache(msgspec.Struct, frozen=True):
    """A cache breakpoint behind the part that carries it; `ttl` as the client wrote it ("5m", "1h"), "" = the usual."""

    ttl: str = ""


class Citation(msgspec.Struct, frozen=True):
    """Where a piece of text comes from: a place on the web, or a piece of a document (0-based `document`).

    `start` and `end` are characters of the text they stand at, where the vendor tells. `raw` is the vendor's own object.
    """

    url: str = ""
    title: str = ""
    quote: str = ""
    document: int | None = None
    start: int | None = None
    end: int | None = None
    raw: msgspec.Raw = NO_RAW
    dialect: str = ""


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Text of either side. `signature` is a vendor's mark on it (Gemini), to be sent back with it."""

    text: str
    cache: Cache | None = None
    citations: tuple[Citation, ...] = ()
    signature: str = ""
    vendor: Vendor = ""


class Media(msgspec.Struct, frozen=True, tag="media"):
    """A picture, document, sound or film: by `data` (base64), by `url`, by the vendor's `file_id`, or as plain `text`.

    `media_type` is "image/png" and the like, "" = not told. `detail` is how closely to look ("low", "high", "auto").
    """

    kind: MediaKind
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""
    text: str = ""
    name: str = ""
    detail: str = ""
    cache: Cache | None = None
    wants_citations: bool = False
    signature: str = ""
    vendor: Vendor = ""


class Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    """Thoughts that can be read: the model's own, or a summary of them. `id` is the vendor's id of the item, if it has one."""

    text: str
    signature: str = ""
    vendor: Vendor = ""
    is_summary: bool = False
    id: str = ""


class SealedThinking(msgspec.Struct, frozen=True, tag="sealed"):
    """Thoughts that only their vendor can read: redacted or encrypted."""

    data: str
    vendor: Vendor = ""
    id: str = ""


class ToolCall(msgspec.Struct, frozen=True, tag="call"):
    """A call of a client's tool. `arguments` is JSON text as the model wrote it ("" = none), or free text if `is_custom`.

    `signature` is a vendor's mark on the call (Gemini's thought signature).
    """

    id: str
    name: str
    arguments: str = ""
    is_custom: bool = False
    signature: str = ""
    vendor: Vendor = ""
    cache: Cache | None = None
    item_id: str = ""


class ToolResult(msgspec.Struct, frozen=True, tag="result"):
    """What a tool gave. `name` is that of its tool where the wire tells ("" = look at the call). `is_error`: it failed."""

    call_id: str
    parts: tuple["Text | Media", ...]
    name: str = ""
    is_error: bool = False
    is_custom: bool = False
    cache: Cache | None = None


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The model declined, in these words."""

    text: str


class Opaque(msgspec.Struct, frozen=True, tag="opaque"):
    """A part that only its own dialect has (server tools and their results, item references): `kind` names it."""

    dialect: str
    kind: str
    raw: msgspec.Raw = NO_RAW


Part = Text | Media | Thinking | SealedThinking | ToolCall | ToolResult | Refusal | Opaque


class Message(msgspec.Struct, frozen=True):
    """One turn. Tool results are parts of a user's message. A system message stands where it stood. `name` is the speaker's."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""


class Tool(msgspec.Struct, frozen=True):
    """A tool that the client offers. `parameters` is a JSON Schema object, absent if it takes none.

    `server` is not "" for a tool that the vendor runs: its type in `dialect`, whose whole definition is `raw`.
    `grammar` is what the free text for a custom tool must look like, written in `grammar_syntax` ("lark", "regex").
    """

    name: str
    description: str = ""
    parameters: msgspec.Raw = NO_RAW
    is_strict: bool | None = None
    is_custom: bool = False
    cache: Cache | None = None
    server: str = ""
    dialect: str = ""
    raw: msgspec.Raw = NO_RAW
    grammar: str = ""
    grammar_syntax: str = ""


class ToolChoice(msgspec.Struct, frozen=True):
    """Whether tools are called: `mode` None = not said; "tool" = the one of that `name`. `allowed` narrows them down."""

    mode: Literal["auto", "none", "required", "tool"] | None = None
    name: str = ""
    allowed: tuple[str, ...] = ()
    is_parallel: bool | None = None


class Sampling(msgspec.Struct, frozen=True):
    """How tokens are drawn, and how many."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    count: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: msgspec.Raw = NO_RAW


class Reasoning(msgspec.Struct, frozen=True):
    """How much to think. `is_on` None = not said. At most one of `effort` and `budget_tokens` is usual; both may come.

    `is_adaptive`: the model decides. `is_shown` False = keep the thoughts to yourself. `summary` is the wanted kind
    ("auto", "concise", "detailed").
    """

    is_on: bool | None = None
    effort: Effort | None = None
    budget_tokens: int | None = None
    is_adaptive: bool = False
    is_shown: bool | None = None
    summary: str = ""


class OutputFormat(msgspec.Struct, frozen=True):
    """What the answer must look like. `schema` is a JSON Schema if `kind` is "schema"."""

    kind: Literal["text", "json", "schema"] = "text"
    schema: msgspec.Raw = NO_RAW
    name: str = ""
    description: str = ""
    is_strict: bool | None = None
    verbosity: str = ""
    modalities: tuple[str, ...] = ()


class Account(msgspec.Struct, frozen=True):
    """For whom the call is, and how the vendor keeps it. `metadata` is a JSON object of the client's own labels."""

    user: str = ""
    cache_key: str = ""
    service_tier: str = ""
    metadata: msgspec.Raw = NO_RAW
    is_stored: bool | None = None


class Conversation(msgspec.Struct, frozen=True):
    """One request for an answer.

    `unknown` are members of the body that the dialect's reader does not know, by name: other dialects cannot carry them.
    `needs` are members that only this dialect's own vendors can honour, and without which the answer would be another one
    (what they keep of earlier calls, for instance): `features.lost` refuses to write such a request in another dialect.
    """

    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    sampling: Sampling = Sampling()
    reasoning: Reasoning = Reasoning()
    output: OutputFormat = OutputFormat()
    account: Account = Account()
    is_stream: bool = False
    wants_usage: bool = False
    unknown: tuple[str, ...] = ()
    dialect: str = ""
    needs: tuple[str, ...] = ()


def is_given(raw: msgspec.Raw) -> bool:
    """Whether a JSON value is there and is not null."""
    return bytes(raw) not in {b"", b"null"}
