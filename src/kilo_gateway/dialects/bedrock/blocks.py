"""Content blocks of requests and replies as parts of the hub form.

text  image  document  audio  video  toolUse  toolResult  reasoningContent  citationsContent    have a part of their own
searchResult     a document of plain text under its title and source
guardContent     its text, or its picture; that a guardrail looks at it in particular is noted
cachePoint       a mark on the part before it
all others (the service's own tools and their results, what is new)                           Opaque, byte for byte
"""

from collections.abc import Callable, Iterator

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.bedrock.marks import read_sealed, read_signature
from kilo_gateway.dialects.bedrock.media import media_of
from kilo_gateway.dialects.bedrock.schema import (
    NAME,
    UNREADABLE,
    Block,
    CachePoint,
    CitationsContent,
    GuardContent,
    Raw,
    ReasoningContent,
    SearchResult,
    ToolUse,
    WireMedia,
    WireModel,
    WireResult,
    fitted,
    is_nothing,
)
from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.conversation import (
    Cache,
    Citation,
    Media,
    MediaKind,
    Opaque,
    Part,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)


class _Web(WireModel):
    url: str | None = None


class _Place(WireModel):
    document_index: int | None = None
    search_result_index: int | None = None


class _Location(WireModel):
    web: _Web | None = None
    document_char: _Place | None = None
    document_page: _Place | None = None
    document_chunk: _Place | None = None
    search_result_location: _Place | None = None


class _Quoted(WireModel):
    text: str | None = None


class _Told(WireModel):
    title: str | None = None
    source: str | None = None
    source_content: list[_Quoted] | None = None
    location: _Location | None = None


_RAWS = msgspec.json.Decoder(list[Raw])
_BLOCK = msgspec.json.Decoder(Block)
_FIELDS = msgspec.json.Decoder(Fields)
_CITATION = msgspec.json.Decoder(_Told)
# Types of calls and results of the client's tools; of others, the service runs the tool.
OWN_CALL = frozenset({None, "", "tool_use"})
OWN_RESULT = frozenset({None, "", "tool_result"})
_CACHEABLE = (Text, Media, ToolCall, ToolResult)
_KINDS: tuple[MediaKind, ...] = ("image", "document", "audio", "video")


class Blocks:
    """Reads blocks. `is_lenient`: a reply is read whatever it holds; of a request, what is not as it should be is a Fault.
    `noted` takes the names of what has no place in a part.
    """

    def __init__(self, *, is_lenient: bool, noted: Callable[[str], None] = lambda _: None) -> None:
        self._is_lenient = is_lenient
        self._noted = noted

    def parts(self, raw: Raw, where: str) -> tuple[Part, ...]:
        """The parts of a `content`: an array of blocks."""
        if is_nothing(raw):
            return ()
        try:
            raws = _RAWS.decode(raw)
        except UNREADABLE:
            if self._is_lenient:
                return ()
            raise Fault(
                Kind.INVALID_REQUEST,
                f"The field {where} must be an array of content blocks.",
                param=where,
            ) from None
        parts: list[Part] = []
        for index, one in enumerate(raws):
            self._add(parts, one, f"{where}[{index}]")
        return tuple(parts)

    def _add(self, parts: list[Part], raw: Raw, where: str) -> None:
        block = self._block(raw, where)
        if block.cache_point is not None:
            self._mark(parts, block.cache_point)
            return
        cited = block.citations_content
        if cited is not None:
            self._cite(parts, cited)
            return
        parts.append(self._part(block, raw, where))

    def _block(self, raw: Raw, where: str) -> Block:
        if self._is_lenient:
            return fitted(raw, _BLOCK) or Block()
        try:
            return _BLOCK.decode(raw)
        except UNREADABLE as error:
            raise invalid(where, error) from None

    def _mark(self, parts: list[Part], point: CachePoint) -> None:
        """The part before the point carries it."""
        last = parts[-1] if parts else None
        if isinstance(last, _CACHEABLE):
            parts[-1] = msgspec.structs.replace(last, cache=cache_of(point))
        else:
            self._noted("cachePoint")

    @staticmethod
    def _cite(parts: list[Part], cited: CitationsContent) -> None:
        """Text with its citations; without a text of its own they belong to the text before it."""
        text = "".join(one.text or "" for one in cited.content or ())
        citations = tuple(citation_of(raw) for raw in cited.citations or ())
        last = parts[-1] if parts else None
        if not text and isinstance(last, Text):
            parts[-1] = msgspec.structs.replace(last, citations=last.citations + citations)
        else:
            parts.append(Text(text, citations=citations))

    def _part(self, block: Block, raw: Raw, where: str) -> Part:
        if block.text is not None:
            return Text(block.text)
        if block.tool_use is not None and block.tool_use.type in OWN_CALL:
            return self._call(block.tool_use, where)
        if block.tool_result is not None and block.tool_result.type in OWN_RESULT:
            return self._result(block.tool_result, where)
        if block.reasoning_content is not None:
            return thought_of(block.reasoning_content)
        return self._other(block) or opaque_of(raw)

    def _other(self, block: Block) -> Part | None:
        if block.guard_content is not None:
            self._noted("guardContent")
            return _guarded(block.guard_content)
        if block.search_result is not None:
            return _found(block.search_result)
        for kind in _KINDS:
            wire: WireMedia | None = getattr(block, kind)
            if wire is not None:
                if wire.context:
                    self._noted("document context")
                return media_of(kind, wire)
        return None if is_nothing(block.json) else Text(bytes(block.json).decode(errors="replace"))

    def _call(self, wire: ToolUse, where: str) -> ToolCall:
        if not (wire.name or self._is_lenient):
            raise _missing(f"{where}.toolUse.name")
        arguments = "" if is_nothing(wire.input) else bytes(wire.input).decode(errors="replace")
        return ToolCall(wire.tool_use_id or "", wire.name or "", arguments)

    def _result(self, wire: WireResult, where: str) -> ToolResult:
        if not (wire.tool_use_id or self._is_lenient):
            raise _missing(f"{where}.toolResult.toolUseId")
        parts = self.parts(wire.content, f"{where}.toolResult.content")
        return ToolResult(
            wire.tool_use_id or "",
            tuple(self._shown(parts)),
            is_error=wire.status == "error",
        )

    def _shown(self, parts: tuple[Part, ...]) -> Iterator[Text | Media]:
        for part in parts:
            if isinstance(part, Text | Media):
                yield part
            elif isinstance(part, Opaque):
                self._noted(f"{part.kind} in toolResult")
                yield Text(bytes(part.raw).decode(errors="replace"))


