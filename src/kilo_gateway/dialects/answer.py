"""Answer and Delta: the hub form of a reply, whole and streamed.

A streamed reply is a sequence of deltas:

    Started  (TextDelta | ThinkingDelta | ThinkingSealed | CallStarted | CallDelta | ... )*  Finished  UsageTold?
       Failed may come in any place and ends it

A whole reply gives the same: `collect(deltas)` of a stream equals the `Answer` that the dialect reads of the whole reply.

Rules
- A part's deltas follow each other; a delta of another kind begins the next part. Tool calls alone may be interleaved: each delta
  names its call by `index`, counted from 0 in the order of the calls.
- Tokens' probabilities come before the text that they belong to.
- Usage is told once, or again with larger counts: the last one told holds.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.conversation import (
    Citation,
    Media,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    Vendor,
)
from kilo_gateway.dialects.logprobs import Logprob, of_text

# stop           the model was done               stop_sequence  it wrote one of the client's
# length         the limit of output was reached  context        the window is full
# tool_calls     it waits for results             pause          a server tool runs on: ask again
# content_filter the vendor held it back          refusal        the model declined
# error          it failed in the middle
Stop = Literal[
    "stop",
    "stop_sequence",
    "length",
    "context",
    "tool_calls",
    "pause",
    "content_filter",
    "refusal",
    "error",
]


class Answer(msgspec.Struct, frozen=True):
    """One whole reply. `created` is seconds since the epoch, 0 = not told. `raw_stop` is the vendor's own word."""

    parts: tuple[Part, ...]
    stop: Stop | None
    usage: Usage = UNKNOWN_USAGE
    id: str = ""
    model: str = ""
    created: int = 0
    raw_stop: str = ""
    stop_sequence: str = ""
    logprobs: tuple[Logprob, ...] = ()
    service_tier: str = ""


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The reply has begun."""

    id: str = ""
    model: str = ""
    created: int = 0
    service_tier: str = ""


class TextDelta(msgspec.Struct, frozen=True, tag="text-delta"):
    """More text. `begins` if a new part of text begins with it although the last part was text, too."""

    text: str
    begins: bool = False


class TextSigned(msgspec.Struct, frozen=True, tag="text-signed"):
    """The vendor's mark on the text before it."""

    signature: str
    vendor: Vendor = ""


class TextCited(msgspec.Struct, frozen=True, tag="text-cited"):
    """Where the text before it comes from."""

    citation: Citation


class LogprobsTold(msgspec.Struct, frozen=True, tag="logprobs-told"):
    """How likely the tokens of the text behind it are."""

    tokens: tuple[Logprob, ...]


class RefusalDelta(msgspec.Struct, frozen=True, tag="refusal-delta"):
    """More of the words in which the model declines."""

    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, tag="thinking-delta"):
    """More of the thoughts. `begins`: a new piece, although the last part was thinking, too."""

    text: str
    is_summary: bool = False
    begins: bool = False
    id: str = ""


class ThinkingSigned(msgspec.Struct, frozen=True, tag="thinking-signed"):
    """The signature of the thoughts before it. It ends them."""

    signature: str
    vendor: Vendor = ""


class ThinkingSealed(msgspec.Struct, frozen=True, tag="thinking-sealed"):
    """Thoughts that only their vendor can read, whole."""

    data: str
    vendor: Vendor = ""
    id: str = ""


class CallStarted(msgspec.Struct, frozen=True, tag="call-started"):
    """A tool call begins."""

    index: int
    id: str
    name: str
    is_custom: bool = False
    signature: str = ""
    vendor: Vendor = ""
    item_id: str = ""


class CallDelta(msgspec.Struct, frozen=True, tag="call-delta"):
    """More of a call's arguments."""

    index: int
    arguments: str


class MediaMade(msgspec.Struct, frozen=True, tag="media-made"):
    """The model made a picture or a sound, whole."""

    media: Media


class OpaqueMade(msgspec.Struct, frozen=True, tag="opaque-made"):
    """A part that only the upstream's dialect has, whole."""

    part: Opaque


class UsageTold(msgspec.Struct, frozen=True, tag="usage-told"):
    """What was used so far, in the end in all."""

    usage: Usage


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """Why the model stopped."""

    stop: Stop | None
    raw_stop: str = ""
    stop_sequence: str = ""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The upstream told of an error in its stream: its own error object, as bytes."""

    error: bytes


Delta = (
    Started
    | TextDelta
    | TextSigned
    | TextCited
    | LogprobsTold
    | RefusalDelta
    | ThinkingDelta
    | ThinkingSigned
    | ThinkingSealed
    | CallStarted
    | CallDelta
    | MediaMade
    | OpaqueMade
    | UsageTold
    | Finished
    | Failed
)


def collect(deltas: Iterable[Delta]) -> Answer:
    """The whole reply that a stream's deltas make."""
    collected = _Collected()
    for delta in deltas:
        collected.take(delta)
    return collected.answer()


