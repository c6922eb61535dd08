"""The tables themselves: complete, in lower case, and of patterns that end soon."""

import time
from typing import get_args

import pytest

from genesis.core.fault import Reason
from genesis.failover import rules

TABLES = {
    "before 402": rules.TEXT_BEFORE_402,
    "before status": rules.TEXT_BEFORE_STATUS,
    "after status": rules.TEXT_AFTER_STATUS,
    **rules.PROVIDER_TEXTS,
}
ROWS = [(kind, pattern) for table in TABLES.values() for kind, pattern in table]


def test_every_reason_has_a_status():
    assert set(rules.REASON_STATUS) == set(get_args(Reason))


def test_codes_are_in_upper_case_and_lead_to_a_reason():
    assert all(code == code.upper() for code in rules.CODES)
    assert set(rules.CODES.values()) <= set(get_args(Reason))


@pytest.mark.parametrize(("kind", "pattern"), ROWS)
def test_a_rule_for_texts_is_written_in_lower_case(kind, pattern):
    assert kind in {"none", *get_args(Reason)}
    assert pattern.pattern == pattern.pattern.lower()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (rules.IMAGE_SIZE, "image exceeds 5 mb"),
        (rules.SESSION_EXPIRED, "session id not found"),
        (rules.MODEL_NOT_FOUND, "the model a/b does not exist"),
        (rules.PER_MINUTE, "limit of tokens per min"),
        (rules.CONTEXT_OVERFLOW, "prompt is too long: 5 tokens"),
        (rules.CREDIT_WORDS, "insufficient credits"),
        (rules.BILLING, "billing hard limit"),
        (rules.STATUS_402, "status code: 402"),
        (rules.TEMPORARY_402, "spend limit, try again later"),
        (rules.PERIODIC_LIMIT, "daily limit reached"),
        (rules.RATE_LIMIT, "too many requests"),
        (rules.OVERLOADED, "the server is at capacity"),
        (rules.AUTH_PERMANENT, "api key was revoked"),
        (rules.AUTH, "incorrect api key"),
        (rules.SERVER_ERROR, "internal server error"),
        (rules.FORMAT, "roles must alternate"),
        (rules.TIMEOUT, "socket hang up"),
    ],
)
def test_a_rule_finds_what_it_is_for_and_no_greeting(pattern, text):
    assert pattern.search(text)
    assert not pattern.search("hello, how are you?")


@pytest.mark.parametrize(
    ("text", "status"),
    [("HTTP 402: pay", "402"), ("Error: 429 slow", "429"), ("521 <!DOCTYPE html>", "521")],
)
def test_the_status_that_a_text_begins_with(text, status):
    assert rules.LEADING_STATUS.match(text)[1] == status


@pytest.mark.parametrize("text", ["4021 tokens", "at 429 Main Street", "600 x"])
def test_a_number_is_no_status(text):
    assert not rules.LEADING_STATUS.match(text)


@pytest.mark.parametrize(("_kind", "pattern"), ROWS)
@pytest.mark.parametrize("piece", ["models ", "limit quota ", "exceed context ", "token 1"])
def test_a_hostile_text_does_not_keep_us(_kind, pattern, piece):
    began = time.process_time()
    pattern.search(piece * 500)
    assert time.process_time() - began < 1
