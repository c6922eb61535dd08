"""OpenAI's form, of clients and of vendors that differ in a few names."""

import json

import msgspec
import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.embeddings.ask import EmbeddingAnswer, EmbeddingAsk
from kilo_gateway.dialects.embeddings.openai import LIKE_OPENAI, OpenAIClients, count_of

CLIENTS = OpenAIClients()


def asked(**members):
    return CLIENTS.read_ask(read_fields(json.dumps({"model": "m"} | members).encode()))


def written(form, **members):
    return json.loads(LIKE_OPENAI[form].write(asked(**members), "there"))


def answered(answer, **members):
    fields = read_fields(json.dumps({"model": "m"} | members).encode())
    return json.loads(CLIENTS.write_answer(answer, fields, "m", None))


@pytest.mark.parametrize(
    ("given", "inputs", "has_tokens"),
    [
        ("a", ['"a"'], False),
        (["a", "b"], ['"a"', '"b"'], False),
        ([1, 2], ["[1, 2]"], True),
        ([[1], [2, 3]], ["[1]", "[2, 3]"], True),
    ],
)
def test_inputs_are_texts_or_tokens(given, inputs, has_tokens):
    ask = asked(input=given)
    assert ([bytes(one).decode() for one in ask.inputs], ask.has_tokens) == (inputs, has_tokens)


@pytest.mark.parametrize(
    "given", [[], None, 1, {}, ["a", 1], ["a", [1]], [None], [{"text": "a"}], [1, "a"]]
)
def test_other_inputs_are_refused(given):
    with pytest.raises(Fault) as caught:
        asked(input=given)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, "input")


@pytest.mark.parametrize(
    ("name", "value"), [("dimensions", 0), ("dimensions", "x"), ("encoding_format", "binary")]
)
def test_a_setting_that_is_none_is_named(name, value):
    with pytest.raises(Fault) as caught:
        asked(input="a", **{name: value})
    assert caught.value.param == name


def test_what_the_vectors_are_for_is_read_from_any_vendors_member():
    assert asked(input="a", input_type="search_query").purpose == "query"
    assert asked(input="a", task="text-matching").purpose == "similarity"
    unknown = asked(input="a", task="sing", user="u", dimensions=None)
    assert (unknown.purpose, set(unknown.extra)) == ("", {"task", "user"})


FULL = {
    "input": ["a"],
    "dimensions": 4,
    "encoding_format": "base64",
    "input_type": "query",
    "user": "u",
}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("openai", {"dimensions": 4, "encoding_format": "base64", "user": "u"}),
        ("floats", {"dimensions": 4, "encoding_format": "float", "user": "u"}),
        ("mistral", {"output_dimension": 4}),
        ("voyage", {"output_dimension": 4, "encoding_format": "base64", "input_type": "query"}),
        ("jina", {"dimensions": 4, "embedding_type": "base64", "task": "retrieval.query"}),
        ("perplexity", {"dimensions": 4, "encoding_format": "base64_int8"}),
    ],
)
def test_each_vendor_gets_its_own_names(form, expected):
    assert written(form, **FULL) == {"model": "there", "input": ["a"]} | expected


def test_an_encoding_that_nobody_named_is_not_named():
    for form in ("openai", "floats", "voyage", "jina", "mistral"):
        assert written(form, input="a") == {"model": "there", "input": ["a"]}
    assert written("perplexity", input="a")["encoding_format"] == "base64_int8"


def test_a_vendor_whose_floats_have_no_name_is_told_nothing():
    assert written("voyage", input="a", encoding_format="float") == {
        "model": "there",
        "input": ["a"],
    }


def test_vectors_come_in_the_order_of_their_index():
    body = b'{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{"total_tokens":3}}'
    answer = LIKE_OPENAI["openai"].read(body)
    assert [bytes(one) for one in answer.vectors] == [b"[1]", b"[2]"]
    assert answer.usage == Usage(3, 0, raw=b'{"total_tokens":3}')


def test_indices_that_say_nothing_leave_the_order():
    body = b'{"data":[{"index":0,"embedding":[2]},{"index":0,"embedding":[1]}]}'
    assert [bytes(one) for one in LIKE_OPENAI["openai"].read(body).vectors] == [b"[2]", b"[1]"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":[{}]}', b'{"data":1}'])
def test_what_is_no_reply_is_none(body):
    assert LIKE_OPENAI["openai"].read(body) is None


def test_an_answer_tells_vectors_in_the_encoding_that_was_asked():
    answer = EmbeddingAnswer((msgspec.Raw(b"[1.0]"), msgspec.Raw(b'"AAAAQA=="')), Usage(5, 0))
    told = answered(answer, encoding_format="base64")
    assert [row["embedding"] for row in told["data"]] == ["AACAPw==", "AAAAQA=="]
    assert [row["index"] for row in told["data"]] == [0, 1]
    assert told["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    assert [row["embedding"] for row in answered(answer)["data"]] == [[1.0], [2.0]]


def test_unknown_usage_is_not_told_and_a_cost_is():
    assert "usage" not in answered(EmbeddingAnswer((msgspec.Raw(b"[1]"),), UNKNOWN_USAGE))
    priced = EmbeddingAnswer((msgspec.Raw(b"[1]"),), Usage(1, 0, cost_nanodollars=120))
    assert answered(priced)["usage"]["cost"] == 1.2e-07


def test_replies_are_joined_with_their_counts_and_costs():
    first = b'{"object":"list","model":"x","data":[{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":1,"total_tokens":1,"cost":1e-7}}'
    second = b'{"data":[{"index":1,"embedding":[3]},{"index":0,"embedding":"AACAPw=="}],"usage":{"prompt_tokens":2,"total_tokens":2,"cost":2e-7}}'
    whole = json.loads(LIKE_OPENAI["openai"].join([first, second]))
    assert [(row["index"], row["embedding"]) for row in whole["data"]] == [
        (0, [1]),
        (1, "AACAPw=="),
        (2, [3]),
    ]
    assert whole["usage"] == {"prompt_tokens": 3, "total_tokens": 3, "cost": 3e-7}
    assert whole["model"] == "x"


def test_a_count_that_one_reply_left_out_is_unknown_in_all():
    first = b'{"data":[{"embedding":[1]}],"usage":{"total_tokens":1}}'
    whole = json.loads(
        LIKE_OPENAI["openai"].join([first, b'{"data":[{"embedding":[2]}],"usage":3}'])
    )
    assert "usage" not in whole


def test_inputs_are_counted_only_where_they_may_be_too_many():
    assert count_of(msgspec.Raw(b'["a","b"]'), 10) == 0
    assert count_of(msgspec.Raw(b'["aaaaaaaaa","b"]'), 2) == 2
    assert count_of(msgspec.Raw(b'"a long text and nothing else"'), 2) == 0
    assert count_of(msgspec.Raw(b"[1,2,3,4,5,6]"), 2) == 1
    assert count_of(msgspec.Raw(b'[1,"a",3,4,5,6]'), 2) == 0


def test_a_form_that_takes_anything_passes_anything():
    assert LIKE_OPENAI["openai"].passes("whatever")
    assert not LIKE_OPENAI["mistral"].passes("user")
    assert (
        LIKE_OPENAI["openai"].write(EmbeddingAsk((msgspec.Raw(b'"a"'),)), "m")
        == b'{"model":"m","input":["a"]}'
    )
