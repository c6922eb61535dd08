"""Whole replies, translated: an upstream's into an Answer, and an Answer for a client.

Of several `choices` only the one with index 0 is an answer (the first, where none is numbered so): the hub form has one. What
the others said is not shown, what they cost is in the usage.

A reply for a client holds thoughts three times, since clients look in three places: `reasoning`, `reasoning_content`, and
`reasoning_details` with signatures and sealed thoughts, which they send back as they are. Arguments of a tool call are the
model's own text, "{}" where it wrote none.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects import logprobs
from kilo_gateway.dialects.answer import (
    Answer,
    Delta,
    Finished,
    LogprobsTold,
    Started,
    Stop,
    UsageTold,
    collect,
)
from kilo_gateway.dialects.conversation import (
    Media,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    is_given,
)
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.logprobs import Logprob
from kilo_gateway.dialects.openai_chat.replies import read_usage
from kilo_gateway.dialects.openai_chat.schema import (
    Alternative,
    Chunk,
    Raw,
    Source,
    Turn,
    WireLogprobs,
)
from kilo_gateway.dialects.openai_chat.thoughts import detail_of, sealed_detail
from kilo_gateway.dialects.openai_chat.turns import EXECUTED_TOOL, NAME, TurnReader
from kilo_gateway.dialects.openai_chat.wording import (
    annotation_of,
    call_head,
    google_extra,
    image_of,
    sound_of,
    stop_word,
    tier_of,
    usage_of,
)

_CHUNK = msgspec.json.Decoder(Chunk)
_LOGPROBS = msgspec.json.Decoder(WireLogprobs)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MOST_ODD_MEMBERS = 32
_NO_ERROR = frozenset({b"", b"null", b'""', b"{}"})
_NOTHING = frozenset({b"", b"null"})
_encode = msgspec.json.Encoder().encode

# Words of servers, and of vendors behind routers, for why the model stopped.
STOPS: Mapping[str, Stop] = MappingProxyType(
    {
        "stop": "stop",
        "eos": "stop",
        "eos_token": "stop",
        "end_turn": "stop",
        "stop_sequence": "stop_sequence",
        "length": "length",
        "max_tokens": "length",
        "model_length": "context",
        "tool_calls": "tool_calls",
        "tool_use": "tool_calls",
        "function_call": "tool_calls",
        "content_filter": "content_filter",
        "error": "error",
    }
)
_NATIVE_STOPS: Mapping[str, Stop] = MappingProxyType(
    {
        "stop_sequence": "stop_sequence",
        "model_context_window_exceeded": "context",
        "context": "context",
        "pause_turn": "pause",
        "pause": "pause",
        "refusal": "refusal",
    }
)


def read_answer(body: bytes) -> Answer | None:
    """An upstream's whole reply; None if it is no JSON object with choices."""
    chunk = read_chunk(body)
    if chunk is None or chunk.choices is None:
        return None
    chosen = choice_of(chunk) or next(iter(chunk.choices), None)
    return collect(_deltas(chunk, chosen))


def _deltas(chunk: Chunk, chosen: Alternative | None) -> Iterator[Delta]:
    started = started_by(chunk)
    yield started
    reader = TurnReader()
    reader.reply_id = started.id
    if chosen is not None:
        yield from logprobs_in(chosen)
        turn = said_in(chosen, is_whole=True) or Turn()
        for position, call in enumerate(turn.tool_calls or ()):
            call.index = (
                position  # a whole list: each is a call of its own, whatever its index says
            )
        yield from reader.take(turn)
    yield from reader.finish(sources_of(chunk))
    if chosen is not None:
        yield finished(chosen.finish_reason, chosen.native_finish_reason, reader)
    usage = usage_in(chunk)
    if usage.is_known:
        yield UsageTold(usage)


