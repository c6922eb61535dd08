"""Telling: the items of an upstream's stream as deltas, each piece once.

What an item holds comes in deltas, and once more whole: when its part is done, when the item is done, in the last event. Some
servers send only one of these. So it is counted what has been told of each part, and only the rest is told.
"""

from collections.abc import Iterable, Sequence

import msgspec

from kilo_gateway.dialects import logprobs
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    LogprobsTold,
    MediaMade,
    OpaqueMade,
    RefusalDelta,
    TextCited,
    TextDelta,
    TextSigned,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
)
from kilo_gateway.dialects.conversation import Media, Opaque, Vendor
from kilo_gateway.dialects.openai_responses import marks
from kilo_gateway.dialects.openai_responses.content import citation_of, part_of
from kilo_gateway.dialects.openai_responses.items import CALLS, ITEM, PART, lenient, parts_of
from kilo_gateway.dialects.openai_responses.schema import ContentPart, Item, WireEvent

_NO_MARK = marks.Mark("", "")


class _State:
    """What has been told of one item: characters of each part, by its kind and its place; citations of each text."""

    __slots__ = ("call", "cited", "id", "is_custom", "is_done", "likely", "told")

    def __init__(self, ident: str) -> None:
        self.id = ident
        self.told: dict[tuple[str, int], int] = {}
        self.cited: dict[int, int] = {}
        self.likely: set[int] = set()  # texts of which probabilities have been told
        self.call = -1
        self.is_custom = False
        self.is_done = False

    def place(self, kind: str, number: int) -> int:
        """The place by which deltas called the part of that number; some servers count otherwise than the whole item does."""
        places = [at for known, at in self.told if known == kind]
        if number < len(places):
            return places[number]
        return max(number, max(places, default=-1) + 1)


