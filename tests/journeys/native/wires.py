"""Messages, Responses and Gemini, as a client of each asks an upstream that speaks the same.

The client must get the recorded reply byte for byte, except for these rules:

    dropped   what follows the end is not passed on: `data: [DONE]`, which is no event of Responses; a second answer, where
              a recorder has put two into one body
    failed    Responses: an `error` event is followed by a `response.failed` of the gateway's, and by nothing else
    closed    the blank line of a last event is added
    array     Gemini: a client that did not ask for events gets them as elements of an array, each byte for byte
    fault     an error before anything was sent is answered as an HTTP error
    error     the upstream's error status becomes the gateway's answer (see `expectations.FAULTS`), in the dialect's shape
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tests.journeys import replay
from tests.journeys.expectations import FAULTS, NO_USAGE, Event, Expected, events
from tests.journeys.native import usage
from tests.journeys.replay import EVENT, Asked, Exchange, written, wrong_in_members
from tests.journeys.verdicts import (
    UPSTREAM_KEY,
    difference,
    is_fault,
    shown,
    wrong_in_fault,
    wrong_in_reply_head,
)
from tests.journeys.wire import Answer, Heard

# Of what recorded clients sent, the headers that vendors heed.
HEEDED = ("anthropic-beta", "x-goog-api-client", "openai-beta")
ARRAY = "gemini-stream-array"


class Messages:
    """Anthropic Messages. The other two differ from it in what is named below."""

    dialect = "anthropic_messages"
    base = "/v1"
    path = "/messages"
    count_path = "/messages/count_tokens"
    key_header = "x-api-key"
    scheme = ""
    own_headers: Mapping[str, str] = {"anthropic-version": "2023-06-01"}
    streams = "text/event-stream"
    usage_of: Callable[[Exchange], usage.Usage] = staticmethod(usage.of_messages)

    def asked(self, exchange: Exchange, upstream: str) -> Asked:
        return replay.asked(exchange, upstream)

    def place(self, exchange: Exchange, model: str) -> str:
        """Where the operation is, below the base."""
        del model
        return self.count_path if is_count(exchange) else self.path

    def target(self, exchange: Exchange, upstream: str, call: str, key: str) -> str:
        del key
        query = urlencode([*self.query(exchange), ("call", call)])
        return f"{self.base}{self.place(exchange, f'{upstream}/{exchange.model}')}?{query}"

    def query(self, exchange: Exchange) -> list[tuple[str, str]]:
        """The recorded query, which upstream must get."""
        return parse_qsl(urlsplit(exchange.url).query)

    def headers(self, exchange: Exchange, key: str) -> dict[str, str]:
        sent = {name: exchange.headers[name] for name in HEEDED if name in exchange.headers}
        return sent | self.own_headers | {self.key_header: f"{self.scheme}{key}"}

    def is_of_this_format(self, exchange: Exchange) -> bool:
        del exchange
        return True

    def wrong_in_request(self, exchange: Exchange, sent: Asked, got: bytes) -> str | None:
        """Every member as it was written, but for the model."""
        members = sent.members | {"model": json.dumps(exchange.model).encode()}
        return wrong_in_members(exchange.request, members, got, exchange.model)

    def told_usage(self, exchange: Exchange) -> usage.Usage:
        """What the reply says was used. Counting tokens uses none."""
        if is_count(exchange) and exchange.status < 400:
            return NO_USAGE | {"input_tokens": 0, "output_tokens": 0}
        return self.usage_of(exchange)

    def wrong_in_refusal(self, answer: Answer) -> str:
        return f"upstream was not asked: {shown(answer)}"

    def wrong_in_head(
        self, heard: Heard, exchange: Exchange, call: str, client_key: str
    ) -> str | None:
        """Path, query, key and the vendor's own headers, and nothing of the client's credentials."""
        path, _, query = heard.target.partition("?")
        if path != self.base + self.place(exchange, exchange.model):
            return f"upstream was asked at {heard.target}"
        if sorted(parse_qsl(query)) != sorted([*self.upstream_query(exchange), ("call", call)]):
            return f"upstream got the query {query}"
        sent = self.headers(exchange, UPSTREAM_KEY)
        wanted = sent | {self.key_header: f"{self.scheme}{UPSTREAM_KEY}"}
        wrong = {
            name: heard.headers.get(name)
            for name in wanted
            if heard.headers.get(name) != wanted[name]
        }
        if wrong:
            return f"upstream got the headers {wrong}"
        if any(client_key in text for text in (heard.target, *heard.headers.values())):
            return "upstream got the client's key"
        keys = {"authorization", "x-api-key", "x-goog-api-key", "api-key"} & heard.headers.keys()
        return None if keys == {self.key_header} else f"upstream got keys in {keys}"

    def upstream_query(self, exchange: Exchange) -> list[tuple[str, str]]:
        return self.query(exchange)

    def expected(self, exchange: Exchange) -> Expected:
        if exchange.status >= 400:
            return Expected(rules={"error"}, is_fault=True, statuses=FAULTS[exchange.status])
        if exchange.is_streamed:
            return self.expected_stream(exchange)
        if self.is_failed(json.loads(exchange.reply)):
            return Expected(rules={"fault"}, is_fault=True, statuses=tuple(range(400, 600)))
        return Expected(exchange.reply)

    def is_failed(self, reply: dict[str, Any]) -> bool:
        """Whether a whole reply is an error in spite of its status."""
        return bool(reply.get("error"))

    def expected_stream(self, exchange: Exchange) -> Expected:
        """A stream's events to its end, whole."""
        expected, kept = Expected(), b""
        for event in events(exchange.reply):
            if not EVENT.fullmatch(event.raw):
                expected.rules.add("closed")
                event.raw = event.raw.rstrip(b"\r\n") + b"\n\n"
            if is_error(event):
                expected.rules.add("failed")
                expected.is_fault, expected.may_be_fault = not kept, True
                kept += event.raw
                break
            kept += event.raw
            if event.value.get("type") in usage.ENDS:
                break
        expected.body = kept
        if len(kept) < len(exchange.reply):
            expected.rules.add("dropped")
        expected.statuses = tuple(range(400, 600)) if expected.is_fault else (200,)
        return expected

    def wrong_in_answer(
        self, exchange: Exchange, expected: Expected, answer: Answer, call: str
    ) -> str | None:
        wrong = wrong_in_reply_head(exchange, expected, answer, call, self.streams)
        if wrong is not None:
            return wrong
        if is_fault(expected, answer):
            return wrong_in_fault(exchange, expected, answer) or self.wrong_in_shape(answer)
        if "failed" in expected.rules:
            return self.wrong_in_failure(expected, answer)
        return None if answer.body == expected.body else difference(expected.body, answer.body)

    def wrong_in_failure(self, expected: Expected, answer: Answer) -> str | None:
        """Of a stream that tells an error: it ends with it."""
        return None if answer.body == expected.body else difference(expected.body, answer.body)

    def wrong_in_shape(self, answer: Answer) -> str | None:
        """Of an error as this dialect tells it."""
        body = json.loads(answer.body)
        words = body.get("type"), (body.get("error") or {}).get("type", "")
        is_right = words[0] == "error" and words[1].endswith(("_error", "_too_large"))
        return None if is_right else f"no error of Anthropic's: {shown(answer)}"


