"""Grounding: sources of an answer, and which of its words each holds up.

On this wire they stand beside the text, once for an answer, and count in bytes of UTF-8; in the hub form they stand at the
part of the text that they belong to, and count in characters. Servers do not agree about where they begin to count when an
answer has several parts: the words that they give along decide.
"""

from collections.abc import Iterator

from kilo_gateway.dialects.conversation import Citation
from kilo_gateway.dialects.gemini.parts import Written
from kilo_gateway.dialects.gemini.schema import Grounding, Segment

_NOWHERE = (None, None)


def grounded(grounding: Grounding, text: str) -> Iterator[Citation]:
    """Sources with the words that they hold up; sources that hold up nothing in particular stand by themselves."""
    sources: list[tuple[str, str]] = []
    for chunk in grounding.grounding_chunks or ():
        place = chunk.web or chunk.retrieved_context or chunk.maps
        sources.append((place.uri or "", place.title or "") if place is not None else ("", ""))
    used: set[int] = set()
    data = text.encode(errors="replace")
    for support in grounding.grounding_supports or ():
        segment = support.segment or Segment()
        start, end = _place(segment, text, data)
        for index in support.grounding_chunk_indices or ():
            if 0 <= index < len(sources) and sources[index][0]:
                used.add(index)
                url, title = sources[index]
                yield Citation(url=url, title=title, quote=segment.text or "", start=start, end=end)
    for index, (url, title) in enumerate(sources):
        if url and index not in used:
            yield Citation(url=url, title=title)


def _place(segment: Segment, text: str, data: bytes) -> tuple[int | None, int | None]:
    quote = segment.text or ""
    start, end = segment.start_index or 0, segment.end_index or 0
    if 0 <= start < end <= len(data):
        piece = data[start:end]
        if not quote or piece == quote.encode(errors="replace"):
            first = len(data[:start].decode(errors="ignore"))
            return first, first + len(piece.decode(errors="ignore"))
    at = text.find(quote) if quote else -1
    return (at, at + len(quote)) if at >= 0 else _NOWHERE


class Sources:
    """Text and citations of an answer that is being written. Places count from the beginning of all text."""

    def __init__(self) -> None:
        self._parts: list[list[str]] = []
        self._cited: list[tuple[int, Citation]] = []

    def text(self, text: str, *, begins: bool) -> None:
        """More text; `begins` if it is a part of its own."""
        if begins or not self._parts:
            self._parts.append([])
        self._parts[-1].append(text)

    def cite(self, citation: Citation) -> None:
        """Where the text so far, back to the beginning of its part, comes from."""
        self._cited.append((len(self._parts) - 1, citation))

    def metadata(self) -> Written:
        """`groundingMetadata`, empty if there is nothing to tell."""
        texts = ["".join(pieces) for pieces in self._parts]
        sources: dict[str, int] = {}
        chunks: list[Written] = []
        supports: list[Written] = []
        for part, citation in self._cited:
            if not citation.url:
                continue
            index = sources.setdefault(citation.url, len(sources))
            if index == len(chunks):
                chunks.append({"web": {"uri": citation.url, "title": citation.title}})
            segment = _segment(texts, part, citation)
            if segment:
                _support(supports, segment, index)
        return {"groundingChunks": chunks, "groundingSupports": supports} if chunks else {}


def _segment(texts: list[str], part: int, citation: Citation) -> Written:
    """The words that a source holds up: those told; the quoted ones if they are of the answer; else all of its part.

    A citation with neither place nor quote holds up nothing in particular.
    """
    text = texts[part] if part >= 0 else ""
    start, end = citation.start or 0, citation.end
    if end is None:
        at = text.find(citation.quote)
        start, end = (at, at + len(citation.quote)) if at >= 0 else (0, len(text))
    if not (0 <= start < end <= len(text)):
        return {}
    before = sum(_bytes(one) for one in texts[:part]) + _bytes(text[:start])
    words = text[start:end]
    segment: Written = {"startIndex": before} if before else {}  # 0 is not written on this wire
    return segment | {"endIndex": before + _bytes(words), "text": words}


def _support(supports: list[Written], segment: Written, index: int) -> None:
    """One more source for a segment; sources that hold up the same words follow each other."""
    last = supports[-1] if supports else {}
    indices = last.get("groundingChunkIndices")
    if last.get("segment") == segment and isinstance(indices, list):
        if index not in indices:
            indices.append(index)
        return
    supports.append({"segment": segment, "groundingChunkIndices": [index]})


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))
