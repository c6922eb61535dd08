"""Table H of the cases: which errors have which reason."""

from collections.abc import Mapping
from typing import Any

import pytest

from genesis.core.fault import ProviderError
from genesis.failover import rules
from genesis.failover.classify import (
    Verdict,
    classify,
    is_billing_text,
    is_context_overflow,
    is_user_abort,
    leading_status,
    verdict,
)
from genesis.failover.signals import Failure


def failed(status: int | None = None, message: str = "", **more: Any) -> ProviderError:
    return ProviderError(message, status=status, **more)


def nested() -> Mapping[str, Any]:
    inner = {"code": 429, "message": "RESOURCE_EXHAUSTED: slow", "status": "RESOURCE_EXHAUSTED"}
    return {"name": "AbortError", "message": "The operation was aborted", "cause": {"error": inner}}


CASES: list[tuple[str, Failure, str | None]] = [
    ("H2", failed(402, "HTTP 402: request reached organization usage limit, try again later"), "rate_limit"),
    ("H3", failed(402, "insufficient credits — please top up your account"), "billing"),
    ("H6", failed(403), "auth"),
    ("H7 401", failed(401, "Unauthorized"), "auth"),
    ("H7 key", failed(401, "invalid_api_key"), "auth"),
    ("H7 403", failed(403, "permission_error"), "auth"),
    ("H8", failed(403, "api key revoked"), "auth_permanent"),
    ("H11", failed(529), "overloaded"),
    *[(f"H12 {n}", failed(n), None) for n in (521, 522, 523, 524)],
    *[(f"H13 {n}", failed(n), None) for n in (400, 422)],
    ("H14 400", failed(400, "400 status code (no body)"), None),
    ("H14 422", failed(422, "HTTP 422: No response body"), None),
    ("H14 error", failed(422, "Error: HTTP 422: No response body"), None),
    ("H15 parameter", failed(422, "check open ai req parameter error"), "format"),
    ("H15 entity", failed(422, "Unprocessable Entity"), "format"),
    (
        "H16",
        {"status": 422, "error": {"message": "missing required property"}, "cause": {"message": "HTTP 422: No response body"}},
        "format",
    ),
    ("H20", failed(400, "INVALID_ARGUMENT: input exceeds the maximum number of tokens"), None),
    ("H21", "prompt is too long: 150000 tokens > 128000 maximum", None),
    ("H22", failed(400, "HTTP 400: openrouter/__invalid_test_model__ is not a valid model ID"), "model_not_found"),
    ("H23", failed(422, "invalid model: openrouter/__invalid_test_model__"), "model_not_found"),
    ("H24", failed(404, "No endpoints found for deepseek/deepseek-r1:free."), "model_not_found"),
    ("H25", "The model gpt-foo does not exist.", "model_not_found"),
    (
        "H27",
        "404 The free model has been deprecated. Transition to qwen/qwen3.6-plus for continued paid access.",
        "model_not_found",
    ),
    ("H28 404", "404 status code (no body)", "model_not_found"),
    ("H28 http", "HTTP 404: No body", "model_not_found"),
    ("H29 session", "HTTP 404: session not found", "session_expired"),
    ("H29 auth", "HTTP 404: invalid_api_key", "auth"),
    ("H29 billing", "HTTP 404: insufficient credits", "billing"),
    ("H30 status", failed(410, "session not found"), "session_expired"),
    ("H30 text", "HTTP 410: conversation expired", "session_expired"),
    ("H35", failed(499, '{"type":"error","error":{"type":"overloaded_error","message":"x"}}'), "overloaded"),
    ("H41", "model_cooldown: All credentials for model gpt-5 are cooling down", "rate_limit"),
    ("H42", "This model requires more credits to use", "billing"),
    ("H43", "402 Payment Required: Weekly/Monthly Limit Exhausted", "billing"),
    ("H44 monthly", failed(402, "Monthly spend limit reached. Please visit your billing settings."), "rate_limit"),
    ("H44 workspace", failed(402, "Workspace spend limit reached. Contact your admin."), "rate_limit"),
    ("H45", failed(402, "x" * 520 + " insufficient credits. Monthly spend limit reached."), "billing"),
    ("H50", nested(), "rate_limit"),
    ("H51", {"message": "context overflow", "cause": {"code": "RESOURCE_EXHAUSTED"}}, "rate_limit"),
    ("H61 operation", "The operation was aborted", "timeout"),
    ("H61 closed", "stream closed", "timeout"),
    ("H61 aborted", "stream was aborted", "timeout"),
    # 9.2 beyond the rows
    ("429", failed(429), "rate_limit"),
    ("401", failed(401), "auth"),
    ("401 credits", failed(401, "your account is out of credits"), "billing"),
    ("403 key limit", failed(403, "Key limit exceeded"), "auth"),
    ("404", failed(404), "model_not_found"),
    ("404 too long", failed(404, "prompt is too long: 9 tokens > 8"), None),
    *[(str(n), failed(n), "timeout") for n in (408, 500, 502, 504, 499, 503, 410)],
    ("503 overloaded", failed(503, "The engine is currently overloaded"), "overloaded"),
    ("400 with a code", failed(400, code="rate_limit_exceeded"), "rate_limit"),
    ("code", failed(code="too_many_requests"), "rate_limit"),
    ("code as text", failed(code="overloaded_error"), "overloaded"),
    ("refused", ConnectionRefusedError(111, "refused"), "timeout"),
    ("timed out", TimeoutError(), "timeout"),
    ("image", failed(400, "image exceeds 5 MB maximum"), None),
    ("521 with a page", "521 <!DOCTYPE html><html></html>", "timeout"),
    ("per minute", failed(None, "Request is too large: 50000 tokens per min (TPM) limit 30000"), "rate_limit"),
    ("bad request", "bad request", None),
    ("connection", "Connection closed before the answer", "timeout"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "reason"), [pytest.param(e, r, id=i) for i, e, r in CASES])
