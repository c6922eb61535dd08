"""Responses as OpenAI speaks it, and with it Azure, xAI, OpenRouter, DeepSeek and others.

schema.py     the wire structs that are read, nothing else
requests.py   identity: the envelope peek; the body that goes upstream
replies.py    identity: usage, how a reply ended, errors inside a 200; error bodies
events.py     identity: streams; the events of a fault
carries.py    what a request to this dialect can carry
members.py    members of a request read with their types
marks.py      vendors' marks in `encrypted_content`
content.py    parts of messages and outputs, either way
items.py      items that the model makes, as parts
turns.py      the items of a request as messages
tools.py      tools and their choice, either way
reading.py    a request as a Conversation
writing.py    a Conversation as a request
response.py   the Response object that a client sees
growing.py    one output item while it is written
making.py     all output items out of deltas
answers.py    whole replies, read and written
telling.py    an upstream's items as deltas
deltas.py     streams: Reader and Writer
"""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.core.deployment import Operation
from kilo_gateway.dialects.features import Carries, nothing_dropped
from kilo_gateway.dialects.hub import DeltaReader, DeltaWriter, Shown
from kilo_gateway.dialects.openai_responses import (
    answers,
    deltas,
    events,
    reading,
    replies,
    requests,
    writing,
)
from kilo_gateway.dialects.openai_responses.carries import CARRIES, carries_for


class OpenAIResponses:
    """The dialect `openai_responses`. Stateless; one instance serves every call."""

    name = "openai_responses"
    title = "OpenAI Responses"
    carries: Carries = CARRIES
    content_type_of_streams = b"text/event-stream; charset=utf-8"
    upstream_headers: Mapping[str, str] = MappingProxyType({})
    forward_headers: tuple[str, ...] = ()

    path = staticmethod(requests.path)
    peek = staticmethod(requests.peek)
    outbound = staticmethod(requests.outbound)
    read_reply = staticmethod(replies.read_reply)
    with_cost = staticmethod(replies.with_cost)
    error_body = staticmethod(replies.error_body)
    stream = staticmethod(events.Stream)
    error_event = staticmethod(events.error_event)
    keep_alive = staticmethod(events.keep_alive)

    carries_for = staticmethod(carries_for)
    dropped_for = staticmethod(nothing_dropped)
    read_request = staticmethod(reading.read_request)
    write_request = staticmethod(writing.write_request)
    read_answer = staticmethod(answers.read_answer)
    write_answer = staticmethod(answers.write_answer)

    @staticmethod
    def reader(operation: Operation) -> DeltaReader:
        """A fresh reader of a stream."""
        return deltas.Reader(operation)

    @staticmethod
    def writer(shown: Shown) -> DeltaWriter:
        """A fresh writer of a stream."""
        return deltas.Writer(shown)
