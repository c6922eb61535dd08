"""Signatures and sealed thoughts: Anthropic's own as they are, others sealed with their vendor's name."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.bedrock.marks import (
    read_sealed,
    read_signature,
    write_sealed,
    write_signature,
)


def test_a_signature_is_anthropics_unless_it_says_otherwise():
    assert read_signature("sig") == ("sig", "anthropic")
    assert read_signature("") == ("", "")
    assert read_signature(write_signature("g", "google")) == ("g", "google")
    assert write_signature("sig", "anthropic") == "sig"


def test_sealed_thoughts_are_the_text_that_anthropics_own_api_has():
    wire = base64.b64encode(b"EtkECkgIBxAB").decode()
    assert read_sealed(wire) == ("EtkECkgIBxAB", "anthropic")
    assert write_sealed("EtkECkgIBxAB", "anthropic") == wire


@given(st.binary(max_size=40))
def test_bytes_that_are_no_text_come_back(data):
    wire = base64.b64encode(data).decode()
    assert write_sealed(*read_sealed(wire)) == wire


def test_what_is_no_base64_stays():
    assert write_sealed(*read_sealed("%%%")) == "%%%"
