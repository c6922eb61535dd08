"""What stands in `thoughtSignature` is known for what it is."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.gemini.marks import Mark, read, written


@given(
    st.text(alphabet="abcXYZ012+/=", min_size=1),
    st.sampled_from(["anthropic", "openai", "xai", ""]),
)
def test_a_foreign_mark_comes_back(mark, vendor) -> None:
    for is_sealed in (False, True):
        carried = written(mark, vendor, is_sealed=is_sealed)
        base64.urlsafe_b64decode(carried)  # clients decode the field
        assert read(carried) == Mark(mark, vendor, is_sealed)
        assert read(carried.replace("-", "+").replace("_", "/")) == Mark(mark, vendor, is_sealed)


@pytest.mark.parametrize("mark", ["", "CiQBjz1rX4", "a2cxAAAA", "a2cx!!"])
def test_googles_own_stand_as_they_are(mark: str) -> None:
    assert written(mark, "google") == mark
    assert read(mark) == Mark(mark, "google")
