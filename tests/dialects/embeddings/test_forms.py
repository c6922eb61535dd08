"""Every vendor's form, against every exchange that was recorded of it."""

import json
from typing import get_args

import pytest

from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.embeddings.forms import CLIENTS, UPSTREAMS, FormName
from tests.dialects.embeddings.recorded import WHY_SKIPPED, exchanges, floats_of

EXCHANGES = exchanges()
pytestmark = pytest.mark.skipif(not EXCHANGES, reason=WHY_SKIPPED)
each = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda one: one.id)


def test_the_names_are_those_of_the_table():
    assert set(get_args(FormName)) == set(UPSTREAMS)
    assert set(CLIENTS) == {"openai_chat", "gemini"}


def test_every_form_but_two_was_seen():
    assert set(UPSTREAMS) - {one.form for one in EXCHANGES} == {"floats", "jina"}
    assert len(EXCHANGES) == 38


@each
def test_a_recorded_request_is_what_the_form_writes(exchange):
    if exchange.request is None or not exchange.is_of_texts:
        pytest.skip("no request of texts was recorded")
    fields = read_fields(json.dumps({"model": "m"} | exchange.asked).encode())
    sent = json.loads(
        UPSTREAMS[exchange.form].write(CLIENTS["openai_chat"].read_ask(fields), "there")
    )
    wanted = exchange.sent_for("there")
    if isinstance(wanted.get("input"), str):
        wanted["input"] = [
            wanted["input"]
        ]  # one text is an array of one, where bytes do not just go through
    assert sent == wanted


@each
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_a_recorded_reply_is_told_and_read_again(exchange, encoding):
    answer = UPSTREAMS[exchange.form].read(exchange.reply)
    assert answer.usage.input_tokens == exchange.tokens
    fields = read_fields(json.dumps({"model": "m", "encoding_format": encoding}).encode())
    told = CLIENTS["openai_chat"].write_answer(answer, fields, "m", None)
    rows = json.loads(told)["data"]
    assert [floats_of(row["embedding"]) for row in rows] == exchange.vectors
    again = UPSTREAMS["openai"].read(told)
    assert again.usage.input_tokens == exchange.tokens
    assert [floats_of(json.loads(bytes(one))) for one in again.vectors] == exchange.vectors


@each
def test_a_recorded_reply_is_told_to_clients_of_gemini(exchange):
    answer = UPSTREAMS[exchange.form].read(exchange.reply)
    fields = read_fields(b'{"model":"m","requests":[]}')
    told = json.loads(CLIENTS["gemini"].write_answer(answer, fields, "m", None))
    assert [floats_of(row["values"]) for row in told["embeddings"]] == exchange.vectors


@each
def test_two_recorded_replies_are_joined_in_order(exchange):
    form = UPSTREAMS[exchange.form]
    whole = form.read(form.join([exchange.reply, exchange.reply]))
    vectors = [floats_of(json.loads(bytes(one))) for one in whole.vectors]
    assert vectors == exchange.vectors * 2
    assert whole.usage.input_tokens == (None if exchange.tokens is None else exchange.tokens * 2)
