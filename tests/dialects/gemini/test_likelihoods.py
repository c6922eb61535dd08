"""Google's two lists of likely tokens."""

import msgspec

from kilo_gateway.dialects.gemini.likelihoods import read, written
from kilo_gateway.dialects.gemini.schema import LogprobsResult
from kilo_gateway.dialects.logprobs import Logprob

RESULT = {
    "chosenCandidates": [
        {"token": "a", "tokenId": 1, "logProbability": -0.5},
        {"token": "b", "logProbability": -1.5},
    ],
    "topCandidates": [{"candidates": [{"token": "c", "logProbability": -2}]}, {}],
}
TOKENS = (Logprob("a", -0.5, top=(Logprob("c", -2.0),)), Logprob("b", -1.5))


def result(**members) -> LogprobsResult:
    return msgspec.convert(RESULT | members, LogprobsResult)


def test_what_was_chosen_has_what_was_likely_there() -> None:
    assert read(result()) == TOKENS


def test_lists_of_different_length_are_read_as_far_as_they_go() -> None:
    assert read(result(topCandidates=None)) == (Logprob("a", -0.5), Logprob("b", -1.5))
    assert read(result(topCandidates=RESULT["topCandidates"] * 2)) == TOKENS
    assert read(result(chosenCandidates=None)) == ()


def test_what_is_written() -> None:
    told = written(TOKENS)
    assert told["avgLogprobs"] == -1.0
    assert read(msgspec.convert(told["logprobsResult"], LogprobsResult)) == TOKENS
    assert "topCandidates" not in written([Logprob("a", 0.0)])["logprobsResult"]
    assert written(()) == {}