class Telling:
    """The items of one reply. `maker` is the vendor of the model, as far as it is known."""

    def __init__(self) -> None:
        self.maker: Vendor = marks.HOME
        self.has_refused = False
        self._items: dict[int, _State] = {}
        self._calls = 0
        self._last: tuple[str, int, int] = ("", -1, -1)
        self._call_mark = _NO_MARK
        self._out: list[Delta] = []

    @property
    def has_called(self) -> bool:
        """Whether the model has called a tool."""
        return self._calls > 0

    def tell(self, kind: str, wire: WireEvent) -> list[Delta]:
        """The deltas of one event."""
        state = self._state(wire.output_index or 0, wire.item_id or "")
        at = wire.content_index or 0
        match kind:
            case "response.output_text.delta":
                tokens = logprobs.read(wire.logprobs)
                if tokens:
                    state.likely.add(at)
                    self._out.append(LogprobsTold(tokens))
                self._text(state, at, wire.delta or "")
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                self._arguments(state, wire.delta or "")
            case "response.reasoning_summary_text.delta":
                self._thought(state, "summary", wire.summary_index or 0, wire.delta or "")
            case "response.reasoning_text.delta":
                self._thought(state, "content", at, wire.delta or "")
            case "response.refusal.delta":
                self._refusal(state, at, wire.delta or "")
            case "response.output_item.added":
                self._begin(state, wire)
            case "response.output_item.done":
                self._whole(state, wire.item)
            case "response.output_text.annotation.added":
                self._cite(state, at, [wire.annotation])
            case _:
                pass  # the whole of a part comes with its item; steps of server tools tell nothing that stays
        return self._taken()

    def rest(self, output: Sequence[msgspec.Raw]) -> list[Delta]:
        """What of the whole output has not been told."""
        ids = {state.id: state for state in self._items.values() if state.id}
        for index, raw in enumerate(output):
            ident = lenient(raw, ITEM, "").id or ""
            self._whole(ids.get(ident) or self._state(index, ident), raw)
        return self._taken()

    def _taken(self) -> list[Delta]:
        out, self._out = self._out, []
        return out

    def _state(self, index: int, ident: str) -> _State:
        state = self._items.get(index)
        if state is None:
            state = self._items[index] = _State(ident)
        return state

    def _begin(self, state: _State, wire: WireEvent) -> None:
        item = lenient(wire.item, ITEM, "")
        state.id = item.id or state.id
        if item.type in CALLS and item.name:
            self._start_call(state, item)

    def _start_call(self, state: _State, item: Item) -> None:
        if state.call >= 0:
            return
        state.call, state.is_custom = self._calls, item.type == "custom_tool_call"
        self._calls += 1
        mark, self._call_mark = self._call_mark, _NO_MARK
        self._last = ("call", -1, -1)
        self._out.append(
            CallStarted(
                state.call,
                item.call_id or item.id or "",
                item.name or "",
                state.is_custom,
                mark.data,
                mark.vendor,
                item.id or "",
            )
        )

    def _arguments(self, state: _State, text: str) -> None:
        if state.call >= 0 and text:
            self._count(state, ("call", 0), text)
            self._out.append(CallDelta(state.call, text))

    def _text(self, state: _State, at: int, text: str) -> None:
        begins = self._begins("text", state, at)
        self._count(state, ("text", at), text)
        self._out.append(TextDelta(text, begins))

    def _refusal(self, state: _State, at: int, text: str) -> None:
        self._begins("refusal", state, at)
        self.has_refused = True
        self._count(state, ("refusal", at), text)
        self._out.append(RefusalDelta(text))

    def _thought(self, state: _State, kind: str, at: int, text: str) -> None:
        begins = self._begins("thinking", state, at + (1_000_000 if kind == "content" else 0))
        self._count(state, (kind, at), text)
        self._out.append(
            ThinkingDelta(text, is_summary=kind == "summary", begins=begins, id=state.id)
        )

    def _cite(self, state: _State, at: int, annotations: Iterable[msgspec.Raw]) -> None:
        for raw in annotations:
            state.cited[at] = state.cited.get(at, 0) + 1
            self._out.append(TextCited(citation_of(raw)))

    def _begins(self, kind: str, state: _State, at: int) -> bool:
        """Whether a new part begins that is of the same kind as the last one."""
        last, self._last = self._last, (kind, id(state), at)
        return last[0] == kind and last != self._last

    def _count(self, state: _State, key: tuple[str, int], text: str) -> None:
        state.told[key] = state.told.get(key, 0) + len(text)

    def _whole(self, state: _State, raw: msgspec.Raw) -> None:
        """An item is whole: the rest of it. It is told only once."""
        if state.is_done:
            return
        state.is_done = True
        item = lenient(raw, ITEM, "")
        state.id = item.id or state.id
        kind = item.type or "message"
        if kind in CALLS:
            self._start_call(state, item)
            text = (item.input if state.is_custom else item.arguments) or ""
            self._arguments(state, text[state.told.get(("call", 0), 0) :])
        elif kind == "message":
            self._message(state, item)
        elif kind == "reasoning":
            self._reasoning(state, item)
        else:
            self._last = (kind, -1, -1)
            for part in parts_of(raw, self.maker, lenient):
                if isinstance(part, Media):
                    self._out.append(MediaMade(part))
                elif isinstance(part, Opaque):
                    self._out.append(OpaqueMade(part))

    def _message(self, state: _State, item: Item) -> None:
        if isinstance(item.content, str):
            self._rest_of_text(state, state.place("text", 0), item.content)
            return
        counts = {"text": 0, "refusal": 0}
        for raw in item.content or ():
            wire = lenient(raw, PART, "")
            kind = "text" if wire.type in {"output_text", "text"} else wire.type or ""
            if kind not in counts:
                self._other(wire, raw)
                continue
            at = state.place(kind, counts[kind])
            counts[kind] += 1
            if kind == "text":
                tokens = () if at in state.likely else logprobs.read(wire.logprobs)
                if tokens:
                    self._out.append(LogprobsTold(tokens))
                self._rest_of_text(state, at, wire.text or "")
                self._cite(state, at, (wire.annotations or [])[state.cited.get(at, 0) :])
            else:
                rest = (wire.refusal or "")[state.told.get((kind, at), 0) :]
                if rest or (kind, at) not in state.told:
                    self._refusal(state, at, rest)

    def _other(self, wire: ContentPart, raw: msgspec.Raw) -> None:
        part = part_of(wire, raw)
        self._last = ("other", -1, -1)
        if isinstance(part, Media):
            self._out.append(MediaMade(part))
        elif isinstance(part, Opaque):
            self._out.append(OpaqueMade(msgspec.structs.replace(part, raw=msgspec.Raw(bytes(raw)))))

    def _rest_of_text(self, state: _State, at: int, text: str) -> None:
        rest = text[state.told.get(("text", at), 0) :]
        if rest or ("text", at) not in state.told:
            self._text(state, at, rest)

    def _reasoning(self, state: _State, item: Item) -> None:
        self._thoughts(state, "summary", item.summary)
        if isinstance(item.content, str):
            self._rest_of_thought(state, "content", 0, item.content)
        else:
            self._thoughts(state, "content", item.content)
        if not item.encrypted_content:
            return
        mark = marks.read(item.encrypted_content, self.maker)
        if mark.of == "call":
            self._call_mark = mark
        elif mark.of == "text":
            self._out.append(TextSigned(mark.data, mark.vendor))
        elif state.told:
            self._out.append(ThinkingSigned(mark.data, mark.vendor))
        else:
            self._last = ("sealed", -1, -1)
            self._out.append(ThinkingSealed(mark.data, mark.vendor, state.id))

    def _thoughts(self, state: _State, kind: str, parts: Sequence[msgspec.Raw] | None) -> None:
        for at, raw in enumerate(parts or ()):
            self._rest_of_thought(state, kind, at, lenient(raw, PART, "").text or "")

    def _rest_of_thought(self, state: _State, kind: str, at: int, text: str) -> None:
        at = state.place(kind, at)
        rest = text[state.told.get((kind, at), 0) :]
        if rest or (kind, at) not in state.told:
            self._thought(state, kind, at, rest)
