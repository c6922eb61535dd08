"""Chat Completions, Completions and Embeddings as OpenAI and its many compatible servers speak them.

schema.py     the wire structs that are read, nothing else
requests.py   the envelope peek; the body that goes upstream
replies.py    whole replies: usage, finish reason, errors inside a 200; error bodies
events.py     streams: usage, errors, the end, and what is hidden from clients that did not ask
"""

from collections.abc import Mapping
from types import MappingProxyType

from kilo_gateway.dialects.openai_chat import events, replies, requests


class OpenAIChat:
    """The dialect `openai_chat`. Stateless; one instance serves every call."""

    name = "openai_chat"
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
