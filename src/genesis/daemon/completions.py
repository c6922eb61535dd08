"""The OpenAI-compatible door: chat completions in front of the default model, or the one that is named; no tools of ours run.

What a client sends is answered by the model alone: its messages and its tools, through the same failover as a turn.
"""

import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesis.core.events import StreamEnd, StreamEvent
from genesis.core.fault import AuthMissingError, GenesisError, ProviderError
from genesis.core.message import ImageBlock, Message
from genesis.core.refs import ModelRef, key
from genesis.daemon.chat_wire import Asked, Json, Replies, read_messages, read_tools
from genesis.daemon.server import EventStream, as_json, problem, read, unless_gone
from genesis.daemon.turns import Places, RefusedError, close
from genesis.failover.classify import classify, is_context_overflow
from genesis.failover.messages import user_message
from genesis.failover.rules import REASON_STATUS
from genesis.providers.kilocode.levels import read_level
from genesis.providers.provider import ChatRequest
from genesis.session.request import Models, Opened, Target, open_answer

DEFAULT_NAMES = frozenset({"", "default", "genesis", "auto"})
CLIENT_GONE = 499
UNAVAILABLE = 502


@dataclass(frozen=True)
class Choices:
    """What may be asked. `models` are those of the settings as they are now, `resolve` reads a name, `references` lists."""

    models: Callable[[], Models]
    resolve: Callable[[str], ModelRef]
    references: Callable[[], list[ModelRef]]


class Completions:
    """The handlers. `refresh` puts changed settings in force, `clock` gives seconds since the epoch."""

    def __init__(
        self,
        choices: Choices,
        places: Places,
        *,
        refresh: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = lambda: time.time_ns() / 1e9,
    ) -> None:
        self._choices = choices
        self._places = places
        self._refresh = refresh
        self._clock = clock
        self._number = 0

    def routes(self) -> list[Route]:
        """Their rows in the table of URLs."""
        return [
            Route("/v1/models", self._list, methods=["GET"]),
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
        ]

    async def _list(self, _request: Request) -> Response:
        self._refresh()
        created = int(self._clock())
        rows = [
            {"id": key(ref), "object": "model", "created": created, "owned_by": ref.provider}
            for ref in self._choices.references()
        ]
        return as_json({"object": "list", "data": rows})

    async def _complete(self, request: Request) -> Response:
        asked = await read(request, Asked)
        if asked.n != 1:
            raise GenesisError(f"n is {asked.n}: this door gives one answer a request.")
        self._refresh()
        models = self._choices.models()
        chain = self._chain(models, asked.model.strip())
        system, messages = read_messages(asked.messages)
        request_for = _request_for(asked, system, messages)
        if any(isinstance(part, ImageBlock) for one in messages for part in one.content):
            chain = await models.seeing(chain)
        self._places.take()
        is_handed_over = False
        try:
            opened = await unless_gone(request, _open(models, chain, request_for))
            if opened is None:
                return Response(status_code=CLIENT_GONE)
            replies = self._replies(chain[0])
            if not asked.stream:
                return await self._whole(request, opened, replies)
            is_handed_over = True
            wants_usage = asked.stream_options is not None and asked.stream_options.include_usage
            events = _stream(opened, replies, models, wants_usage=wants_usage)
            return EventStream(events, self._places.give_back, behind=opened.events)
        except (GenesisError, OSError) as error:
            return _failed(error, chain[0], models)
        finally:
            if not is_handed_over:
                self._places.give_back()

    async def _whole(self, request: Request, opened: Opened, replies: Replies) -> Response:
        try:
            found = await unless_gone(request, _all(opened))
        finally:
            await close(opened.events)
        return Response(status_code=CLIENT_GONE) if found is None else as_json(replies.whole(found))

    def _chain(self, models: Models, name: str) -> list[ModelRef]:
        try:
            requested = None if name.lower() in DEFAULT_NAMES else self._choices.resolve(name)
        except GenesisError as error:
            raise RefusedError(404, error.message) from None
        chain = models.chain(requested)
        if not chain:
            raise RefusedError(404, "There is no default model. Set one: genesis models set <ref>.")
        return chain

    def _replies(self, ref: ModelRef) -> Replies:
        self._number += 1
        now = self._clock()
        return Replies(f"chatcmpl-{int(now * 1000):x}-{self._number:x}", int(now), key(ref))


async def _open(
    models: Models, chain: list[ModelRef], request_for: Callable[[Target], ChatRequest]
) -> Opened:
    return await open_answer(models, chain, request_for, notice=lambda _text: None)


async def _all(opened: Opened) -> list[StreamEvent]:
    return [event async for event in opened.events]


def _request_for(
    asked: Asked, system: str, messages: tuple[Message, ...]
) -> Callable[[Target], ChatRequest]:
    """What is asked of each model of the chain. Raises GenesisError for what cannot be read."""
    tools = read_tools(asked.tools)
    level = read_level(asked.reasoning_effort) if asked.reasoning_effort else None
    own, extra = asked.params(), asked.extra()

    def request_for(target: Target) -> ChatRequest:
        params = {**target.params, **own}
        if extra:
            params["extra_body"] = {**_extra_of(target), **extra}
            params.pop("extraBody", None)
        return ChatRequest(target.model, messages, system, tools, level or target.thinking, params)

    return request_for


def _extra_of(target: Target) -> Json:
    for name in ("extraBody", "extra_body"):
        extra = target.params.get(name)
        if isinstance(extra, dict):
            return extra
    return {}


async def _stream(
    opened: Opened, replies: Replies, models: Models, *, wants_usage: bool
) -> AsyncGenerator[bytes, None]:
    yield _line(replies.begin())
    try:
        async for event in opened.events:
            yield _line(replies.chunk(event))
            if isinstance(event, StreamEnd) and wants_usage:
                yield _line(replies.usage(event.usage))
    except (GenesisError, OSError) as error:
        status, told = _sentence(error, opened.target.ref, models)
        yield _line({"error": {"message": told, "type": "provider_error", "code": status}})
    finally:
        await close(opened.events)
    yield b"data: [DONE]\n\n"


def _line(body: Json) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def _failed(error: GenesisError | OSError, ref: ModelRef, models: Models) -> Response:
    if isinstance(error, RefusedError):
        return problem(error.status, error.message)
    status, told = _sentence(error, ref, models)
    return problem(status, told, "provider_error")


def _sentence(error: GenesisError | OSError, ref: ModelRef, models: Models) -> tuple[int, str]:
    """The status and the sentence of a failure. What is the provider's word about us is not ours about the client."""
    told = user_message(error, ref.provider, ref.model, secrets=tuple(models.secrets()))
    if isinstance(error, AuthMissingError):
        return 503, told
    if isinstance(error, ProviderError) and is_context_overflow(error):
        return 400, told
    reason = classify(error) if isinstance(error, ProviderError) else None
    status = REASON_STATUS[reason] if reason in {"rate_limit", "format", "billing"} else UNAVAILABLE
    return status, told
