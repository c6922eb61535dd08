"""Table N of the cases, the rows of what people read."""

import pytest

from genesis.core.fault import AuthMissingError, ConfigError, ProviderError
from genesis.core.refs import ModelRef
from genesis.core.secret import Secret
from genesis.failover import messages
from genesis.failover.chain import Attempt, FailoverError
from genesis.failover.messages import user_message

PAGE = "<!DOCTYPE html><html><body>down</body></html>"

CASES: list[tuple[str, ProviderError | OSError | str, str]] = [
    ("N15", "429 Too Many Requests", "⚠️ API rate limit reached. Please try again later."),
    (
        "N18",
        f"429 {PAGE}",
        "The AI service is temporarily unavailable (HTTP 429). Please try again in a moment.",
    ),
    (
        "N19",
        '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        "The AI service is temporarily overloaded. Please try again in a moment.",
    ),
    (
        "N20",
        "connect ECONNREFUSED 127.0.0.1:443 during upstream call",
        "LLM request failed: connection refused by the provider endpoint.",
    ),
    ("N21", "socket hang up", "LLM request failed: network connection was interrupted."),
    (
        "N25",
        '{"type":"error","error":{"message":"Something exploded","type":"server_error"}}',
        "LLM error server_error: Something exploded",
    ),
    (
        "N27",
        f"521 {PAGE}",
        "The AI service is temporarily unavailable (HTTP 521). Please try again in a moment.",
    ),
    ("N28", "request_too_large", messages.OVERFLOW),
    # 9.6 beyond the rows
    ("reset named", ProviderError("429 Quota resets at 17:00", status=429), "⚠️ Quota resets at 17:00"),
    ("capacity", "Selected model is at capacity", messages.AT_CAPACITY),
    ("dns", "getaddrinfo ENOTFOUND api.kilo.ai", "LLM request failed: DNS lookup for the provider endpoint failed."),
    ("unreachable", OSError(113, "No route to host"), "LLM request failed: the provider endpoint is unreachable from this host."),
    ("other network", "fetch failed", "LLM request failed: network connection error."),
    ("timeout", TimeoutError(), messages.TIMED_OUT),
    ("empty stream", "empty response from the model", messages.TIMED_OUT),
    ("schema", ProviderError("tools.0: schema is not valid", status=400), messages.SCHEMA),
    ("reasoning", ProviderError("Reasoning is mandatory for this endpoint", status=400), messages.REASONING),
    ("status line", "500 Internal Server Error", "HTTP 500: Internal Server Error"),
    ("status alone", ProviderError("", status=500), "HTTP 500: Internal Server Error"),
    (
        "json with a status",
        ProviderError('{"error":{"message":"max_tokens too large (request id: abc-1)","type":"invalid_request_error"}}', status=400),
        "HTTP 400 invalid_request_error: max_tokens too large",
    ),
    ("anything", "bad request", messages.SOMETHING),
    ("expired", ProviderError("session not found", status=404), messages.SESSION_EXPIRED),
]  # fmt: skip


@pytest.mark.parametrize(("error", "text"), [pytest.param(e, t, id=i) for i, e, t in CASES])
def test_people_read_a_sentence(error: ProviderError | OSError | str, text: str) -> None:
    assert user_message(error) == text


def test_n14_a_bill_names_provider_and_model() -> None:
    error = ProviderError("insufficient credits", status=402, provider="kilocode", model="m")
    assert user_message(error) == (
        "⚠️ kilocode (m) returned a billing error — your API key has run out of credits or has an "
        "insufficient balance. Check your kilocode billing dashboard and top up or switch to a different API key."
    )
    assert user_message("insufficient credits").startswith("⚠️ API provider returned a billing")


def limited(ready_in_s: float | None) -> FailoverError:
    attempt = Attempt(ModelRef("p", "m"), "429", "rate_limit")
    attempts = (attempt, attempt)
    return FailoverError(
        "All models failed", reason="rate_limit", attempts=attempts, ready_in_s=ready_in_s
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (45, "⚠️ Rate-limited — ready in ~45s. Please wait a moment."),
        (150, "⚠️ Rate-limited — ready in ~3 min. Please try again shortly."),
        (None, "⚠️ All models are temporarily rate-limited. Please try again in a few minutes."),
    ],
    ids="N29 {}".format,
)
def test_a_chain_of_limits_says_when(seconds: float | None, text: str) -> None:
    assert user_message(limited(seconds)) == text


def test_a_chain_speaks_of_the_model_that_was_asked_for() -> None:
    refused = ProviderError("Unauthorized", status=401)
    attempts = (
        Attempt(ModelRef("kilocode", "kilo/auto"), "Unauthorized", "auth", refused),
        Attempt(ModelRef("p", "m"), "x", "timeout", ProviderError("x", status=500)),
    )
    text = user_message(FailoverError("All models failed", reason="timeout", attempts=attempts))
    assert text.startswith("⚠️ kilocode refused the API key (HTTP 401).")
    assert "genesis models auth login --provider kilocode" in text


def test_a_provider_that_was_skipped_for_its_bill_says_so() -> None:
    attempts = (Attempt(ModelRef("p", "m"), "Provider p is in cooldown", "billing"),)
    text = user_message(FailoverError("x", reason="billing", attempts=attempts))
    assert text.startswith("⚠️ p (m) returned a billing error")


def test_a_missing_key_is_said_plainly() -> None:
    assert user_message(AuthMissingError("No API key found", "kilocode")) == messages.MISSING_KEY


def test_a_sentence_of_ours_stays_as_it_is() -> None:
    assert user_message(ConfigError("Invalid config at x")) == "Invalid config at x"


def test_a_missing_model_names_it_and_where_to_look() -> None:
    text = user_message(ProviderError("", status=404), "kilocode", "no/such")
    assert '"no/such" was not found at kilocode' in text
    assert "/models kilocode" in text


@pytest.mark.parametrize(
    "text",
    [
        "HTTP 400: Incorrect API key provided: canary-9f8e7d6c5b4a3210.",
        "500 Authorization: Bearer canary-9f8e7d6c5b4a3210",
        '{"error":{"message":"token=canary-9f8e7d6c5b4a3210 is odd","type":"x"}}',
        "500 key canary-9f8e7d6c5b4a3210 failed",
    ],
)
def test_no_key_is_in_any_sentence(text: str) -> None:
    assert "9f8e7d6c5b4a3210" not in user_message(
        text, secrets=(Secret("canary-9f8e7d6c5b4a3210"),)
    )


@pytest.mark.parametrize("key", ["sk-proj-abcdef123456", "kg_live_abcdef123456", "0123456789abcdef" * 2])  # fmt: skip
def test_what_looks_like_a_key_is_hidden_even_if_unknown(key: str) -> None:
    assert key not in user_message(f"500 rejected {key} here")


def test_a_sentence_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in user_message("500 \x1b[2J gone")


def test_a_long_sentence_of_the_provider_is_cut_and_not_left_out() -> None:
    told = user_message(ProviderError("400 The model takes " + "words " * 200, status=400))
    assert told.startswith("HTTP 400: The model takes words")
    assert (len(told), told[-1]) == (messages.LONGEST, "…")
