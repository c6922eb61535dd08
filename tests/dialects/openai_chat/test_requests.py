"""Requests: what is refused before any upstream is asked, and the body that goes upstream byte for byte."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.openai_chat.requests import Envelope, outbound, peek

MESSAGES = b'"messages":[]'
NO_QUIRKS = frozenset()


def peeked(body, operation="chat"):
    return peek(operation, read_fields(body))


def chat(members=b""):
    return peeked(b'{"model":"small",%b%b}' % (MESSAGES, b"," + members if members else b""))


def refusal(body, operation="chat"):
    with pytest.raises(Fault) as caught:
        peeked(body, operation)
    return caught.value


def chat_refusal(members):
    return refusal(b'{"model":"small",%b,%b}' % (MESSAGES, members))


def sent(body, *, upstream_model="gpt-5", operation="chat", quirks=NO_QUIRKS):
    fields = read_fields(body)
    envelope = peek(operation, fields)
    call = Call(
        id="req_1",
        dialect="openai_chat",
        operation=operation,
        model=envelope.model,
        fields=fields,
        body_bytes=len(body),
        stream=envelope.stream,
        arrived=0.0,
        received_at=0.0,
        wants_usage=envelope.wants_usage,
    )
    deployment = Deployment("openai", "openai/gpt-5", upstream_model, "openai_chat")
    out = outbound(call, deployment, quirks)
    assert call.fields is fields
    assert (
        outbound(call, deployment, quirks) == out
    )  # a call never changes: the next attempt sends the same
    return out


def test_a_plain_request_is_peeked():
    assert chat() == Envelope("small", (), stream=False, max_tokens=None, wants_usage=False)


@pytest.mark.parametrize(
    "model",
    [b"", b'"model":"",', b'"model":"   ",', b'"model":42,', b'"model":null,', b'"model":["a"],'],
)
def test_a_request_that_names_no_model_is_a_404(model):
    # case A5
    fault = refusal(b"{%b%b}" % (model, MESSAGES))
    assert (fault.kind, fault.status, fault.param) == (Kind.MODEL_NOT_FOUND, 404, "model")


def test_the_model_is_trimmed_and_keeps_its_case():
    assert peeked(b'{"model":"  OpenAI/GPT-5\\n",%b}' % MESSAGES).model == "OpenAI/GPT-5"


@pytest.mark.parametrize(
    "messages", [b"", b',"messages":{}', b',"messages":"hi"', b',"messages":null']
)
def test_messages_must_be_an_array(messages):
    # case A6
    fault = refusal(b'{"model":"small"%b}' % messages)
    assert (fault.kind, fault.status, fault.param) == (Kind.INVALID_REQUEST, 400, "messages")


@pytest.mark.parametrize(
    ("operation", "body", "param"),
    [
        ("completions", b'{"model":"m"}', "prompt"),
        ("embeddings", b'{"model":"m"}', "input"),
        ("embeddings", b'{"model":"m","input":null}', "input"),  # case N12
    ],
)
def test_an_operation_without_its_input_is_a_400(operation, body, param):
    fault = refusal(body, operation)
    assert (fault.kind, fault.param) == (Kind.INVALID_REQUEST, param)


@pytest.mark.parametrize("value", [b'{"gateway":{"only":["anthropic"]}}', b"null", b"1"])
def test_provider_options_are_refused_and_the_right_field_is_named(value):
    # case A12
    fault = chat_refusal(b'"providerOptions":%b' % value)
    assert (fault.kind, fault.status) == (Kind.UNSUPPORTED_FIELD, 400)
    assert fault.param == "providerOptions"
    assert "use provider" in fault.message


def test_an_unsupported_field_is_told_before_a_missing_model():
    assert refusal(b'{"providerOptions":{}}').kind is Kind.UNSUPPORTED_FIELD


@pytest.mark.parametrize(
    "provider",
    [
        b'{"data_collection":"invalid"}',  # case A13
        b'{"zdr":"true"}',
        b'{"data_collection":1}',
        b'"lmstudio"',  # case I14
        b"[]",
    ],
)
def test_privacy_that_is_not_understood_is_a_400(provider):
    fault = chat_refusal(b'"provider":%b' % provider)
    assert (fault.kind, fault.status) == (Kind.INVALID_REQUEST, 400)
    assert fault.param.startswith("provider")


@pytest.mark.parametrize(
    "provider",
    [
        b"null",
        b"{}",
        b'{"data_collection":"deny","zdr":true}',
        b'{"order":["a"],"data_collection":"allow"}',
    ],
)
def test_privacy_that_is_understood_is_taken(provider):
    assert chat(b'"provider":%b' % provider).model == "small"


@pytest.mark.parametrize(
    ("members", "limit"),
    [
        (b'"max_tokens":99999999999', 99_999_999_999),  # case A18
        (b'"max_tokens":0', 0),
        (b'"max_tokens":null', None),
        (b'"max_completion_tokens":7', 7),
        (b'"max_tokens":9,"max_completion_tokens":7', 7),
        (b'"max_tokens":null,"max_completion_tokens":7', 7),
    ],
)
def test_the_token_limit_is_the_smaller_of_both_fields(members, limit):
    assert chat(members).max_tokens == limit


@pytest.mark.parametrize("name", [b"max_tokens", b"max_completion_tokens"])
@pytest.mark.parametrize(
    "value", [b"100000000000", b"-1", b'"many"', b"1.5", b"[]", b"true", b"9" * 5000, b"1e400"]
)
def test_a_token_limit_that_is_none_is_a_400_that_names_the_field(name, value):
    # case A17, where decisions.md wins: 400, not 503
    fault = chat_refusal(b'"%b":%b' % (name, value))
    assert (fault.kind, fault.status) == (Kind.INVALID_REQUEST, 400)
    assert fault.param == name.decode()


@pytest.mark.parametrize(
    ("value", "stream"), [(b"true", True), (b"false", False), (b"null", False)]
)
def test_stream_is_a_boolean(value, stream):
    assert chat(b'"stream":%b' % value).stream is stream


@pytest.mark.parametrize("value", [b"1", b'"true"', b"[]", b"{}"])
def test_stream_is_nothing_else(value):
    assert chat_refusal(b'"stream":%b' % value).param == "stream"


def test_embeddings_do_not_stream():
    assert not peeked(b'{"model":"m","input":"x","stream":true}', "embeddings").stream


@pytest.mark.parametrize(
    ("options", "wants"),
    [
        (b'{"include_usage":true}', True),
        (b'{"include_usage":false}', False),
        (b'{"include_usage":null}', False),
        (b"{}", False),
        (b"null", False),
    ],
)
def test_a_client_sees_usage_if_it_asked(options, wants):
    assert chat(b'"stream":true,"stream_options":%b' % options).wants_usage is wants
    assert not chat(b'"stream_options":%b' % options).wants_usage


@pytest.mark.parametrize("options", [b'"yes"', b"[]", b'{"include_usage":"yes"}'])
def test_stream_options_that_are_no_object_are_a_400(options):
    assert chat_refusal(b'"stream":true,"stream_options":%b' % options).param == "stream_options"


@pytest.mark.parametrize(
    ("value", "models"),
    [
        (b'["a"," b ",""]', ("a", "b")),
        (b"[]", ()),
        (b"null", ()),
        (json.dumps([str(number) for number in range(99)]).encode(), tuple(map(str, range(16)))),
    ],
)
def test_further_models_are_read_trimmed_and_bounded(value, models):
    assert chat(b'"models":%b' % value).models == models


@pytest.mark.parametrize("value", [b'"a"', b"[1]", b"{}", b"[null]"])
def test_further_models_are_texts(value):
    assert chat_refusal(b'"models":%b' % value).param == "models"


def test_the_model_is_named_as_the_upstream_names_it():
    out = sent(b'{"messages":[],"model":"small","n":1}', upstream_model='odd "name"')
    assert out == b'{"messages":[],"model":"odd \\"name\\"","n":1}'


def test_further_models_stay_here():
    # case I15
    assert sent(b'{"model":"a","models":["b"],%b}' % MESSAGES) == b'{"model":"gpt-5","messages":[]}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"good","model":"small",%b}' % MESSAGES,
        b'{"model":"good","mod\\u0065l":"small",%b}' % MESSAGES,
        b'{"mod\\u0065l":"good","model":"small",%b}' % MESSAGES,
    ],
)
def test_a_doubled_model_is_sent_once_and_is_the_one_that_was_judged(body):
    assert peeked(body).model == "small"
    assert sent(body) == b'{"model":"gpt-5","messages":[]}'


@pytest.mark.parametrize("stream", [b"", b',"stream":false', b',"stream":null'])
def test_a_whole_answer_is_asked_for_without_stream_options(stream):
    # case A16
    assert b"stream_options" not in sent(b'{"model":"m","messages":[]%b}' % stream)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (b"", b'{"include_usage":true}'),
        (b',"stream_options":null', b'{"include_usage":true}'),
        (b',"stream_options":{}', b'{"include_usage":true}'),
        (b',"stream_options":{"include_usage":false}', b'{"include_usage":true}'),
        (b',"stream_options":{"x": [1, 2]}', b'{"x":[1, 2],"include_usage":true}'),
        (b',"stream_options":{"include_usage":true, "x":1}', b'{"include_usage":true, "x":1}'),
    ],
)
def test_usage_is_always_asked_for_in_streams_and_other_options_stay(options, expected):
    out = sent(b'{"model":"m","messages":[],"stream":true%b}' % options)
    assert bytes(read_fields(out)["stream_options"]) == expected


def test_an_upstream_that_refuses_the_field_is_not_sent_it():
    body = b'{"model":"m","messages":[],"stream":true}'
    assert b"stream_options" not in sent(body, quirks=frozenset({"no_include_usage"}))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(["tools", "temperature", "x", "ключ", "reasoning_effort", "user"])


@given(
    st.dictionaries(names, values),
    st.sampled_from([None, 1, 3]),
    st.booleans(),
    st.booleans(),
)
def test_every_other_member_goes_upstream_byte_for_byte(extra, indent, ascii_only, stream):
    written = {
        name: json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
        for name, value in extra.items()
    }
    members = [b'"model":"small"', b'"messages": [ {"role":"user"} ]']
    members += [json.dumps(name).encode() + b": " + value for name, value in written.items()]
    members += [b'"stream":true'] * stream
    fields = read_fields(sent(b"{%b}" % b",\n".join(members)))
    assert bytes(fields["messages"]) == b'[ {"role":"user"} ]'
    for name, value in written.items():
        assert bytes(fields[name]) == value
    added = {"stream", "stream_options"} if stream else set()
    assert set(fields) == {"model", "messages", *written} | added


def test_the_order_of_members_is_kept():
    out = sent(b'{"b":1,"messages":[],"model":"m","a":2}')
    assert list(msgspec.json.decode(out)) == ["b", "messages", "model", "a"]