def write_answer(answer: Answer, shown: Shown, cost_nanodollars: int | None = None) -> bytes:
    """A whole reply for a client."""
    message = _message(answer)
    word = stop_word(
        answer.stop, has_calls="tool_calls" in message, has_refusal=bool(message["refusal"])
    )
    choice = {
        "index": 0,
        "message": message,
        "logprobs": logprobs_told(answer.logprobs),
        "finish_reason": word,
        "native_finish_reason": answer.raw_stop or answer.stop,
    }
    reply: dict[str, Any] = {
        "id": answer.id or shown.call_id,
        "object": "chat.completion",
        "created": answer.created or shown.created,
        "model": answer.model or shown.model,
        "choices": [choice],
    }
    if answer.usage.is_known:
        reply["usage"] = usage_of(answer.usage, cost_nanodollars)
    tier = tier_of(answer.service_tier)
    if tier:
        reply["service_tier"] = tier
    return _encode(reply)


def _message(answer: Answer) -> dict[str, Any]:
    said = _Said()
    for part in answer.parts:
        said.take(part)
    text = "".join(said.text)
    told: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (said.calls or said.refusal) else None,
        "refusal": "".join(said.refusal) or None,
    }
    if said.annotations:
        told["annotations"] = said.annotations
    thoughts = "".join(said.thoughts)
    if thoughts:
        told["reasoning"] = told["reasoning_content"] = thoughts
    told |= {name: values for name, values in said.lists().items() if values}
    return told | said.singles


