"""What went wrong, in words that can be classified."""

import socket
import ssl

import httpx
import pytest

from genesis.core.fault import GenesisError, ProviderError
from genesis.failover.classify import classify
from genesis.providers.compatible.faults import (
    error_in_stream,
    from_network,
    refused,
    retry_after,
    without_secrets,
)

WHO = {"provider": "kilocode", "model": "m"}


def told(status, body=b"", **headers):
    return refused(httpx.Response(status, headers=headers), body, **WHO)


@pytest.mark.parametrize(
    ("status", "body", "message", "code"),
    [
        (402, b'{"error":{"message":"no credit","code":402}}', "402 no credit", None),
        (429, b'{"error":{"message":"slow","code":"rate_limited"}}', "429 slow", "rate_limited"),
        (503, b'{"error":{"type":"overloaded_error","message":"x"}}', "503 x", "overloaded_error"),
        (
            400,
            b'[{"error":{"message":"x","status":"INVALID_ARGUMENT"}}]',
            "400 x",
            "INVALID_ARGUMENT",
        ),
        (401, b'{"error":"Unauthorized"}', "401 Unauthorized", None),
        (404, b'{"message":"gone"}', "404 gone", None),
        (500, b"<!DOCTYPE html>", "500 <!DOCTYPE html>", None),
        (400, b"", "400 status code (no body)", None),
        (500, b'{"error":{}}', '500 {"error":{}}', None),
    ],
)
def test_a_refusal_is_read(status, body, message, code):
    error = told(status, body)
    assert (error.message, error.status, error.code) == (message, status, code)


def test_a_redirect_says_where_to():
    error = told(301, b"<html>", location="https://other.example/v1?key=secret")
    assert error.message == (
        "301 the server redirects to https://other.example/v1: set that as the baseUrl"
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after-ms": "1500", "retry-after": "3"}, 1.5),
        (
            {
                "retry-after": "Tue, 24 Nov 2026 15:00:30 GMT",
                "date": "Tue, 24 Nov 2026 15:00:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "Tue, 24 Nov 2026 15:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "999999999"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after(httpx.Headers(headers)) == seconds


@pytest.mark.parametrize(
    ("error", "message", "status", "code"),
    [
        ({"message": "broken", "code": 502}, "broken", 502, None),
        ({"message": "broken", "type": "server_error"}, "broken", None, "server_error"),
        ("plain", "plain", None, None),
        ({}, "The provider reported an error in the middle of its answer.", None, None),
        (7, "The provider reported an error in the middle of its answer.", None, None),
    ],
)
def test_an_error_in_a_stream_is_read(error, message, status, code):
    found = error_in_stream(error, **WHO)
    assert (found.message, found.status, found.code) == (message, status, code)


def caused(error, *causes):
    for inner in reversed(causes):
        error.__cause__ = inner
    return error


NETWORK = {
    "refused": (
        caused(httpx.ConnectError("all failed"), ConnectionRefusedError(111, "refused")),
        "connect ECONNREFUSED",
        "ECONNREFUSED",
    ),
    "in a group": (
        caused(
            httpx.ConnectError("x"),
            ExceptionGroup("many", [OSError(113, "No route to host"), OSError(111, "refused")]),
        ),
        "connect EHOSTUNREACH",
        "EHOSTUNREACH",
    ),
    "no such host": (
        caused(httpx.ConnectError("x"), socket.gaierror(socket.EAI_NONAME, "not known")),
        "getaddrinfo ENOTFOUND: not known",
        "ENOTFOUND",
    ),
    "no name server": (
        caused(httpx.ConnectError("x"), socket.gaierror(socket.EAI_AGAIN, "try again")),
        "getaddrinfo EAI_AGAIN: try again",
        "EAI_AGAIN",
    ),
    "untrusted": (
        caused(httpx.ConnectError("x"), ssl.SSLError(1, "[SSL: X] self-signed")),
        "network error: no trusted TLS connection (the handshake failed)",
        None,
    ),
    "reset": (
        caused(httpx.ReadError("x"), ConnectionResetError(104, "reset")),
        "socket hang up ECONNRESET",
        "ECONNRESET",
    ),
    "cut": (
        httpx.RemoteProtocolError("peer closed connection"),
        "socket hang up: peer closed connection",
        "ECONNRESET",
    ),
    "connect timeout": (
        httpx.ConnectTimeout("x"),
        "Request timed out: connect ETIMEDOUT",
        "ETIMEDOUT",
    ),
    "silence": (httpx.ReadTimeout("x"), "Request timed out: no data came", "ETIMEDOUT"),
    "other": (httpx.ProxyError("403 Forbidden proxy"), "network error: 403 Forbidden proxy", None),
}


@pytest.mark.parametrize(("error", "message", "code"), NETWORK.values(), ids=NETWORK)
def test_a_failure_of_the_network_has_its_code(error, message, code):
    found = from_network(error, **WHO)
    assert isinstance(found, ProviderError)
    assert (found.message, found.code) == (message, code)
    assert code is None or classify(found) == "timeout"


@pytest.mark.parametrize("error", [httpx.UnsupportedProtocol("x"), httpx.InvalidURL("x")])
def test_a_base_url_that_is_none_is_a_matter_of_the_settings(error):
    found = from_network(error, **WHO)
    assert not isinstance(found, ProviderError)
    assert "models.providers.kilocode.baseUrl" in found.message


def test_a_header_that_cannot_be_sent_is_not_quoted():
    found = from_network(httpx.LocalProtocolError("Illegal header value b'Bearer kk-1'"), **WHO)
    assert isinstance(found, GenesisError)
    assert "kk-1" not in found.message


def test_what_a_server_quotes_of_what_it_was_sent_is_taken_out():
    error = ProviderError("401 bad key kk-canary, tenant kk-canary-2.", code="bad kk-canary")
    without_secrets(error, ["kk-canary", "kk-canary-2", "kk", ""])
    told = "401 bad key ***, tenant ***."
    assert (error.message, str(error), error.code) == (told, told, "bad ***")
