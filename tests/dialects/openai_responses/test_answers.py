"""Whole replies, read and written."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer
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
from kilo_gateway.dialects.openai_responses.answers import read_answer, write_answer
from tests.dialects.openai_responses.recorded import (
    SHOWN,
    answer_of,
    answers,
    essence,
    needs_recordings,
)
from tests.dialects.openai_responses.test_replies import counts, expected_usage


@needs_recordings
def test_every_recorded_reply_is_read():
    for one in answers():
        if one.is_stream:
            continue
        told = json.loads(one.reply)
        answer = answer_of(one)
        assert answer.id == told["id"], one.id
        assert counts(answer.usage) == expected_usage(told.get("usage")), one.id
        texts = [
            part["text"]
            for item in told["output"]
            if item["type"] == "message"
            for part in item["content"]
        ]
        assert [part.text for part in answer.parts if isinstance(part, Text)] == texts, one.id
        calls = [item["call_id"] for item in told["output"] if item["type"] == "function_call"]
        found = [
            part.id for part in answer.parts if isinstance(part, ToolCall) and not part.is_custom
        ]
        assert found == calls, one.id


@needs_recordings
def test_every_recorded_answer_is_told_again_as_it_was():
    count = 0
    for one in answers():
        answer = answer_of(one)
        if answer.stop in {None, "error"}:  # still running in the background, or failed
            continue
        again = read_answer(write_answer(answer, SHOWN))
        assert again is not None
        assert essence(again) == essence(answer), one.id
        count += 1
    assert count > 700


def retold(*parts, stop="stop", **members) -> tuple[dict, Answer]:
    body = write_answer(Answer(parts, stop, **members), SHOWN, 1_500)
    answer = read_answer(body)
    assert answer is not None
    return json.loads(body), answer


def test_marks_of_other_vendors_travel_and_come_back():
    parts = (
        Thinking("why", "sig", "anthropic"),
        SealedThinking("data", "google"),
        Text("a", signature="t", vendor="google"),
        ToolCall("c", "f", "{}", signature="s", vendor="google"),
        ToolCall("d", "g", "{}"),
    )
    told, answer = retold(*parts, stop="tool_calls")
    assert told["output"][0]["encrypted_content"] == "kg1.anthropic.sig"
    assert [type(part) for part in answer.parts] == [type(part) for part in parts]
    assert answer.parts[0].signature == "sig"
    assert answer.parts[0].vendor == "anthropic"
    assert answer.parts[2] == parts[2]
    assert answer.parts[3].signature == "s"
    assert answer.parts[4].signature == ""


def test_openai_s_own_seal_is_not_wrapped_and_keeps_its_id():
    told, _ = retold(
        Thinking("s", is_summary=True, id="rs_9"), SealedThinking("gAAAA", "openai", "rs_9")
    )
    assert told["output"] == [
        {
            "id": "rs_9",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "s"}],
            "encrypted_content": "gAAAA",
        }
    ]


def test_how_it_ended():
    for stop, status, reason in (
        ("stop", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("context", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("refusal", "incomplete", "content_filter"),
        ("pause", "completed", None),
    ):
        told, _ = retold(Text("x"), stop=stop)
        details = told["incomplete_details"]
        assert (told["status"], details and details["reason"]) == (status, reason)
    told, answer = retold(Refusal("no"), stop="refusal")
    assert (told["status"], answer.stop) == ("completed", "refusal")


def test_usage_and_cost_are_told():
    told, _ = retold(Text("x"), usage=Usage(10, 5, 4, 3, 2))
    assert told["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 15,
        "cost": 0.0000015,
    }
    assert retold(Text("x"))[0]["usage"] is None


def test_media_and_parts_of_other_dialects():
    told, answer = retold(
        Media("image", "image/png", "QUJD"),
        Media("audio", "audio/wav", "QUJD", text="spoken"),
        Opaque("gemini", "x", msgspec.Raw(b"{}")),
        Text("cited", citations=(Citation("https://a.b", "A", document=None, end=5),)),
    )
    assert [item["type"] for item in told["output"]] == [
        "image_generation_call",
        "message",
        "message",
    ]
    assert answer.parts[0] == Media("image", "image/png", "QUJD")
    assert answer.parts[1].text == "spoken"
    assert told["output"][2]["content"][0]["annotations"][0]["url"] == "https://a.b"


def test_the_probabilities_of_all_texts_are_read_and_stand_at_their_texts():
    likely = [
        {"token": token, "logprob": -0.5, "bytes": [ord(token)], "top_logprobs": []}
        for token in "xyz"
    ]
    content = [
        {"type": "output_text", "text": text, "annotations": [], "logprobs": some}
        for text, some in (("xy", likely[:2]), ("z", likely[2:]))
    ]
    output = [{"type": "message", "content": content}]
    answer = read_answer(json.dumps({"output": output, "status": "completed"}).encode())
    assert answer is not None
    assert [(one.token, one.bytes) for one in answer.logprobs] == [
        ("x", (120,)),
        ("y", (121,)),
        ("z", (122,)),
    ]
    told = json.loads(write_answer(answer, SHOWN))["output"][0]["content"]
    assert [part["logprobs"] for part in told] == [likely[:2], likely[2:]]


def test_what_is_no_response_is_none():
    assert read_answer(b"[]") is None
    assert read_answer(b"nothing") is None
    assert read_answer(b'{"choices":[]}') is None


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_none(body):
    answer = read_answer(body)
    assert answer is None or isinstance(answer, Answer)


@given(
    st.recursive(
        st.none()
        | st.integers(-3, 3)
        | st.sampled_from(["message", "reasoning", "function_call", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "content", "summary", "text", "id", "arguments", "name"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=15,
    )
)
def test_any_output_is_read(output):
    body = json.dumps({"output": output, "status": "completed"}).encode()
    answer = read_answer(body)
    assert answer is None or isinstance(answer, Answer)
