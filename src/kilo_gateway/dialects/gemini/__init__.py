"""Gemini: generateContent, streamGenerateContent and countTokens, as the Gemini API and Vertex AI speak them.

schema.py         the wire structs of replies that are read, nothing else
members.py        objects of requests: both spellings, nulls, single values for arrays

The identity path:
requests.py       the envelope peek; the path; the body that goes upstream
replies.py        whole replies: usage, finish reason, errors inside a 200; error bodies
events.py         streams: usage, errors and the end, seen in the bytes
arrays.py         streams as one JSON array, for clients that do not ask for events

The hub form:
carries.py        what a request that is written to this dialect keeps
reading.py        requests, read: contents.py their turns, parts.py their parts, schemas.py their schemas
writing.py        requests, written: thinking.py how much to think
marks.py          what stands in `thoughtSignature`
answers.py        whole replies, both ways; grounding.py their sources
deltas.py         replies, read, whole and streamed; growing.py arguments that come in pieces
stream_writer.py  streams, written
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from kilo_gateway.core.deployment import Operation
from kilo_gateway.dialects.features import Carries
from kilo_gateway.dialects.gemini import answers, events, reading, replies, requests, writing
from kilo_gateway.dialects.gemini.carries import CARRIES, carries_for, dropped_for
from kilo_gateway.dialects.gemini.deltas import Reader
from kilo_gateway.dialects.gemini.stream_writer import Writer
from kilo_gateway.dialects.hub import Shown


class Gemini:
    """The dialect `gemini`. Stateless; one instance serves every call."""

    name = "gemini"
    title = "Gemini"
    carries: Carries = CARRIES
    content_type_of_streams = b"text/event-stream"
    upstream_headers: Mapping[str, str] = MappingProxyType({})
    forward_headers: tuple[str, ...] = ("x-goog-api-client", "x-server-timeout")

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
    dropped_for = staticmethod(dropped_for)
    read_request = staticmethod(reading.read_request)
    write_request = staticmethod(writing.write_request)
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


class GeminiArray(Gemini):
    """The same for clients that did not ask for events: their streams are one JSON array."""

    name = "gemini_array"
    title = "Gemini"
    content_type_of_streams = b"application/json; charset=utf-8"

    stream = staticmethod(partial(events.Stream, is_array=True))
    error_event = staticmethod(partial(events.error_event, is_array=True))
    keep_alive = staticmethod(partial(events.keep_alive, is_array=True))
