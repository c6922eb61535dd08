"""JSON values that are there."""

import msgspec
import pytest

from kilo_gateway.dialects.conversation import NO_RAW, is_given


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(NO_RAW, False), (msgspec.Raw(b"null"), False), (msgspec.Raw(b"0"), True)],
)
def test_null_is_as_good_as_nothing(raw: msgspec.Raw, expected: bool) -> None:
    assert is_given(raw) is expected