def test_an_error_has_its_reason(error: Failure, reason: str | None) -> None:
    assert classify(error) == reason


@pytest.mark.parametrize(
    ("error", "is_overflow"),
    [
        pytest.param(failed(400, "INVALID_ARGUMENT: input exceeds the maximum number of tokens"), True, id="H20"),
        pytest.param("prompt is too long: 150000 tokens > 128000 maximum", True, id="H21"),
        pytest.param("request_too_large", True, id="N28"),
        pytest.param("maximum context length is 8192 tokens", True, id="length"),
        pytest.param({"message": "context overflow", "cause": {"code": "RESOURCE_EXHAUSTED"}}, False, id="H51"),
        pytest.param(failed(429, "too many tokens per minute"), False, id="rate"),
    ],
)  # fmt: skip
def test_a_full_context_is_a_kind_of_its_own(error: Failure, is_overflow: bool) -> None:
    assert is_context_overflow(error) is is_overflow


def test_h40_a_malformed_function_call_is_no_timeout() -> None:
    assert classify("Unhandled stop reason: MALFORMED_FUNCTION_CALL") != "timeout"
    assert classify("Unhandled stop reason: network_error") == "timeout"


@pytest.mark.parametrize(
    ("provider", "reason"), [("openrouter", "timeout"), ("", None), ("kilocode", None)]
)
def test_h47_texts_of_openrouter_mean_nothing_elsewhere(provider: str, reason: str | None) -> None:
    assert classify("Provider returned error", provider=provider) == reason


def test_h50_the_inner_error_gives_the_status() -> None:
    assert verdict(nested()) == Verdict("rate_limit", 429)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("overloaded", 503), ("auth_permanent", 403), ("model_not_found", 404)],
    ids="H55 {}".format,
)
def test_a_reason_has_a_nominal_status(reason: str, status: int) -> None:
    assert {**rules.REASON_STATUS}[reason] == status  # type: ignore[index]  # a Literal as a key


@pytest.mark.parametrize(
    "text",
    ["status: 402", "error code 402", "got a 402 from the API", '{"code":402,"message":"payment required"}'],
    ids="H57 {}".format,
)  # fmt: skip
def test_a_text_may_speak_of_money(text: str) -> None:
    assert is_billing_text(text)


def test_a_room_number_is_no_bill() -> None:
    assert not is_billing_text("the meeting is in room 402")


def test_an_error_that_wraps_itself_is_read_once() -> None:
    loop: dict[str, Any] = {"message": "odd"}
    loop["cause"] = loop
    assert classify(loop) is None


def test_the_cause_of_an_exception_is_asked_too() -> None:
    outer = ProviderError("odd")
    outer.__cause__ = ConnectionResetError(104, "reset")
    assert classify(outer) == "timeout"


@pytest.mark.parametrize(
    ("text", "is_abort", "expected"),
    [("aborted", True, True), ("Request was aborted", True, False), ("aborted", False, False)],
)
def test_only_a_plain_abort_is_the_users(text: str, is_abort: bool, expected: bool) -> None:
    assert is_user_abort(ProviderError(text, is_abort=is_abort)) is expected


@pytest.mark.parametrize(
    ("text", "status"),
    [("HTTP 500: x", 500), ("429 Too Many", 429), ("Error: 503", 503), ("4041", None), ("x", None)],
)
def test_a_text_may_begin_with_a_status(text: str, status: int | None) -> None:
    assert leading_status(text) == status


def test_h53_a_low_balance_is_a_bill() -> None:
    error = ProviderError("credit balance too low", provider="p", model="m")
    assert verdict(error, provider="p") == Verdict("billing", 402)