class _Said:
    """The parts of an answer, each in its place in a message."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.refusal: list[str] = []
        self.thoughts: list[str] = []
        self.annotations: list[Any] = []
        self.calls: list[dict[str, Any]] = []
        self.singles: dict[str, Any] = {}
        self._details: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []
        self._executed: list[Raw] = []

    def lists(self) -> dict[str, Any]:
        """Members that are lists."""
        return {
            "reasoning_details": self._details,
            "tool_calls": self.calls,
            "images": self._images,
            EXECUTED_TOOL: self._executed,
        }

    def take(self, part: Part) -> None:
        match part:
            case Text():
                self._take_text(part)
            case Thinking() | SealedThinking():
                if isinstance(part, Thinking):
                    self.thoughts.append(part.text)
                self._details.append(detail_of(part, len(self._details)))
            case ToolCall():
                self._take_call(part)
            case Refusal():
                self.refusal.append(part.text)
            case Media():
                self._take_media(part)
            case Opaque(dialect=dialect) if dialect == NAME:
                kept = self._executed if part.kind == EXECUTED_TOOL else self.annotations
                kept.append(part.raw)
            case _:
                pass  # another dialect's own: a server tool and its result have no place here

    def _take_text(self, part: Text) -> None:
        offset = sum(map(len, self.text))
        self.text.append(part.text)
        self.annotations += [annotation_of(citation, offset) for citation in part.citations]
        if part.signature:
            self.singles["extra_content"] = google_extra(part.signature, part.vendor)

    def _take_call(self, part: ToolCall) -> None:
        self.calls.append(call_of(part))
        if part.signature and part.vendor == "google":
            detail = sealed_detail(part.signature, "google", part.id, len(self._details))
            self._details.append(detail)

    def _take_media(self, part: Media) -> None:
        if part.kind == "audio":
            self.singles["audio"] = sound_of(part)
        else:
            self._images.append(image_of(part))


def call_of(call: ToolCall) -> dict[str, Any]:
    """A tool call for a client."""
    told = call_head(call.id, call.name, is_custom=call.is_custom)
    if call.is_custom:
        told["custom"]["input"] = call.arguments
    else:
        told["function"]["arguments"] = call.arguments or "{}"
    if call.signature:
        told["extra_content"] = google_extra(call.signature, call.vendor)
    return told


def logprobs_told(tokens: Sequence[Logprob]) -> dict[str, Any] | None:
    """`logprobs` of a choice."""
    return {"content": logprobs.written(tokens), "refusal": None} if tokens else None


# --- what chunks and whole replies have in common -----------------------------------------------------------------


def read_chunk(data: bytes) -> Chunk | None:
    """A whole reply, or a chunk of one; None if it is no JSON object. Members of odd types are left out."""
    try:
        return _CHUNK.decode(data)
    except msgspec.ValidationError as error:
        return _pruned(data, str(error))
    except _UNREADABLE:
        return None


def _pruned(data: bytes, problem: str) -> Chunk | None:
    """The reply without the members that are not as documented, one after the other."""
    try:
        tree = msgspec.json.decode(data)
        for _ in range(_MOST_ODD_MEMBERS):
            path = problem.partition(" - at `$")[2].rstrip("`")
            if not _without(tree, path.replace("[", ".[").strip(".").split(".")):
                return None
            try:
                return _CHUNK.decode(_encode(tree))
            except msgspec.ValidationError as error:
                problem = str(error)
    except _UNREADABLE:
        pass
    return None


def _without(tree: Any, path: list[str]) -> bool:
    """Take out what stands at `choices.[0].delta`; whether something stood there."""
    *way, last = path
    for name in way:
        tree = _inside(tree, name)
    key = _key(last)
    if isinstance(tree, dict) and key in tree:
        del tree[key]
        return True
    if isinstance(tree, list) and isinstance(key, int) and key < len(tree):
        tree[key] = {}
        return True
    return False


def _inside(tree: Any, name: str) -> Any:
    key = _key(name)
    try:
        return tree[key]
    except (KeyError, IndexError, TypeError):
        return None


def _key(name: str) -> str | int:
    inside = name.removeprefix("[").removesuffix("]")
    return int(inside) if inside != name and inside.isdecimal() else name


def choice_of(chunk: Chunk) -> Alternative | None:
    """The choice that is the answer: number 0, or the first that has no number."""
    for choice in chunk.choices or ():
        if not choice.index:
            return choice
    return None


def said_in(choice: Alternative, *, is_whole: bool) -> Turn | None:
    """What a choice says. Some servers send both (Perplexity): an empty delta, or the message so far."""
    whole, piece = choice.message, choice.delta
    turn = (whole or piece) if is_whole else (piece or whole)
    return turn if turn is not None or not choice.text else Turn(content=choice.text)


def logprobs_in(choice: Alternative) -> Iterator[Delta]:
    """The probabilities of a choice's tokens, if they are told in OpenAI's form."""
    if not is_given(choice.logprobs):
        return
    try:
        tokens = logprobs.read(_LOGPROBS.decode(choice.logprobs).content)
    except _UNREADABLE:
        return
    if tokens:
        yield LogprobsTold(tokens)


def started_by(chunk: Chunk) -> Started:
    """The beginning of a reply."""
    ident = "" if chunk.id is None else str(chunk.id)
    created = chunk.created or 0
    whole = int(created) if 0 < created < 2**53 else 0
    return Started(ident, chunk.model or "", whole, chunk.service_tier or "")


def sources_of(chunk: Chunk) -> list[Source]:
    """What a reply cites as a whole (Perplexity)."""
    if chunk.search_results:
        return chunk.search_results
    return [Source(url) for url in chunk.citations or ()]


def usage_in(chunk: Chunk) -> Usage:
    """Usage, from `usage`, else from `x_groq.usage`."""
    raw = bytes(chunk.usage)
    if raw in _NOTHING and chunk.x_groq is not None:
        raw = bytes(chunk.x_groq.usage)
    return UNKNOWN_USAGE if raw in _NOTHING else read_usage(raw, "chat")


def error_in(chunk: Chunk) -> bytes | None:
    """The error object of a chunk."""
    error = bytes(chunk.error)
    return None if error in _NO_ERROR else error


def finished(word: str | None, native: str | None, turn: TurnReader) -> Finished:
    """Why the model stopped. Where tools were called, a mere "stop" is `tool_calls`; with a refusal, it is one."""
    stop = STOPS.get(word or "")
    if stop in {"stop", None} and turn.has_calls:
        stop = "tool_calls"
    elif stop == "stop" and turn.has_refusal:
        stop = "refusal"
    if stop in {"stop", "length", "content_filter"}:
        stop = _NATIVE_STOPS.get(native or "", stop)
    return Finished(stop, word or "")
