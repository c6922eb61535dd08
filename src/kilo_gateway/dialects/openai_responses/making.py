"""Making: a reply's output items grow out of deltas, and each step is told as the event that the real API sends.

    no item --text, refusal--> message    --other kind--> closed    (parts: one for each text, citations within)
            --thinking------> reasoning  --other kind--> closed    (its signature or sealed thought ends it)
            --call----------> call       stays open to the end: calls may be interleaved
            --media, opaque-> closed at once

`tell(kind, members)` is called for each event, in order; a whole reply is made by the same steps with nobody listening.
"""

from typing import Any

from kilo_gateway.dialects import logprobs
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    Failed,
    Finished,
    LogprobsTold,
    MediaMade,
    OpaqueMade,
    RefusalDelta,
    Started,
    Stop,
    TextCited,
    TextDelta,
    TextSigned,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
    UsageTold,
)
from kilo_gateway.dialects.conversation import Vendor
from kilo_gateway.dialects.openai_responses import marks
from kilo_gateway.dialects.openai_responses.content import NAME, annotation_of
from kilo_gateway.dialects.openai_responses.growing import Call, Growing, Message, Reasoning, Tell


class Making:
    """The output of one reply."""

    def __init__(self, stem: str, tell: Tell) -> None:
        self._stem = stem
        self._tell = tell
        self._items: list[Growing | Any] = []
        self._open: Message | Reasoning | None = None
        self._calls: dict[int, Call] = {}
        self._logprobs: list[Any] = []
        self.stop: Stop | None = None
        self.service_tier = ""

    def take(self, delta: Delta) -> None:  # noqa: C901, PLR0912, PLR0915 - a branch for each kind of delta
        """One step."""
        match delta:
            case TextDelta():
                likely, self._logprobs = self._logprobs, []
                self._message().add(delta.text, "output_text", likely, begins=delta.begins)
            case LogprobsTold():
                self._logprobs += logprobs.written(delta.tokens)
            case CallDelta():
                call = self._calls.get(delta.index)
                if call is not None:
                    call.add(delta.arguments)
            case ThinkingDelta():
                self._thinking(delta)
            case CallStarted():
                self._call(delta)
            case RefusalDelta():
                self._message().add(delta.text, "refusal")
            case TextCited():
                self._message().cite(annotation_of(delta.citation))
            case ThinkingSigned():
                self._reasoning("").sign(delta.signature, delta.vendor)
            case ThinkingSealed():
                self._sealed(delta)
            case TextSigned():
                self._marked(delta.signature, delta.vendor, "text")
            case MediaMade():
                self._media(delta)
            case OpaqueMade():
                if delta.part.dialect == NAME:
                    self._whole(delta.part.raw)
            case Started():
                self.service_tier = delta.service_tier
            case Finished():
                self.stop = delta.stop
            case UsageTold() | Failed():
                pass

    def output(self) -> list[Any]:
        """All items as they are."""
        return [item.made() if isinstance(item, Growing) else item for item in self._items]

    def close(self, *, is_cut: bool = False) -> None:
        """Close what is open, in the order in which it began. `is_cut`: what was open last is incomplete."""
        if self._open is not None:
            if self._logprobs and isinstance(self._open, Message):
                self._open.add("", "output_text", self._logprobs)
            self._open.close(is_cut=is_cut)
            self._open = None
        for call in self._calls.values():
            call.close(is_cut=False)
        self._calls.clear()

    def _close(self) -> None:
        """Close the open message or thoughts."""
        if self._open is not None:
            self._open.close(is_cut=False)
            self._open = None

    def _ident(self, prefix: str) -> str:
        return f"{prefix}_{self._stem}_{len(self._items)}"

    def _begin(self, item: Message | Reasoning | Call) -> None:
        self._items.append(item)
        item.begin()

    def _message(self) -> Message:
        if isinstance(self._open, Message):
            return self._open
        self._close()
        message = Message(self._ident("msg"), len(self._items), self._tell)
        self._open = message
        self._begin(message)
        return message

    def _reasoning(self, ident: str) -> Reasoning:
        if isinstance(self._open, Reasoning):
            return self._open
        self._close()
        reasoning = Reasoning(ident or self._ident("rs"), len(self._items), self._tell)
        reasoning.vendor_id = ident
        self._open = reasoning
        self._begin(reasoning)
        return reasoning

    def _thinking(self, delta: ThinkingDelta) -> None:
        found = self._open
        if isinstance(found, Reasoning) and (found.is_signed or not found.may_take(delta.id)):
            self._close()
        # A model's open thoughts, too, are told as a summary: clients show that, and nothing else.
        self._reasoning(delta.id).add(delta.text, begins=delta.begins, is_summary=True)

    def _sealed(self, delta: ThinkingSealed) -> None:
        found = self._open
        if isinstance(found, Reasoning) and (found.is_signed or not found.may_take(delta.id)):
            self._close()
        self._reasoning(delta.id).sign(delta.data, delta.vendor)
        self._close()

    def _marked(self, mark: str, vendor: Vendor, of: marks.Of) -> None:
        """A mark on a call or a text, in an item of its own."""
        if mark:
            self._close()
            self._reasoning("").seal(marks.written(mark, vendor, of))
            self._close()

    def _call(self, delta: CallStarted) -> None:
        self._close()
        self._marked(delta.signature, delta.vendor, "call")
        ident = delta.item_id or self._ident("ctc" if delta.is_custom else "fc")
        call = Call(ident, len(self._items), self._tell)
        call.call_id = delta.id or f"call_{self._stem}_{delta.index}"
        call.name, call.is_custom = delta.name, delta.is_custom
        self._calls[delta.index] = call
        self._begin(call)

    def _media(self, delta: MediaMade) -> None:
        media = delta.media
        if media.kind != "image" or not media.data:
            if media.text:  # what a sound says
                self._message().add(media.text, "output_text", begins=True)
                self._close()
            return
        form = media.media_type.removeprefix("image/") or "png"
        self._whole(
            {
                "type": "image_generation_call",
                "id": self._ident("ig"),
                "status": "completed",
                "result": media.data,
                "output_format": form,
            }
        )

    def _whole(self, item: Any) -> None:
        self._close()
        index = len(self._items)
        self._items.append(item)
        for step in ("added", "done"):
            self._tell(f"response.output_item.{step}", {"output_index": index, "item": item})


def nobody(_kind: str, _members: dict[str, Any]) -> None:
    """The listener of a whole reply."""
