"""A body as its members: bytes stay bytes, and a broken body is told with line and column."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import (
    holds,
    raw_json,
    read_fields,
    starts_with,
    text_of,
    write_fields,
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
objects = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8), values, max_size=6
)


def refusal(body):
    with pytest.raises(Fault) as caught:
        read_fields(body)
    assert (caught.value.kind, caught.value.status) == (Kind.INVALID_REQUEST, 400)
    return caught.value.message


@given(objects, st.sampled_from([None, 1]), st.booleans())
def test_members_keep_their_own_bytes(value, indent, ascii_only):
    members = {
        name: json.dumps(member, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
        for name, member in value.items()
    }
    body = b"{%b}" % b" , ".join(
        json.dumps(name).encode() + b" : " + member for name, member in members.items()
    )
    fields = read_fields(body)
    assert {name: bytes(raw) for name, raw in fields.items()} == members
    assert msgspec.json.decode(write_fields(fields)) == msgspec.json.decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"mod\\u0065l":"a","model":"b"}',
    ],
)
def test_a_doubled_key_has_one_meaning_the_last(body):
    fields = read_fields(body)
    assert write_fields(fields) == b'{"model":"b"}'


def test_a_byte_order_mark_is_skipped():
    assert list(read_fields(b'\xef\xbb\xbf{"a":1}')) == ["a"]


@pytest.mark.parametrize("body", [b"", b"  \r\n\t ", b"\xef\xbb\xbf"])
def test_an_empty_body_is_called_empty(body):
    assert "empty" in refusal(body)


@pytest.mark.parametrize("body", [b"[]", b"[1", b'"text"', b"42", b"null", b"true"])
def test_another_value_than_an_object_is_refused(body):
    assert "JSON object" in refusal(body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"a":1} x', "line 1, column "),
        (b'{"a":1,\n "b":tru}', "line 2, column "),
        (b'{"a":1,\n\n\n!}', "line 4, column 1 (byte 10)"),
        (b"{'a':1}", "line 1, column 2 (byte 1)"),
        (b'{"a":1,}', "line 1, column 8 (byte 7)"),
    ],
)
def test_malformed_json_is_told_with_its_place(body, place):
    message = refusal(body)
    assert message.startswith("Malformed JSON: ")
    assert place in message


@pytest.mark.parametrize("body", [b"{", b'{"a"', b'{"a":', b'{"a":[1,2', b'{"a":"text'])
def test_a_cut_body_is_told_with_its_length(body):
    message = refusal(body)
    assert message.startswith("Malformed JSON: ")
    assert f"after {len(body)} bytes" in message


@pytest.mark.parametrize(("body", "byte"), [(b'{"a":"\xff"}', 6), (b'{"\xc3":1}', 2)])
def test_bytes_that_are_not_utf8_are_told_with_their_place(body, byte):
    assert f"UTF-8 (byte {byte})" in refusal(body)


@pytest.mark.parametrize("body", [b'{"a":' + b"[" * 100_000, b'{"a":' * 100_000])
def test_a_body_nested_without_end_is_refused(body):
    refusal(body)


def test_a_body_nested_too_deeply_is_told_so():
    assert "nested too deeply" in refusal(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_what_any_real_client_nests_is_taken():
    assert read_fields(b'{"a":' + b"[" * 300 + b"]" * 300 + b"}")


@given(st.binary(max_size=60) | st.text(st.sampled_from('{}[]":,\\ud80ab1 \n')).map(str.encode))
def test_any_bytes_are_members_or_a_fault(body):
    with suppress(Fault):
        assert isinstance(read_fields(body), dict)


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b'"a"', "a"), (b'"\\u0061"', "a"), (b'""', ""), (b"1", None), (b"null", None), (b"[]", None)],
)
def test_a_member_is_a_text_or_none(raw, text):
    assert text_of(msgspec.Raw(raw)) == text


def test_the_kind_of_a_value_is_seen_in_its_first_byte():
    fields = read_fields(b'{"list" :  [ ], "object":\n{}}')
    assert starts_with(fields["list"], b"[")
    assert starts_with(fields["object"], b"{")
    assert not starts_with(fields["list"], b"{")


def test_words_are_found_in_a_value_and_not_beside_it():
    fields = read_fields(b'{"a":"x.y$","b":["$ref"],"c":""}')
    assert holds(fields["b"], b"$ref")
    assert holds(fields["a"], b"none", b".y$")
    assert not holds(fields["a"], b"$ref", b"xzy")
    assert not holds(fields["c"], b"a")


def test_a_value_becomes_a_member():
    assert write_fields({"model": raw_json('a"b')}) == b'{"model":"a\\"b"}'
