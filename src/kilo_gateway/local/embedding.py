"""Embeddings of the simulator: unit vectors that depend on the text alone."""

import base64
import hashlib
import math
import struct

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.local.answer import count_tokens
from kilo_gateway.local.asked import Asked

DEFAULT_DIMENSIONS = 256
MAX_DIMENSIONS = 4_096
MAX_NUMBERS = 4_194_304


def vector(text: str, dimensions: int) -> bytes:
    """A vector of length one, as little-endian 32-bit floats; equal texts have equal vectors."""
    noise = hashlib.shake_256(text.encode("utf-8", "surrogatepass")).digest(4 * dimensions)
    numbers = [number / 2**31 for number in struct.unpack(f"<{dimensions}i", noise)]
    length = math.sqrt(math.fsum(number * number for number in numbers)) or 1.0
    return struct.pack(f"<{dimensions}f", *(number / length for number in numbers))


def embeddings_body(asked: Asked, *, reports_usage: bool = True) -> bytes:
    """The reply to a request for embeddings; Fault(INVALID_REQUEST) if its size or encoding is out of range."""
    dimensions = DEFAULT_DIMENSIONS if asked.dimensions is None else asked.dimensions
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        message = f"'dimensions' is from 1 to {MAX_DIMENSIONS}."
        raise Fault(Kind.INVALID_REQUEST, message, param="dimensions")
    if asked.encoding_format not in {None, "float", "base64"}:
        message = "'encoding_format' is float or base64."
        raise Fault(Kind.INVALID_REQUEST, message, param="encoding_format")
    texts = asked.texts
    if len(texts) * dimensions > MAX_NUMBERS:
        message = f"'input' times 'dimensions' is {MAX_NUMBERS} numbers at most."
        raise Fault(Kind.INVALID_REQUEST, message, param="input")
    rows = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _encoded(vector(text, dimensions), asked),
        }
        for index, text in enumerate(texts)
    ]
    reply: dict[str, object] = {"object": "list", "data": rows, "model": asked.model}
    if reports_usage:
        tokens = count_tokens(texts)
        reply["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode(reply)


def _encoded(packed: bytes, asked: Asked) -> str | list[float]:
    if asked.encoding_format == "base64":
        return base64.b64encode(packed).decode()
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))