class Responses(Messages):
    """OpenAI Responses."""

    dialect = "openai_responses"
    path = "/responses"
    count_path = "/responses/input_tokens"
    key_header = "authorization"
    scheme = "Bearer "
    own_headers: Mapping[str, str] = {}
    usage_of = staticmethod(usage.of_responses)

    def query(self, exchange: Exchange) -> list[tuple[str, str]]:
        return [pair for pair in super().query(exchange) if pair[0] != "api-version"]

    def is_failed(self, reply: dict[str, Any]) -> bool:
        return reply.get("status") == "failed" or super().is_failed(reply)

    def wrong_in_failure(self, expected: Expected, answer: Answer) -> str | None:
        if not answer.body.startswith(expected.body):
            return difference(expected.body, answer.body)
        *_, error, failed = events(answer.body)
        told, value = error.value.get("error") or error.value, failed.value
        got = (value.get("response") or {}).get("error") or {}
        is_right = value.get("type") == failed.name == "response.failed"
        is_right = is_right and got == {name: told[name] for name in ("code", "message")}
        is_right = is_right and failed.raw == answer.body[len(expected.body) :]
        return None if is_right else f"a failed stream ends with {failed.raw[-300:]!r}"

    def wrong_in_shape(self, answer: Answer) -> str | None:
        error = json.loads(answer.body).get("error") or {}
        is_right = isinstance(error, dict) and {"message", "type", "code", "param"} <= error.keys()
        return None if is_right else f"no error of OpenAI's: {shown(answer)}"


