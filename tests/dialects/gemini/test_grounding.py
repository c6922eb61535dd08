"""Sources: their places in the text, in bytes on the wire and in characters in the hub form."""

import msgspec
import pytest

from kilo_gateway.dialects.answer import Answer, collect, deltas_of
from kilo_gateway.dialects.conversation import Citation, Text, Thinking
from kilo_gateway.dialects.gemini.answers import read_answer, write_answer
from kilo_gateway.dialects.gemini.deltas import Reader
from kilo_gateway.dialects.gemini.grounding import Sources, grounded
from kilo_gateway.dialects.gemini.schema import Grounding
from kilo_gateway.dialects.gemini.stream_writer import Writer
from tests.dialects.gemini.wire import FILES, SHOWN, needs_recordings, raw
from tests.dialects.recordings import recordings

TEXT = "Über Äpfel. Said."


def read(segment: object, text: str = TEXT) -> list[Citation]:
    metadata = {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 7, -1]}],
    }
    return list(grounded(msgspec.json.decode(raw(metadata), type=Grounding), text))


@pytest.mark.parametrize(
    ("segment", "place"),
    [
        ({"startIndex": 14, "endIndex": 19, "text": "Said."}, (12, 17)),
        ({"endIndex": 13, "text": "Über Äpfel."}, (0, 11)),
        ({"startIndex": 14, "endIndex": 19}, (12, 17)),
        ({"startIndex": 900, "endIndex": 905, "text": "Said."}, (12, 17)),  # of another part
        ({"startIndex": 1, "endIndex": 2}, (0, 0)),  # half a character
        ({"startIndex": -4, "endIndex": 10**12}, (None, None)),
        ({"text": "never said"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_bytes_become_characters(segment: object, place: tuple[int | None, int | None]) -> None:
    (citation,) = read(segment)
    assert (citation.start, citation.end) == place


def told(*texts: Text) -> object:
    sources = Sources()
    for text in texts:
        sources.text(text.text, begins=True)
        for citation in text.citations:
            sources.cite(citation)
    return sources.metadata()


def test_places_count_from_the_beginning_of_all_text() -> None:
    url = "https://a.example"
    first = Text("Über ", citations=(Citation(url=url, quote="from the page"),))
    second = Text("Äpfel.", citations=(Citation(url=url, start=0, end=5), Citation(url="b")))
    assert told(first, second) == {
        "groundingChunks": [{"web": {"uri": url, "title": ""}}, {"web": {"uri": "b", "title": ""}}],
        "groundingSupports": [
            {"segment": {"endIndex": 6, "text": "Über "}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 6, "endIndex": 12, "text": "Äpfel"}, "groundingChunkIndices": [0]},
        ],
    }  # fmt: skip


def test_words_with_several_sources_are_told_once() -> None:
    text = Text("Said.", citations=(Citation(url="a", quote="Said."), Citation(url="b", quote="Said.")))  # fmt: skip
    metadata = told(text)
    assert isinstance(metadata, dict)
    assert metadata["groundingSupports"] == [
        {"segment": {"endIndex": 5, "text": "Said."}, "groundingChunkIndices": [0, 1]}
    ]


@pytest.mark.parametrize(
    "citation", [Citation(quote="no address"), Citation(document=0, start=0, end=1)]
)
def test_what_is_not_on_the_web_is_no_source(citation: Citation) -> None:
    assert told(Text("Said.", citations=(citation,))) == {}


@pytest.mark.parametrize("place", [(3, 99), (-1, 2), (4, 4)])
def test_a_place_outside_of_the_text_is_left_out(place: tuple[int, int]) -> None:
    citation = Citation(url="a", start=place[0], end=place[1])
    assert told(Text("Said.", citations=(citation,))) == {
        "groundingChunks": [{"web": {"uri": "a", "title": ""}}],
        "groundingSupports": [],
    }


def test_a_stream_tells_the_same_places_as_a_whole_reply() -> None:
    citation = Citation(url="a", title="A", quote="Said.", start=12, end=17)
    answer = Answer((Thinking("hm", is_summary=True), Text(TEXT, citations=(citation,))), "stop")
    writer = Writer(SHOWN)
    wire = b"".join(writer.write([delta]) for delta in deltas_of(answer))
    reader = Reader()
    streamed = collect([*reader.feed(wire + writer.finish(answer.usage, None)), *reader.finish()])
    whole = read_answer(write_answer(answer, SHOWN))
    assert whole is not None
    assert streamed.parts == whole.parts == answer.parts


@needs_recordings
def test_recorded_places_are_those_of_the_words() -> None:
    placed = 0
    for one in (row for file in FILES for row in recordings(file) if row.is_good):
        if b"groundingSupports" not in one.reply:
            continue
        reader = Reader()
        answer = (
            collect([*reader.feed(one.reply), *reader.finish()])
            if one.is_stream
            else read_answer(one.reply)
        )
        assert answer is not None
        for text in (part for part in answer.parts if isinstance(part, Text)):
            for citation in (one for one in text.citations if one.end is not None):
                assert text.text[citation.start : citation.end] == citation.quote
                placed += 1
    assert placed > 30
