"""Content blocks of requests and replies as parts of the hub form.

    text  image  document  search_result  thinking  redacted_thinking  tool_use  tool_result    have a part of their own
    all others (server tools, their results, MCP, uploads, compactions, what is new)            Opaque, byte for byte

A search result is a document of plain text under its title and source. In a tool's result, where no Opaque can stand, a
reference to a tool is its name as text, and what is new is its JSON as text.
"""

from collections.abc import Callable, Iterator

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.anthropic_messages.schema import (
    NAME,
    UNREADABLE,
    Block,
    CacheControl,
    Location,
    Raw,
    Source,
    fitted,
    is_nothing,
)
from kilo_gateway.dialects.conversation import (
    Cache,
    Citation,
    Media,
    Opaque,
    Part,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from kilo_gateway.dialects.seal import unwrap


class _Type(msgspec.Struct, gc=False):
    type: str


class _Enabled(msgspec.Struct, gc=False):
    enabled: bool | None = None


_CONTENT = msgspec.json.Decoder(str | list[Block])
_RAWS = msgspec.json.Decoder(list[Raw])
_TYPE = msgspec.json.Decoder(_Type)
BLOCK = msgspec.json.Decoder(Block)
_LOCATION = msgspec.json.Decoder(Location)
_ENABLED = msgspec.json.Decoder(_Enabled)
_MEDIA = frozenset({"image", "document", "search_result"})
READ = frozenset({"text", "thinking", "redacted_thinking", "tool_use", "tool_result"}) | _MEDIA


class Blocks:
    """Reads blocks. `home` is whose a signature is that no seal names. `is_lenient`: a reply is read whatever it holds; of a
    request, what is not as it should be is a Fault. `noted` takes the names of members that have no place in a part.
    """

    def __init__(
        self, home: Vendor, *, is_lenient: bool, noted: Callable[[str], None] = lambda _: None
    ) -> None:
        self._home: Vendor = home
        self._is_lenient = is_lenient
        self._noted = noted

    def parts(self, raw: Raw, where: str) -> tuple[Part, ...]:
        """The parts of a `content`: a text, or an array of blocks."""
        if is_nothing(raw):
            return ()
        try:
            content = _CONTENT.decode(raw)
        except UNREADABLE:
            return tuple(self._one_by_one(raw, where))
        if isinstance(content, str):
            return (Text(content),)
        if not all(block.type in READ for block in content):
            return tuple(self._one_by_one(raw, where))
        return tuple(
            self._part(block, None, raw, index, f"{where}[{index}]")
            for index, block in enumerate(content)
        )

    def part(self, raw: Raw, where: str) -> Part:
        """One block."""
        kind = self._type(raw, where)
        if kind not in READ:
            return Opaque(NAME, kind, raw)
        if self._is_lenient:
            block = fitted(raw, BLOCK) or Block(kind)
        else:
            try:
                block = BLOCK.decode(raw)
            except UNREADABLE as error:
                raise invalid(where, error) from None
        return self._part(block, raw, raw, 0, where)

    def _one_by_one(self, raw: Raw, where: str) -> Iterator[Part]:
        try:
            raws = _RAWS.decode(raw)
        except UNREADABLE:
            if self._is_lenient:
                return
            raise Fault(
                Kind.INVALID_REQUEST,
                f"The field {where} must be a string or an array of content blocks.",
                param=where,
            ) from None
        for index, one in enumerate(raws):
            yield self.part(one, f"{where}[{index}]")

    def _type(self, raw: Raw, where: str) -> str:
        try:
            return _TYPE.decode(raw).type
        except UNREADABLE as error:
            if self._is_lenient:
                return "unknown"
            raise invalid(where, error) from None

    def _part(self, block: Block, own: Raw | None, content: Raw, index: int, where: str) -> Part:
        """A block of a type that has a part. Its own bytes are `own`, or the one at `index` of `content`."""
        match block.type:
            case "text":
                text = self._needed(block.text, "text", where)
                return Text(
                    text, cache_of(block.cache_control), tuple(citations_of(block.citations))
                )
            case "thinking":
                mark, vendor = unwrap(block.signature or "", self._home)
                return Thinking(block.thinking or "", mark, vendor if mark else "")
            case "redacted_thinking":
                data, vendor = unwrap(block.data or "", self._home)
                return SealedThinking(data, vendor)
            case "tool_use":
                ident, name = (block.id or "", self._needed(block.name, "name", where))
                arguments = "" if is_nothing(block.input) else bytes(block.input).decode()
                return ToolCall(ident, name, arguments, cache=cache_of(block.cache_control))
            case "tool_result":
                ident = self._needed(block.tool_use_id, "tool_use_id", where)
                return ToolResult(
                    ident,
                    tuple(self._result_parts(block.content, f"{where}.content")),
                    is_error=bool(block.is_error),
                    cache=cache_of(block.cache_control),
                )
            case _:
                media = self._media(block, where)
                if media is not None:
                    return media
                return Opaque(
                    NAME, block.type, _RAWS.decode(content)[index] if own is None else own
                )

    def _result_parts(self, raw: Raw, where: str) -> Iterator[Text | Media]:
        for part in self.parts(raw, where):
            if isinstance(part, Text | Media):
                yield part
            elif isinstance(part, Opaque):
                block = fitted(part.raw, BLOCK)
                if part.kind == "tool_reference" and block is not None and block.tool_name:
                    yield Text(f"Tool: {block.tool_name}")
                else:
                    self._noted(f"{part.kind} in tool_result")
                    yield Text(bytes(part.raw).decode(errors="replace"))

    def _media(self, block: Block, where: str) -> Media | None:
        """A picture, document or search result; None for a document of blocks that are not text alone."""
        source, cache = block.source, cache_of(block.cache_control)
        wants_citations = _is_enabled(block.citations)
        if block.context:
            self._noted("document context")
        if not isinstance(source, Source):
            text = self._texts(block.content, where) if block.type == "search_result" else None
            title = " ".join(word for word in (block.title, source) if word)
            return None if text is None else Media(
                "document", "text/plain", text=text, name=title, cache=cache, wants_citations=wants_citations
            )  # fmt: skip
        text = source.data or "" if source.type == "text" else ""
        if source.type == "content":
            joined = self._texts(source.content, where)
            if joined is None:
                return None
            text = joined
        elif source.type not in {"base64", "url", "file", "text"}:
            return None
        return Media(
            "image" if block.type == "image" else "document",
            source.media_type or ("text/plain" if text else ""),
            source.data or "" if source.type == "base64" else "",
            source.url or "",
            source.file_id or "",
            text,
            block.title or "",
            cache=cache,
            wants_citations=wants_citations,
        )

    def _texts(self, raw: Raw, where: str) -> str | None:
        parts = self.parts(raw, f"{where}.content")
        if not all(isinstance(part, Text) for part in parts):
            return None
        return "\n\n".join(part.text for part in parts if isinstance(part, Text))

    def _needed(self, value: str | None, name: str, where: str) -> str:
        if value is None and not self._is_lenient:
            raise Fault(
                Kind.INVALID_REQUEST,
                f"A content block of {where} needs the field {name}.",
                param=f"{where}.{name}",
            )
        return value or ""


def cache_of(mark: CacheControl | None) -> Cache | None:
    """A breakpoint."""
    return None if mark is None else Cache(mark.ttl or "")


def citations_of(raw: Raw) -> Iterator[Citation]:
    """The citations of a text block: an array, or nothing."""
    if is_nothing(raw):
        return
    try:
        raws = _RAWS.decode(raw)
    except UNREADABLE:
        return
    yield from map(citation_of, raws)


def citation_of(raw: Raw) -> Citation:
    """One citation; its own bytes are kept, since the encrypted index in them cannot be made anew."""
    told = fitted(raw, _LOCATION) or Location()
    return Citation(
        told.url or told.source or "",
        told.title or told.document_title or "",
        told.cited_text or "",
        told.document_index,
        raw=raw,
        dialect=NAME,
    )


def _is_enabled(raw: Raw) -> bool:
    told = None if is_nothing(raw) else fitted(raw, _ENABLED)
    return bool(told is not None and told.enabled)


def invalid(where: str, error: Exception) -> Fault:
    """A member that is typed wrongly: `error` is the decoder's sentence, with the path inside the member."""
    problem, _, inner = str(error).partition(" - at `$")
    place = where + inner.rstrip("`")
    problem = problem[:1].lower() + problem[1:]
    return Fault(
        Kind.INVALID_REQUEST, f"The field {place} is not as it should be: {problem}.", param=place
    )
