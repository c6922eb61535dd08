"""Tokens' probabilities: read, written, and carried between the dialects that have a place for them."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.answer import Answer, collect, deltas_of
from kilo_gateway.dialects.conversation import Text
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.logprobs import Logprob, of_text, read, written
from kilo_gateway.dialects.translate import hub_of
from tests.dialects.recordings import FILES, TRAFFIC, WHY_SKIPPED, recordings

KEEPERS = ("openai_chat", "openai_responses", "gemini")
SHOWN = Shown("req_1", "m", 7)
TOKENS = st.builds(
    Logprob,
    st.text(min_size=1, max_size=3),
    st.floats(-100, 0),
    st.lists(st.integers(0, 255), max_size=3).map(tuple),
    st.lists(st.builds(Logprob, st.text(), st.floats(-100, 0), st.just(())), max_size=2).map(tuple),
)


@given(st.lists(TOKENS))
def test_what_is_written_is_read_again(tokens: list[Logprob]) -> None:
    assert read(msgspec.Raw(msgspec.json.encode(written(tokens)))) == tuple(tokens)


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{}", b"[1]", b'"x"', b'[{"token":1}]'])
def test_what_is_no_list_of_tokens_is_nothing(raw: bytes) -> None:
    assert read(msgspec.Raw(raw)) == ()


def test_bytes_that_are_not_told_are_those_of_the_token() -> None:
    assert written([Logprob("é", -1.0)])[0]["bytes"] == [0xC3, 0xA9]
    half = Logprob("\\xc3", -1.0, (0xC3,))
    assert written([half])[0]["bytes"] == [0xC3]


def test_a_text_takes_the_tokens_that_make_it_up() -> None:
    tokens = [Logprob(token, 0.0) for token in ("He", "llo", " you")]
    assert of_text("Hello", tokens) == (tuple(tokens[:2]), tuple(tokens[2:]))
    assert of_text("Hello you there", tokens) == (tuple(tokens), ())
    assert of_text("", tokens) == ((), tuple(tokens))


def streamed(answer: Answer, name: str) -> bytes:
    shown = msgspec.structs.replace(SHOWN, request={"alt": msgspec.Raw(b'"sse"')})
    writer = hub_of(name).writer(shown)
    wire = b"".join(writer.write([delta]) for delta in deltas_of(answer))
    return wire + writer.finish(UNKNOWN_USAGE, None)


def reread(wire: bytes, name: str) -> Answer:
    reader = hub_of(name).reader("chat")
    return collect([*reader.feed(wire), *reader.finish()])


def known(answer: Answer) -> list[tuple[str, float, list[tuple[str, float]]]]:
    return [
        (one.token, one.logprob, [(top.token, top.logprob) for top in one.top])
        for one in answer.logprobs
    ]


@pytest.mark.parametrize("name", KEEPERS)
def test_they_come_back_whole_and_streamed(name: str) -> None:
    tokens = (Logprob("Hi", -0.5, (72, 105), (Logprob("Ho", -1.5, (72, 111)),)), Logprob("!", 0.0))
    answer = Answer((Text("Hi!"),), "stop", logprobs=tokens)
    whole = hub_of(name).read_answer(hub_of(name).write_answer(answer, SHOWN))
    assert whole is not None
    assert known(whole) == known(reread(streamed(answer, name), name)) == known(answer)


def test_a_chunk_of_chat_holds_the_probabilities_of_its_own_text() -> None:
    answer = Answer((Text("Hi"),), "stop", logprobs=(Logprob("Hi", -0.5), Logprob("<end>", -0.1)))
    chunks = [
        json.loads(line[6:])["choices"][0]
        for line in streamed(answer, "openai_chat").splitlines()
        if line.startswith(b"data: {")
    ]
    assert [
        (one["delta"].get("content"), [token["token"] for token in one["logprobs"]["content"]])
        for one in chunks
        if one["logprobs"]
    ] == [("Hi", ["Hi"]), (None, ["<end>"])]


RECORDED = {
    "openai-responses": 3,
    "gemini-generate": 2,
}


@pytest.mark.skipif(not TRAFFIC.exists(), reason=WHY_SKIPPED)
@pytest.mark.parametrize(("file", "count"), RECORDED.items())
def test_recorded_probabilities_reach_every_client_that_has_a_place(file: str, count: int) -> None:
    source, seen = hub_of(FILES[file][0]), 0
    for recording in recordings(file):
        if b'"logprobs":[{' not in recording.reply.replace(b": [", b":[").replace(
            b'"logprobsResult"', b'"logprobs":[{'
        ):
            continue
        seen += 1
        if recording.is_stream:
            answer = reread(recording.reply, source.name)
        else:
            found = source.read_answer(recording.reply)
            assert found is not None
            answer = found
        assert answer.logprobs
        text = "".join(part.text for part in answer.parts if isinstance(part, Text))
        assert "".join(one.token for one in answer.logprobs).startswith(text)
        for name in KEEPERS:
            assert known(reread(streamed(answer, name), name)) == known(answer)
    assert seen == count
