"""Embeddings of the simulator."""

import base64
import math
import struct
from typing import Any

import msgspec
import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.local.asked import read_asked
from kilo_gateway.local.embedding import embeddings_body


def embed(**asked: object) -> dict[str, Any]:
    body = msgspec.json.encode({"model": "echo", **asked})
    reply: dict[str, Any] = msgspec.json.decode(embeddings_body(read_asked(body, "input")))
    return reply


def test_vectors_have_length_one_and_the_asked_size() -> None:
    (row,) = embed(input="hello", dimensions=12)["data"]
    assert len(row["embedding"]) == 12
    assert math.hypot(*row["embedding"]) == pytest.approx(1, abs=1e-6)


def test_equal_texts_have_equal_vectors_and_others_do_not() -> None:
    one, two, three = [row["embedding"] for row in embed(input=["a", "a", "b"])["data"]]
    assert one == two
    assert one != three


def test_base64_holds_the_same_floats() -> None:
    plain = embed(input="a", dimensions=8)["data"][0]["embedding"]
    packed = embed(input="a", dimensions=8, encoding_format="base64")["data"][0]["embedding"]
    assert list(struct.unpack("<8f", base64.b64decode(packed))) == plain


def test_usage_counts_all_inputs() -> None:
    assert embed(input=["a b", "c"])["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize(
    "asked",
    [
        {"input": "a", "dimensions": 0},
        {"input": "a", "dimensions": 4_097},
        {"input": "a", "encoding_format": "int8"},
        {"input": ["a"] * 2_000, "dimensions": 4_096},
    ],
)
def test_what_is_out_of_range_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(Fault) as caught:
        embed(**asked)
    assert caught.value.status == 400
