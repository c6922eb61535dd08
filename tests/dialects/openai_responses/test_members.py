"""Members of a request, read with their types."""

import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.openai_responses.members import Members, given

MEMBERS = Members(read_fields(b'{"a":"x","b":2,"c":1.5,"d":true,"n":null,"s":"nullable"}'))


def test_each_type_and_null_as_absent():
    assert (MEMBERS.text("a"), MEMBERS.whole("b"), MEMBERS.number("c")) == ("x", 2, 1.5)
    assert MEMBERS.truth("d") is True
    assert (MEMBERS.text("n"), MEMBERS.whole("z"), MEMBERS.truth("n")) == ("", None, None)
    assert MEMBERS.has("s")
    assert not MEMBERS.has("n")
    assert bytes(MEMBERS.raw("b")) == b"2"
    assert bytes(MEMBERS.raw("z")) == b""


def test_another_type_is_a_fault_that_names_the_field():
    with pytest.raises(Fault, match="The field a is not as it should be: expected int, got str"):
        MEMBERS.whole("a")


def test_only_what_has_a_value_is_given():
    assert given({"a": 0, "b": None, "c": "", "d": False, "e": ()}) == {"a": 0, "d": False}
