"""A vendor's mark comes back from any dialect as that vendor's."""

from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.seal import unwrap, wrap

VENDORS = st.sampled_from(["anthropic", "google", "openai", "xai", ""])


@given(st.text(alphabet="abcXYZ019+/=._-"), VENDORS, VENDORS)
def test_what_is_wrapped_comes_back(mark, vendor, home) -> None:
    carried = wrap(mark, vendor, home)
    if mark and not mark.startswith("kg1."):
        assert unwrap(carried, home) == (mark, vendor)


def test_a_mark_at_home_is_as_its_vendor_made_it() -> None:
    assert wrap("abc", "anthropic", "anthropic") == "abc"


def test_a_foreign_one_says_whose_it_is() -> None:
    assert wrap("abc", "google", "anthropic") == "kg1.google.abc"
    assert unwrap("kg1.nobody.abc", "anthropic") == ("abc", "")
    assert unwrap("kg1.nodot", "anthropic") == ("kg1.nodot", "anthropic")
