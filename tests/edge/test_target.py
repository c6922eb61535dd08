"""Targets in all their forms."""

import pytest

from kilo_gateway.edge.target import size_of, target_of


@pytest.mark.parametrize(
    ("url", "path", "query"),
    [
        (b"/v1/models", "/v1/models", b""),
        (b"/v1/models?a=1#x", "/v1/models", b"a=1"),
        (b"/v1/models/a%2Fb", "/v1/models/a/b", b""),
        (b"http://host/v1/models?a=1", "/v1/models", b"a=1"),
        (b"http://host", "/", b""),
        (b"*", "*", b""),
    ],
)
def test_a_target_is_path_and_query(url: bytes, path: str, query: bytes) -> None:
    assert target_of(url) == (path, query)


def test_the_size_counts_names_values_and_framing() -> None:
    assert size_of(b"/", {b"a": b"bc"}) == 1 + 1 + 2 + 4
