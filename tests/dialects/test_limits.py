"""What is beyond a vendor's limits is left out by name, and the rest is asked."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.dialects.conversation import Conversation, Sampling
from kilo_gateway.dialects.limits import FOUR_STOPS, most_stops, within
from kilo_gateway.dialects.translate import Outbound, passage
from kilo_gateway.relay.marks import Marks
from kilo_gateway.upstreams.profiles import profiles

STOPS = ["a", "b", "c", "d", "e", "f"]


def sent(client: str, target: str, model: str, quirks: frozenset[str], **body: Any) -> Outbound:
    fields = {key: msgspec.Raw(json.dumps(value).encode()) for key, value in body.items()}
    call = Call("c", client, "chat", "m", fields, 1, False, 0.0, 0.0)
    return passage(client, target).outbound(
        call, Deployment("u", model, model, target), quirks, Marks().of("k")
    )


def test_within_the_limit_nothing_changes() -> None:
    conversation = Conversation((), sampling=Sampling(stop=tuple(STOPS[:5])))
    assert within(conversation, "gemini", frozenset()) == (conversation, ())
    assert within(conversation, "bedrock", frozenset()) == (conversation, ())


def test_google_is_told_five_stops() -> None:
    messages = [{"role": "user", "content": "?"}]
    out = sent("openai_chat", "gemini", "gemini-3", frozenset(), messages=messages, stop=STOPS)
    assert json.loads(out.body)["generationConfig"]["stopSequences"] == STOPS[:5]
    assert out.dropped == ("stop after 5",)


@pytest.mark.parametrize(
    ("model", "quirks", "stops", "dropped"),
    [
        ("gpt-4.1", frozenset({FOUR_STOPS}), STOPS[:4], ("stop after 4",)),
        ("gpt-5", frozenset({FOUR_STOPS}), None, ("stop",)),
        ("llama", frozenset[str](), STOPS, ()),
    ],
)
def test_openai_is_told_four(
    model: str, quirks: frozenset[str], stops: list[str] | None, dropped: tuple[str, ...]
) -> None:
    messages = [{"role": "user", "content": "?"}]
    out = sent(
        "anthropic_messages", "openai_chat", model, quirks,
        messages=messages, max_tokens=5, stop_sequences=STOPS,
    )  # fmt: skip
    assert json.loads(out.body).get("stop") == stops
    assert out.dropped == dropped


def test_vendors_that_take_four_say_so_in_their_rows() -> None:
    for name in ("openai", "azure", "groq", "xai"):
        assert most_stops("openai_chat", frozenset(profiles()[name].quirks)) == 4
    assert most_stops("openai_chat", frozenset(profiles()["mistral"].quirks)) is None


def test_several_answers_are_named_or_refused_but_never_left_out_in_silence() -> None:
    contents = [{"parts": [{"text": "?"}]}]
    config = {"candidateCount": 2}
    out = sent(
        "gemini", "openai_chat", "m", frozenset(), contents=contents, generationConfig=config
    )
    assert "n" not in json.loads(out.body)
    assert out.dropped == ("n",)


def test_a_seed_that_google_does_not_take_is_another_one_always_the_same() -> None:
    messages = [{"role": "user", "content": "?"}]
    for seed, told in ((7, 7), (2**31 + 7, 7), (-1, 2**31 - 1)):
        out = sent("openai_chat", "gemini", "gemini-3", frozenset(), messages=messages, seed=seed)
        assert json.loads(out.body)["generationConfig"]["seed"] == told
