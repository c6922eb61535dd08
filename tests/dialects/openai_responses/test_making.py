"""Output items out of deltas."""

from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    MediaMade,
    OpaqueMade,
    TextCited,
    TextDelta,
    TextSigned,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
)
from kilo_gateway.dialects.conversation import Citation, Media, Opaque
from kilo_gateway.dialects.openai_responses.making import Making, nobody


def made(*deltas):
    making = Making("1", nobody)
    for delta in deltas:
        making.take(delta)
    making.close()
    return making.output()


def test_each_kind_begins_an_item_and_ids_are_invented_from_the_call():
    output = made(ThinkingDelta("t"), TextDelta("a"), ThinkingDelta("u"), TextDelta("b"))
    assert [item["id"] for item in output] == ["rs_1_0", "msg_1_1", "rs_1_2", "msg_1_3"]


def test_calls_may_be_interleaved_and_unknown_ones_are_dropped():
    output = made(
        CallStarted(0, "a", "f"),
        CallStarted(1, "", "g", is_custom=True),
        CallDelta(1, "y"),
        CallDelta(0, "{}"),
        CallDelta(7, "lost"),
    )
    assert [(one["call_id"], one.get("arguments", one.get("input"))) for one in output] == [
        ("a", "{}"),
        ("call_1_1", "y"),
    ]


def test_a_signature_ends_thoughts_and_may_come_in_pieces():
    output = made(
        ThinkingDelta("a"),
        ThinkingSigned("x", "openai"),
        ThinkingSigned("y", "openai"),
        ThinkingDelta("b"),
        ThinkingSealed("z", "openai"),
        ThinkingSealed("w", "openai"),
    )
    assert [one["encrypted_content"] for one in output] == ["xy", "z", "w"]


def test_other_ids_are_other_items():
    output = made(
        ThinkingDelta("a", id="rs_a"), ThinkingDelta("b", id="rs_b"), ThinkingSealed("z", id="rs_c")
    )
    assert [one["id"] for one in output] == ["rs_a", "rs_b", "rs_c"]


def test_marks_of_calls_and_texts_stand_in_items_of_their_own():
    output = made(
        TextDelta("a"),
        TextSigned("t", "google"),
        TextSigned("", "google"),
        CallStarted(0, "c", "f", signature="s", vendor="google"),
    )
    assert [one.get("encrypted_content", one["type"]) for one in output] == [
        "message",
        "kg1.google.text:t",
        "kg1.google.call:s",
        "function_call",
    ]


def test_media_and_parts_of_this_dialect_alone():
    output = made(
        MediaMade(Media("image", "image/png", "QUJD")),
        MediaMade(Media("audio", text="said")),
        MediaMade(Media("audio")),
        OpaqueMade(Opaque("gemini", "x")),
        TextCited(Citation("u")),
    )
    assert [one["type"] for one in output] == ["image_generation_call", "message", "message"]
