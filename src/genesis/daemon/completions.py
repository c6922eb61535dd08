"""The OpenAI-compatible door: chat completions in front of the default model, or the one that is named; no tools of ours run.

What a client sends is answered by the model alone: its messages, as they are, through the same failover as a turn.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from genesis.core.events import StreamEnd, StreamEvent, TextDelta, ThinkingDelta
from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, ImageBlock, Message, TextBlock, UserMessage
from genesis.core.refs import ModelRef, key, parse
from genesis.core.usage import Usage
from genesis.daemon.server import as_json, problem, read
from genesis.failover.messages import user_message
from genesis.providers.provider import ChatRequest
from genesis.session.request import Models, Target, open_answer

DEFAULT_NAMES = frozenset({"", "default", "genesis", "auto"})
_FINISH = {"stop": "stop", "length": "length", "tool_use": "tool_calls"}


class Asked(msgspec.Struct):
    """What is read of a request; everything else is left out, and not refused."""

    messages: list[dict[str, Any]]
    model: str = ""
    stream: bool = False
    temperature: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None


class Completions:
    """The handlers. `references` lists what may be asked for."""

    def __init__(self, models: Models, references: Callable[[], Sequence[ModelRef]]) -> None:
        self._models = models
        self._references = references

    def routes(self) -> list[Route]:
        """Their rows in the table of URLs."""
        return [
            Route("/v1/models", self._list, methods=["GET"]),
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
        ]

    async def _list(self, _request: Request) -> Response:
        rows = [
            {"id": key(ref), "object": "model", "owned_by": ref.provider}
            for ref in self._references()
        ]
        return as_json({"object": "list", "data": rows})

    async def _complete(self, request: Request) -> Response:
        asked = await read(request, Asked)
        name = asked.model.strip()
        requested = None if name.lower() in DEFAULT_NAMES else parse(name, "kilocode")
        chain = self._models.chain(requested)
        shown = key(chain[0]) if chain else name
        system, messages = _messages(asked.messages)
        try:
            opened = await open_answer(
                self._models,
                chain,
                lambda target: _request(target, asked, system, messages),
                notice=lambda _text: None,
            )
        except GenesisError as error:
            first = chain[0] if chain else ModelRef("", "")
            return problem(502, user_message(error, first.provider, first.model))
        ident = f"chatcmpl-{time.time_ns():x}"
        if asked.stream:
            return StreamingResponse(
                _stream(opened.events, ident, shown), media_type="text/event-stream"
            )
        return await _whole(opened.events, ident, shown)


def _request(
    target: Target, asked: Asked, system: str, messages: tuple[Message, ...]
) -> ChatRequest:
    params = dict(target.params)
    if asked.temperature is not None:
        params["temperature"] = asked.temperature
    limit = asked.max_completion_tokens or asked.max_tokens
    if limit:
        params["maxTokens"] = limit
    return ChatRequest(target.model, messages, system, thinking=target.thinking, params=params)


def _messages(wire: list[dict[str, Any]]) -> tuple[str, tuple[Message, ...]]:
    system: list[str] = []
    found: list[Message] = []
    for number, one in enumerate(wire):
        role, parts = one.get("role"), _parts(one.get("content"), number)
        texts = "\n".join(part.text for part in parts if isinstance(part, TextBlock))
        if role in {"system", "developer"}:
            system.append(texts)
        elif role == "user":
            found.append(UserMessage(parts))
        elif role == "assistant":
            found.append(AssistantMessage((TextBlock(texts),)))
        else:
            raise GenesisError(
                f'messages[{number}].role is "{role}": this door takes system, user and assistant messages.'
            )
    return "\n\n".join(system), tuple(found)


def _parts(content: object, number: int) -> tuple[TextBlock | ImageBlock, ...]:
    if isinstance(content, str):
        return (TextBlock(content),)
    found: list[TextBlock | ImageBlock] = []
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            found.append(TextBlock(part["text"]))
        elif kind == "image_url":
            url = str((part.get("image_url") or {}).get("url", ""))
            head, _, data = url.partition(";base64,")
            if not head.startswith("data:image/") or not data:
                raise GenesisError(
                    f"messages[{number}]: a picture must be a data: URL; Genesis fetches none."
                )
            found.append(ImageBlock(data, head.removeprefix("data:")))
    return tuple(found)


async def _whole(events: AsyncIterator[StreamEvent], ident: str, model: str) -> Response:
    texts: list[str] = []
    end = StreamEnd("stop")
    try:
        async for event in events:
            if isinstance(event, TextDelta):
                texts.append(event.text)
            elif isinstance(event, StreamEnd):
                end = event
    except GenesisError as error:
        return problem(502, user_message(error, "", model))
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(texts)},
        "finish_reason": _FINISH.get(end.stop_reason, "stop"),
    }
    return as_json(
        {
            "id": ident,
            "object": "chat.completion",
            "created": _now(),
            "model": end.routed_model or model,
            "choices": [choice],
            "usage": _usage(end.usage),
        }
    )


async def _stream(
    events: AsyncIterator[StreamEvent], ident: str, model: str
) -> AsyncIterator[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {
            "id": ident,
            "object": "chat.completion.chunk",
            "created": _now(),
            "model": model,
            "choices": [choice],
        }
        return b"data: " + msgspec.json.encode(body | more) + b"\n\n"

    yield chunk({"role": "assistant", "content": ""})
    try:
        async for event in events:
            if isinstance(event, TextDelta):
                yield chunk({"content": event.text})
            elif isinstance(event, ThinkingDelta):
                yield chunk({"reasoning_content": event.text})
            elif isinstance(event, StreamEnd):
                yield chunk({}, _FINISH.get(event.stop_reason, "stop"), usage=_usage(event.usage))
    except GenesisError as error:
        body = {
            "error": {
                "message": user_message(error, "", model),
                "type": "genesis_error",
                "code": 502,
            }
        }
        yield b"data: " + msgspec.json.encode(body) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _usage(usage: Usage) -> dict[str, object]:
    prompt = (usage.input or 0) + (usage.cache_read or 0)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output or 0,
        "total_tokens": usage.total,
    }


def _now() -> int:
    return time.time_ns() // 1_000_000_000
