"""Likelihoods: how likely tokens are, in Google's two lists."""

from collections.abc import Sequence
from itertools import zip_longest

from kilo_gateway.dialects.gemini.parts import Written
from kilo_gateway.dialects.gemini.schema import Likely, LikelyAt, LogprobsResult
from kilo_gateway.dialects.logprobs import Logprob

_NOTHING = LikelyAt()


def read(result: LogprobsResult) -> tuple[Logprob, ...]:
    """The tokens that were chosen, with those that were likely at their places."""
    chosen = result.chosen_candidates or []
    places = (result.top_candidates or [])[: len(chosen)]
    return tuple(
        Logprob(
            one.token,
            one.log_probability,
            top=tuple(Logprob(top.token, top.log_probability) for top in at.candidates or ()),
        )
        for one, at in zip_longest(chosen, places, fillvalue=_NOTHING)
        if isinstance(one, Likely) and isinstance(at, LikelyAt)
    )


def written(tokens: Sequence[Logprob]) -> Written:
    """The members of a candidate that tell it; none if there is nothing to tell."""
    if not tokens:
        return {}
    result: Written = {"chosenCandidates": [_written(one) for one in tokens]}
    if any(one.top for one in tokens):
        result["topCandidates"] = [
            {"candidates": [_written(top) for top in one.top]} for one in tokens
        ]
    mean = sum(one.logprob for one in tokens) / len(tokens)
    return {"logprobsResult": result, "avgLogprobs": mean}


def _written(one: Logprob) -> Written:
    return {"token": one.token, "logProbability": one.logprob}
