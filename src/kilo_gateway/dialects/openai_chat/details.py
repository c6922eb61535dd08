"""Details: thoughts that a server tells as `reasoning_content` are told as `reasoning_details` too (gateway.md 8.6).

Clients of OpenRouter's form look there, those of DeepSeek's form in `reasoning_content`, which stays. It is done in the bytes: the
text is the server's own JSON string, written twice. An event, or a whole reply, that has details of its own keeps them. A `role` of
null, which some SDKs refuse, goes.
"""

import re
from typing import Final

from typing_extensions import override

from kilo_gateway.dialects.openai_chat.events import Stream

_THOUGHTS: Final = b'"reasoning_content"'
_DETAILS: Final = b'"reasoning_details"'
_ROLE: Final = b'"role":'
# Quotes in a string are escaped, so that no text of the model's can look like these members.
_TOLD: Final = re.compile(
    rb'"reasoning_content"\s*+:\s*+("[^"\\]++(?:\\.[^"\\]*+)*+"|"(?:\\.[^"\\]*+)++")'
)
_NO_ROLE: Final = re.compile(rb'"role":\s*+null\s*+,\s*+|,\s*+"role":\s*+null|"role":\s*+null')
_AS_DETAILS: Final = (
    rb'"reasoning_details":[{"type":"reasoning.text","text":\1,"index":0,"format":"unknown"}],\g<0>'
)


def with_details(reply: bytes) -> bytes:
    """A whole reply, or one event, with its thoughts as details."""
    if _THOUGHTS in reply and _DETAILS not in reply:
        return _TOLD.sub(_AS_DETAILS, reply)
    return reply


class DetailedStream(Stream):
    """A stream whose thoughts are told as details."""

    __slots__ = ()

    @override
    def _pass(self, block: bytes) -> bytes:
        out = super()._pass(block)
        if _ROLE in out:
            out = _NO_ROLE.sub(b"", out)
        if _THOUGHTS not in out:
            return out
        # An event's JSON is one line.
        return b"\n".join(map(with_details, out.split(b"\n")))
