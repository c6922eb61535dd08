"""Amazon Bedrock's Converse: `/model/{id}/converse` and `/model/{id}/converse-stream`.

schema.py         the wire structs that are read, nothing else; frames of streams are `dialects/frames`

The identity path:
requests.py       the envelope peek; the body that goes upstream
replies.py        whole replies: usage, stop reason, errors inside a 200; error bodies
events.py         streams: usage, errors and the end, seen in the frames

The hub form:
carries.py        what a request that is written to this dialect keeps
abilities.py      what a model takes, by its name
marks.py          signatures and sealed thoughts; media.py pictures, documents, sounds and films
blocks.py         content blocks -> parts
reading.py        requests, read
writing.py        requests, written: turns.py their messages, settings.py all the rest
answers.py        whole replies, both ways
deltas.py         streams, read
stream_writer.py  streams, written
"""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.core.deployment import Operation
from kilo_gateway.dialects import frames
from kilo_gateway.dialects.bedrock import answers, events, reading, replies, requests, writing
from kilo_gateway.dialects.bedrock.carries import CARRIES, carries_for
from kilo_gateway.dialects.bedrock.deltas import Reader
from kilo_gateway.dialects.bedrock.schema import NAME
from kilo_gateway.dialects.bedrock.stream_writer import Writer
from kilo_gateway.dialects.features import Carries
from kilo_gateway.dialects.hub import Shown


class Bedrock:
    """The dialect `bedrock`. Stateless; one instance serves every call."""

    name = NAME
    title = "Bedrock Converse"
    carries: Carries = CARRIES
    content_type_of_streams = b"application/vnd.amazon.eventstream"
    upstream_headers: Mapping[str, str] = MappingProxyType({})
    forward_headers: tuple[str, ...] = ()

    path = staticmethod(requests.path)

    peek = staticmethod(requests.peek)
    outbound = staticmethod(requests.outbound)
    read_reply = staticmethod(replies.read_reply)
    with_cost = staticmethod(replies.with_cost)
    error_body = staticmethod(replies.error_body)
    error_headers = staticmethod(replies.error_headers)
    redacted = staticmethod(frames.redacted)
    stream = staticmethod(events.Stream)
    error_event = staticmethod(events.error_event)
    keep_alive = staticmethod(events.keep_alive)

    carries_for = staticmethod(carries_for)
    read_request = staticmethod(reading.read_request)
    write_request = staticmethod(writing.write_request)
    dropped_for = staticmethod(writing.dropped_for)
    read_answer = staticmethod(answers.read_answer)
    write_answer = staticmethod(answers.write_answer)

    @staticmethod
    def reader(operation: Operation) -> Reader:
        """A fresh reader of a stream. Of the operations, only chat has streams."""
        del operation
        return Reader()

    @staticmethod
    def writer(shown: Shown) -> Writer:
        """A fresh writer of a stream."""
        return Writer(shown)
