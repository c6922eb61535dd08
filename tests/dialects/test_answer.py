"""A whole reply and its deltas are the same thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import (
    Answer,
    CallDelta,
    CallStarted,
    Failed,
    Finished,
    LogprobsTold,
    RefusalDelta,
    TextCited,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    collect,
    deltas_of,
)
from kilo_gateway.dialects.conversation import (
    Citation,
    Media,
    Opaque,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
)
from kilo_gateway.dialects.logprobs import Logprob

WORDS = st.text(min_size=1, max_size=8)
PARTS = st.one_of(
    st.builds(Text, WORDS, signature=st.sampled_from(["", "sig"])),
    st.builds(Text, WORDS, citations=st.just((Citation(url="https://a.example"),))),
    st.builds(
        Thinking, WORDS, signature=st.sampled_from(["", "sig"]), vendor=st.just("anthropic")
    ).map(
        lambda one: one if one.signature else Thinking(one.text)  # no vendor without a mark
    ),
    st.builds(SealedThinking, WORDS, st.just("openai")),
    st.builds(ToolCall, WORDS, WORDS, WORDS),
    st.just(Media("image", "image/png", "AAAA")),
    st.just(Opaque("gemini", "executableCode")),
)


@given(st.lists(PARTS, max_size=6))
def test_the_deltas_of_an_answer_make_it_again(parts: list) -> None:
    answer = Answer(
        tuple(parts),
        "stop",
        Usage(input_tokens=1, output_tokens=2),
        "id",
        "m",
        7,
        "end_turn",
        "###",
    )
    assert collect(deltas_of(answer)) == answer


def test_each_text_is_told_behind_the_probabilities_of_its_tokens() -> None:
    tokens = tuple(Logprob(token, -0.5) for token in ("He", "llo", " you", "!"))
    answer = Answer((Text("Hello"), Thinking("hm"), Text(" you")), "stop", logprobs=tokens)
    deltas = list(deltas_of(answer))
    assert [delta for delta in deltas if isinstance(delta, LogprobsTold)] == [
        LogprobsTold(tokens[:2]),
        LogprobsTold(tokens[2:3]),
        LogprobsTold(tokens[3:]),
    ]
    assert deltas.index(LogprobsTold(tokens[:2])) < deltas.index(TextDelta("Hello"))
    assert collect(deltas) == answer


def test_calls_may_be_interleaved() -> None:
    answer = collect(
        [
            CallStarted(0, "a", "f"),
            CallStarted(1, "b", "g"),
            CallDelta(0, '{"x"'),
            CallDelta(1, "{}"),
            CallDelta(0, ":1}"),
            Finished("tool_calls"),
        ]
    )
    assert answer.parts == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))


def test_marks_belong_to_what_came_before_them() -> None:
    answer = collect(
        [ThinkingDelta("hm"), ThinkingSigned("sig", "anthropic"), ThinkingDelta("more")]
    )
    assert answer.parts == (Thinking("hm", "sig", "anthropic"), Thinking("more"))
    cited = collect([TextDelta("a"), TextCited(Citation(url="u"))])
    assert cited.parts == (Text("a", citations=(Citation(url="u"),)),)


def test_a_failure_is_an_end() -> None:
    assert collect([TextDelta("a"), Failed(b"{}")]).stop == "error"


@pytest.mark.parametrize("words", [["no"], ["n", "o"]])
def test_refusals_are_joined(words: list[str]) -> None:
    assert collect(RefusalDelta(word) for word in words).parts == (Refusal("no"),)
