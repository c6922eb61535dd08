"""Output items while they are written, against the SDK's types."""

import json

import msgspec
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from kilo_gateway.dialects.openai_responses.growing import Call, Message, Reasoning
from tests.dialects.openai_responses.recorded import answer_of, answers, needs_recordings
from tests.dialects.openai_responses.test_deltas import written
from tests.dialects.openai_responses.test_events import events_in


class Listener:
    def __init__(self):
        self.told = []

    def __call__(self, kind, members):
        self.told.append((kind.removeprefix("response."), json.loads(msgspec.json.encode(members))))

    @property
    def kinds(self):
        return [kind for kind, _ in self.told]


@needs_recordings
def test_every_event_is_what_the_sdk_takes():
    event = TypeAdapter(ResponseStreamEvent)
    seen: dict[str, int] = {}
    for one in answers():
        # xAI's own tools and citations without a title are not the SDK's.
        answer = answer_of(one)
        if one.provider == "xai" or answer.stop in {None, "error"}:
            continue
        for told in events_in(written(answer)):
            seen[told["type"]] = seen.get(told["type"], 0) + 1
            if seen[told["type"]] <= 40:
                event.validate_python(told)
    assert len(seen) >= 17


def test_a_message_of_text_and_refusal():
    listener = Listener()
    message = Message("msg_1", 0, listener)
    message.begin()
    message.add("a", "output_text")
    message.cite({"type": "url_citation"})
    message.add("b", "output_text", begins=True)
    message.add("no", "refusal")
    assert message.made()["status"] == "in_progress"
    message.close(is_cut=True)
    made = message.made()
    assert made["status"] == "incomplete"
    assert [part["type"] for part in made["content"]] == ["output_text", "output_text", "refusal"]
    assert made["content"][0]["annotations"] == [{"type": "url_citation"}]
    assert listener.kinds[-3:] == ["refusal.done", "content_part.done", "output_item.done"]
    indexes = [
        told["content_index"] for kind, told in listener.told if kind == "content_part.added"
    ]
    assert indexes == [0, 1, 2]


def test_a_citation_without_text_begins_one():
    message = Message("msg_1", 0, Listener())
    message.cite({})
    message.close(is_cut=False)
    assert message.made()["content"][0]["text"] == ""


def test_thoughts_in_summary_and_plain():
    listener = Listener()
    thoughts = Reasoning("rs_1", 2, listener)
    thoughts.begin()
    thoughts.add("s", begins=False, is_summary=True)
    thoughts.add("c", begins=False, is_summary=False)
    thoughts.sign("si", "anthropic")
    thoughts.sign("g", "anthropic")
    thoughts.close(is_cut=False)
    assert thoughts.made() == {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "s"}],
        "content": [{"type": "reasoning_text", "text": "c"}],
        "encrypted_content": "kg1.anthropic.sig",
    }
    assert listener.kinds == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
    ]


def test_calls():
    listener = Listener()
    call = Call("fc_1", 1, listener)
    call.call_id, call.name = "c", "f"
    call.close(is_cut=False)
    assert call.made()["arguments"] == "{}"
    assert listener.kinds[0] == "function_call_arguments.delta"
    custom = Call("ctc_1", 1, listener)
    custom.is_custom = True
    custom.add("free text")
    custom.close(is_cut=False)
    assert custom.made()["input"] == "free text"
