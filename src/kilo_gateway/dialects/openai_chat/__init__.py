"""Chat Completions, Completions and Embeddings as OpenAI and its many compatible servers speak them.

schema.py             the wire structs that are read, nothing else

The identity path:
requests.py           the envelope peek; the body that goes upstream
replies.py            whole replies: usage, finish reason, errors inside a 200; error bodies
events.py             streams: usage, errors, the end, and what is hidden from clients that did not ask

The hub form:
carries.py            what a request can hold, in general and for one deployment
reading.py            requests, read; their messages in reading_messages.py
writing.py            requests, written; their messages in writing_messages.py
answers.py            whole replies, both ways
deltas.py             streams, read
stream_writer.py      streams, written
turns.py              what an assistant says, taken apart: for replies, streams and requests
wording.py            pieces of a reply for a client
thoughts.py           reasoning details
media.py              pictures, documents, sounds, films
"""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.dialects.features import Carries, nothing_dropped
from kilo_gateway.dialects.openai_chat import (
    answers,
    deltas,
    events,
    reading,
    replies,
    requests,
    stream_writer,
    writing,
)
from kilo_gateway.dialects.openai_chat.carries import CARRIES, carries_for


class OpenAIChat:
    """The dialect `openai_chat`. Stateless; one instance serves every call."""

    name = "openai_chat"
    title = "OpenAI Chat Completions"
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
    reader = staticmethod(deltas.Reader)
    writer = staticmethod(stream_writer.Writer)