class _Call:
    """A tool call in the making."""

    def __init__(self, started: CallStarted) -> None:
        self.started = started
        self.arguments: list[str] = []

    def made(self) -> ToolCall:
        started = self.started
        return ToolCall(
            started.id,
            started.name,
            "".join(self.arguments),
            started.is_custom,
            started.signature,
            started.vendor,
            item_id=started.item_id,
        )


class _Collected:
    """Parts in the order in which they began; calls are filled in as their arguments come."""

    def __init__(self) -> None:
        self._parts: list[Part | _Call] = []
        self._calls: dict[int, _Call] = {}
        self._started = Started()
        self._finished = Finished(None)
        self._usage = UNKNOWN_USAGE
        self._logprobs: list[Logprob] = []

    def take(self, delta: Delta) -> None:  # noqa: C901, PLR0912, PLR0915 - a branch for each kind of delta
        parts = self._parts
        last = parts[-1] if parts else None
        match delta:
            case Started():
                self._started = delta
            case TextDelta():
                if isinstance(last, Text) and not delta.begins and not last.signature:
                    parts[-1] = msgspec.structs.replace(last, text=last.text + delta.text)
                else:
                    parts.append(Text(delta.text))
            case TextSigned():
                self._mark_text(signature=delta.signature, vendor=delta.vendor)
            case TextCited():
                before = last.citations if isinstance(last, Text) else ()
                self._mark_text(citations=(*before, delta.citation))
            case RefusalDelta():
                if isinstance(last, Refusal):
                    parts[-1] = Refusal(last.text + delta.text)
                else:
                    parts.append(Refusal(delta.text))
            case ThinkingDelta():
                if isinstance(last, Thinking) and not delta.begins and not last.signature:
                    parts[-1] = msgspec.structs.replace(last, text=last.text + delta.text)
                else:
                    parts.append(Thinking(delta.text, is_summary=delta.is_summary, id=delta.id))
            case ThinkingSigned():
                if not isinstance(last, Thinking):
                    last = Thinking("")
                    parts.append(last)
                parts[-1] = msgspec.structs.replace(
                    last, signature=last.signature + delta.signature, vendor=delta.vendor
                )
            case ThinkingSealed():
                parts.append(SealedThinking(delta.data, delta.vendor, delta.id))
            case CallStarted():
                call = self._calls[delta.index] = _Call(delta)
                parts.append(call)
            case CallDelta():
                self._calls[delta.index].arguments.append(delta.arguments)
            case MediaMade():
                parts.append(delta.media)
            case OpaqueMade():
                parts.append(delta.part)
            case UsageTold():
                self._usage = delta.usage
            case LogprobsTold():
                self._logprobs += delta.tokens
            case Finished():
                self._finished = delta
            case Failed():
                self._finished = Finished("error")

    def _mark_text(self, **changes: Any) -> None:
        """The text before is changed; where there is none, an empty one."""
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, Text):
            last = Text("")
            self._parts.append(last)
        self._parts[-1] = msgspec.structs.replace(last, **changes)

    def answer(self) -> Answer:
        started, finished = self._started, self._finished
        return Answer(
            tuple(part.made() if isinstance(part, _Call) else part for part in self._parts),
            finished.stop,
            self._usage,
            started.id,
            started.model,
            started.created,
            finished.raw_stop,
            finished.stop_sequence,
            tuple(self._logprobs),
            service_tier=started.service_tier,
        )


def deltas_of(answer: Answer) -> Iterable[Delta]:  # noqa: C901, PLR0912, PLR0915 - a branch for each kind of part
    """A whole reply as the deltas of a stream: `collect(deltas_of(answer))` gives it back."""
    yield Started(answer.id, answer.model, answer.created, answer.service_tier)
    index = 0
    last: Part | None = None
    tokens = answer.logprobs
    for part in answer.parts:
        match part:
            case Text():
                if tokens:
                    own, tokens = of_text(part.text, tokens)
                    yield LogprobsTold(own)
                yield TextDelta(part.text, begins=isinstance(last, Text))
                for citation in part.citations:
                    yield TextCited(citation)
                if part.signature:
                    yield TextSigned(part.signature, part.vendor)
            case Thinking():
                begins = isinstance(last, Thinking)
                yield ThinkingDelta(part.text, part.is_summary, begins, part.id)
                if part.signature:
                    yield ThinkingSigned(part.signature, part.vendor)
            case SealedThinking():
                yield ThinkingSealed(part.data, part.vendor, part.id)
            case ToolCall():
                yield CallStarted(
                    index,
                    part.id,
                    part.name,
                    part.is_custom,
                    part.signature,
                    part.vendor,
                    part.item_id,
                )
                yield CallDelta(index, part.arguments)
                index += 1
            case Refusal():
                yield RefusalDelta(part.text)
            case Media():
                yield MediaMade(part)
            case Opaque():
                yield OpaqueMade(part)
            case _:
                pass  # a tool's result is nothing that a model answers with
        last = part
    if tokens:
        yield LogprobsTold(tokens)
    yield Finished(answer.stop, answer.raw_stop, answer.stop_sequence)
    if answer.usage.is_known:
        yield UsageTold(answer.usage)
