"""Anthropic Messages: `/messages` and `/messages/count_tokens`.

schema.py         the wire structs that are read, nothing else

The identity path:
requests.py       the envelope peek; the body that goes upstream
replies.py        whole replies: usage, stop reason, errors inside a 200; error bodies
events.py         streams: usage, errors and the end, seen in the bytes

The hub form:
carries.py        what a request that is written to this dialect keeps
abilities.py      what a model takes, by its words or its name
blocks.py         content blocks -> parts
reading.py        requests, read
writing.py        requests, written: turns.py their messages, media.py pictures and documents, settings.py all the rest
answers.py        whole replies, both ways
deltas.py         streams, read
stream_writer.py  streams, written

on_bedrock.py     the same messages in the envelope of Amazon Bedrock's InvokeModel
"""

from collections.abc import Mapping
from types import MappingProxyType

from typing_extensions import override

from kilo_gateway.core.deployment import Operation
from kilo_gateway.dialects.anthropic_messages import (
    answers,
    events,
    on_bedrock,
    reading,
    replies,
    requests,
    writing,
)
from kilo_gateway.dialects.anthropic_messages.carries import CARRIES, carries_for
from kilo_gateway.dialects.anthropic_messages.deltas import Reader
from kilo_gateway.dialects.anthropic_messages.schema import NAME
from kilo_gateway.dialects.anthropic_messages.stream_writer import Writer
from kilo_gateway.dialects.features import Carries
from kilo_gateway.dialects.hub import Shown


class AnthropicMessages:
    """The dialect `anthropic_messages`. Stateless; one instance serves every call."""

    name = NAME
    title = "Anthropic Messages"
    carries: Carries = CARRIES
    content_type_of_streams = b"text/event-stream; charset=utf-8"
    upstream_headers: Mapping[str, str] = MappingProxyType({"anthropic-version": "2023-06-01"})
    forward_headers: tuple[str, ...] = ("anthropic-beta", "anthropic-version")

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
    read_request = staticmethod(reading.read_request)
    write_request = staticmethod(writing.write_request)
    dropped_for = staticmethod(writing.dropped_for)
    read_answer = staticmethod(answers.read_answer)
    write_answer = staticmethod(answers.write_answer)
    count_body = staticmethod(replies.count_body)

    @staticmethod
    def reader(operation: Operation) -> Reader:
        """A fresh reader of a stream. Of the operations, only chat has streams."""
        del operation
        return Reader()

    @staticmethod
    def writer(shown: Shown) -> Writer:
        """A fresh writer of a stream."""
        return Writer(shown)


class AnthropicOnBedrock(AnthropicMessages):
    """The dialect `bedrock_anthropic`, which upstreams alone speak: Claude by Bedrock's InvokeModel."""

    name = on_bedrock.NAME
    title = "Anthropic Messages on Bedrock"
    upstream_headers = on_bedrock.UPSTREAM_HEADERS
    forward_headers = ()

    path = staticmethod(on_bedrock.path)
    outbound = staticmethod(on_bedrock.outbound)
    stream = staticmethod(on_bedrock.Stream)
    write_request = staticmethod(on_bedrock.write_request)

    @staticmethod
    @override
    def reader(operation: Operation) -> Reader:
        """A fresh reader of a stream."""
        del operation
        return on_bedrock.Reader()