class Gemini(Messages):
    """Gemini, whose paths name the model."""

    dialect = "gemini"
    base = "/v1beta"
    key_header = "x-goog-api-key"
    own_headers: Mapping[str, str] = {}
    usage_of = staticmethod(usage.of_gemini)

    def asked(self, exchange: Exchange, upstream: str) -> Asked:
        del upstream
        return written(exchange, self.wanted(exchange))

    def wanted(self, exchange: Exchange) -> dict[str, Any]:
        """The body that both ends see."""
        return {name: value for name, value in exchange.request.items() if name != "model"}

    def place(self, exchange: Exchange, model: str) -> str:
        verb = "countTokens" if is_count(exchange) else "generateContent"
        if exchange.api in {"gemini-stream", ARRAY}:
            verb = "streamGenerateContent"
        return f"/models/{quote(model, safe='/')}:{verb}"

    def target(self, exchange: Exchange, upstream: str, call: str, key: str) -> str:
        more = {"alt": "sse"} if exchange.api == "gemini-stream" else {}
        more |= {"key": key} if self.has_key_in_url(exchange) else {}
        return f"{super().target(exchange, upstream, call, key)}&{urlencode(more)}".rstrip("&")

    def has_key_in_url(self, exchange: Exchange) -> bool:
        return "key" in dict(super().query(exchange))

    def headers(self, exchange: Exchange, key: str) -> dict[str, str]:
        sent = super().headers(exchange, key)
        if self.has_key_in_url(exchange):
            del sent[self.key_header]
        return sent

    def query(self, exchange: Exchange) -> list[tuple[str, str]]:
        """How the reply is framed and its enumerations are written is settled between the gateway and upstream."""
        return [pair for pair in super().query(exchange) if pair[0] not in {"alt", "$alt", "key"}]

    def upstream_query(self, exchange: Exchange) -> list[tuple[str, str]]:
        """Upstream is always asked for events."""
        is_stream = exchange.api in {"gemini-stream", ARRAY}
        return [*self.query(exchange), *([("alt", "sse")] if is_stream else [])]

    def wrong_in_request(self, exchange: Exchange, sent: Asked, got: bytes) -> str | None:
        # What is counted repeats the model inside, which the gateway patches: the bytes there may differ.
        members = {
            name: raw for name, raw in sent.members.items() if name != "generateContentRequest"
        }
        return wrong_in_members(self.wanted(exchange), members, got, exchange.model)

    def expected_stream(self, exchange: Exchange) -> Expected:
        expected = super().expected_stream(exchange)
        if exchange.api == ARRAY and not expected.is_fault:
            data = [event.data or b"" for event in events(expected.body)]
            expected.body = b"[" + b"\n,\r\n".join(data) + b"\n]"
            expected.rules.add("array")
        return expected

    def wrong_in_answer(
        self, exchange: Exchange, expected: Expected, answer: Answer, call: str
    ) -> str | None:
        if exchange.api == ARRAY and exchange.status < 400:
            if not answer.headers.get("content-type", "").startswith("application/json"):
                return f"content-type {answer.headers.get('content-type')}"
            same = answer.is_whole and answer.body == expected.body
            return None if same else difference(expected.body, answer.body)
        return super().wrong_in_answer(exchange, expected, answer, call)

    def wrong_in_shape(self, answer: Answer) -> str | None:
        error = json.loads(answer.body).get("error") or {}
        is_right = error.get("code") == answer.status and str(error.get("status")).isupper()
        return None if is_right else f"no error of Google's: {shown(answer)}"


def is_count(exchange: Exchange) -> bool:
    """Whether only the tokens of the request are counted."""
    return "count" in exchange.api or exchange.url.endswith("/input_tokens")


def is_error(event: Event) -> bool:
    return event.is_error or event.value.get("type") == "error"
