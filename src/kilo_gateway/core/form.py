"""Form: a multipart/form-data body (an upload), kept as it came but for the model that it names.

Only as much of RFC 7578 is read as it takes to find the part called `model`: the boundary, and each part's head up to that one.
"""

import re
from typing import Final

import msgspec

from kilo_gateway.core.fault import Fault, Kind

_BOUNDARY: Final = re.compile(
    rb'(?i)^multipart/form-data\s*;.*?\bboundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))'
)
_NAME: Final = re.compile(
    rb'(?i)^content-disposition:\s*form-data\b[^\r\n]*?;\s*name="?([^"\r\n;]*)"?', re.MULTILINE
)
_MAX_PARTS: Final = 64
_MAX_HEAD_BYTES: Final = 8 * 1024
_MAX_MODEL_BYTES: Final = 512


class Form(msgspec.Struct, frozen=True, gc=False):
    """`content_type` is the header with its boundary; `body[start:end]` is the model's name; `names` are those of all parts."""

    content_type: bytes
    body: bytes
    start: int
    end: int
    names: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model that the client asked for."""
        return self.body[self.start : self.end].decode("utf-8", "replace").strip()

    def with_model(self, model: str) -> bytes:
        """The body with another model's name."""
        return b"%b%b%b" % (self.body[: self.start], model.encode(), self.body[self.end :])


def read_form(content_type: bytes, body: bytes) -> Form:
    """The form in a body. Raises Fault invalid_request for what is none, model_not_found for one without a model."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise Fault(
            Kind.INVALID_REQUEST,
            "The request must be multipart/form-data with a boundary, or JSON.",
            param="content-type",
        )
    fence = b"--" + (found[1] or found[2])
    names: list[str] = []
    place: tuple[int, int] | None = None
    at = body.find(fence)
    while at >= 0 and len(names) < _MAX_PARTS:
        head_start = at + len(fence)
        if body[head_start : head_start + 2] == b"--":
            break
        head_end = body.find(b"\r\n\r\n", head_start, head_start + _MAX_HEAD_BYTES)
        end = body.find(b"\r\n" + fence, head_end + 2)
        if head_end < 0 or end < 0:
            raise Fault(Kind.INVALID_REQUEST, "The form ends in the middle of a part.")
        named = _NAME.search(body[head_start:head_end])
        names.append(named[1].decode("latin-1") if named else "")
        if names[-1] == "model" and end - head_end - 4 <= _MAX_MODEL_BYTES:
            place = (head_end + 4, end)
        at = end + 2
    if place is None or not body[place[0] : place[1]].strip():
        raise Fault(
            Kind.MODEL_NOT_FOUND, "The form must name a model in its part `model`.", param="model"
        )
    return Form(content_type, body, *place, tuple(names))