def cache_of(point: CachePoint) -> Cache:
    """A breakpoint."""
    return Cache(point.ttl or "")


def thought_of(wire: ReasoningContent) -> Thinking | SealedThinking:
    """Thoughts, readable or not."""
    if wire.reasoning_text is None and wire.redacted_content is not None:
        return SealedThinking(*read_sealed(wire.redacted_content))
    text = wire.reasoning_text
    if text is None:
        return Thinking("")
    return Thinking(text.text or "", *read_signature(text.signature or ""))


def citation_of(raw: Raw) -> Citation:
    """One citation, whose own bytes are kept."""
    told = fitted(raw, _CITATION) or _Told()
    location = told.location or _Location()
    place = location.document_char or location.document_page or location.document_chunk
    quote = "".join(one.text or "" for one in told.source_content or ())
    url = (location.web.url or "") if location.web is not None else ""
    if not url and "://" in (told.source or ""):
        url = told.source or ""
    return Citation(
        url,
        told.title or "",
        quote,
        place.document_index if place is not None else None,
        raw=raw,
        dialect=NAME,
    )


def opaque_of(raw: Raw) -> Opaque:
    """A block that only this dialect has, under the name of its first member."""
    try:
        kind = next(iter(_FIELDS.decode(raw)), "unknown")
    except UNREADABLE:
        kind = "unknown"
    return Opaque(NAME, kind, raw)


def _guarded(content: GuardContent) -> Text | Media:
    if content.image is not None:
        return media_of("image", content.image)
    return Text((content.text.text or "") if content.text is not None else "")


def _found(result: SearchResult) -> Media:
    return Media(
        "document",
        "text/plain",
        text="\n\n".join(one.text or "" for one in result.content or ()),
        name=" ".join(word for word in (result.title, result.source) if word),
        wants_citations=bool(result.citations is not None and result.citations.enabled),
    )


def _missing(where: str) -> Fault:
    return Fault(Kind.INVALID_REQUEST, f"The field {where} is missing.", param=where)


def invalid(where: str, error: Exception) -> Fault:
    """A member that is typed wrongly: `error` is the decoder's sentence, with the path inside the member."""
    problem, _, inner = str(error).partition(" - at `$")
    place = where + inner.rstrip("`")
    return Fault(
        Kind.INVALID_REQUEST,
        f"The field {place} is not as it should be: {problem[:1].lower() + problem[1:]}.",
        param=place,
    )
