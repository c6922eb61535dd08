"""Growing: output items while they are written. Each tells its own events; `made()` is the item as it stands."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

from typing_extensions import override

from kilo_gateway.dialects import seal
from kilo_gateway.dialects.conversation import Vendor
from kilo_gateway.dialects.openai_responses.marks import HOME, may_join

Status = Literal["in_progress", "completed", "incomplete"]
Tell = Callable[[str, dict[str, Any]], None]


class Growing(ABC):
    """One item: begun, added to, closed."""

    __slots__ = ("id", "index", "status", "tell")

    def __init__(self, ident: str, index: int, tell: Tell) -> None:
        self.id = ident
        self.index = index
        self.tell = tell
        self.status: Status = "in_progress"

    @abstractmethod
    def made(self) -> dict[str, Any]:
        """The item as it stands."""

    def begin(self) -> None:
        """Tell that it is there."""
        item = self.made()
        self.tell("response.output_item.added", {"output_index": self.index, "item": item})

    def close(self, *, is_cut: bool) -> None:
        """Tell that it is whole."""
        self._close_part()
        self.status = "incomplete" if is_cut else "completed"
        item = self.made()
        self.tell("response.output_item.done", {"output_index": self.index, "item": item})

    @abstractmethod
    def _close_part(self) -> None:
        """Tell that its open part is whole."""

    def _say(self, kind: str, members: dict[str, Any]) -> None:
        self.tell(kind, {"item_id": self.id, "output_index": self.index, **members})


class Message(Growing):
    """A message: parts of text and of refusal."""

    __slots__ = ("_annotations", "_logprobs", "_pieces", "_type", "parts")

    def __init__(self, ident: str, index: int, tell: Tell) -> None:
        super().__init__(ident, index, tell)
        self.parts: list[dict[str, Any]] = []
        self._type = ""
        self._pieces: list[str] = []
        self._annotations: list[Any] = []
        self._logprobs: list[Any] = []

    @override
    def made(self) -> dict[str, Any]:
        content = [*self.parts, self._part()] if self._type else list(self.parts)
        return {
            "id": self.id,
            "type": "message",
            "status": self.status,
            "role": "assistant",
            "content": content,
        }

    def add(
        self, text: str, kind: str, logprobs: Sequence[Any] = (), *, begins: bool = False
    ) -> None:
        """More text with its tokens' probabilities, or more of a refusal."""
        if self._type and (begins or self._type != kind):
            self._close_part()
        if not self._type:
            self._type = kind
            self._say(
                "response.content_part.added",
                {"content_index": len(self.parts), "part": self._part()},
            )
        self._pieces.append(text)
        if kind == "refusal":
            self._say("response.refusal.delta", {"content_index": len(self.parts), "delta": text})
        else:
            self._say(
                "response.output_text.delta",
                {"content_index": len(self.parts), "delta": text, "logprobs": logprobs},
            )
            self._logprobs += logprobs

    def cite(self, annotation: Any) -> None:
        """Where the text before comes from."""
        if self._type != "output_text":
            self.add("", "output_text")
        self._say(
            "response.output_text.annotation.added",
            {
                "content_index": len(self.parts),
                "annotation_index": len(self._annotations),
                "annotation": annotation,
            },
        )
        self._annotations.append(annotation)

    def _part(self) -> dict[str, Any]:
        text = "".join(self._pieces)
        if self._type == "refusal":
            return {"type": "refusal", "refusal": text}
        return {
            "type": "output_text",
            "annotations": list(self._annotations),
            "logprobs": list(self._logprobs),
            "text": text,
        }

    @override
    def _close_part(self) -> None:
        if not self._type:
            return
        part, at = self._part(), {"content_index": len(self.parts)}
        if self._type == "refusal":
            self._say("response.refusal.done", at | {"refusal": part["refusal"]})
        else:
            self._say(
                "response.output_text.done",
                at | {"logprobs": part["logprobs"], "text": part["text"]},
            )
        self._say("response.content_part.done", at | {"part": part})
        self.parts.append(part)
        self._type = ""
        self._pieces = []
        self._annotations = []
        self._logprobs = []


class Reasoning(Growing):
    """Thoughts: summaries, raw thoughts, and what is sealed of them."""

    __slots__ = (
        "_is_open",
        "_is_summary",
        "_mark",
        "_pieces",
        "_sealed",
        "_vendor",
        "lists",
        "vendor_id",
    )

    def __init__(self, ident: str, index: int, tell: Tell) -> None:
        super().__init__(ident, index, tell)
        self.vendor_id = ""
        self.lists: dict[bool, list[dict[str, str]]] = {True: [], False: []}
        self._is_open = False
        self._is_summary = False
        self._pieces: list[str] = []
        self._mark: list[str] = []
        self._vendor: Vendor = ""
        self._sealed = ""

    @property
    def is_signed(self) -> bool:
        """Whether nothing more can be thought in it."""
        return bool(self._mark or self._sealed)

    def may_take(self, ident: str) -> bool:
        """Whether a piece with the vendor's id belongs here."""
        return may_join(self.vendor_id, ident)

    @override
    def made(self) -> dict[str, Any]:
        item: dict[str, Any] = {
            "id": self.id,
            "type": "reasoning",
            "summary": list(self.lists[True]),
        }
        if self.lists[False]:
            item["content"] = list(self.lists[False])
        sealed = self._sealed or seal.wrap("".join(self._mark), self._vendor, HOME)
        if sealed:
            item["encrypted_content"] = sealed
        return item

    def add(self, text: str, *, begins: bool, is_summary: bool) -> None:
        """More thoughts."""
        if self._is_open and (begins or self._is_summary != is_summary):
            self._close_part()
        if not self._is_open:
            self._is_open, self._is_summary = True, is_summary
            kind = "reasoning_summary_part.added" if is_summary else "content_part.added"
            self._say(f"response.{kind}", self._at() | {"part": self._part()})
        self._pieces.append(text)
        kind = "reasoning_summary_text" if is_summary else "reasoning_text"
        self._say(f"response.{kind}.delta", self._at() | {"delta": text})

    def sign(self, mark: str, vendor: Vendor) -> None:
        """The vendor's mark on them, or a piece of it."""
        self._mark.append(mark)
        self._vendor = vendor

    def seal(self, content: str) -> None:
        """What stands in `encrypted_content`, as it is."""
        self._sealed = content

    def _at(self) -> dict[str, Any]:
        name = "summary_index" if self._is_summary else "content_index"
        return {name: len(self.lists[self._is_summary])}

    def _part(self) -> dict[str, str]:
        kind = "summary_text" if self._is_summary else "reasoning_text"
        return {"type": kind, "text": "".join(self._pieces)}

    @override
    def _close_part(self) -> None:
        if not self._is_open:
            return
        part, at = self._part(), self._at()
        kind = "reasoning_summary_text" if self._is_summary else "reasoning_text"
        self._say(f"response.{kind}.done", at | {"text": part["text"]})
        kind = "reasoning_summary_part" if self._is_summary else "content_part"
        self._say(f"response.{kind}.done", at | {"part": part})
        self.lists[self._is_summary].append(part)
        self._is_open = False
        self._pieces = []


class Call(Growing):
    """A call of a client's tool. Arguments stay the model's own text; none at all are an empty object."""

    __slots__ = ("_pieces", "call_id", "is_custom", "name")

    def __init__(self, ident: str, index: int, tell: Tell) -> None:
        super().__init__(ident, index, tell)
        self.call_id = ""
        self.name = ""
        self.is_custom = False
        self._pieces: list[str] = []

    @override
    def made(self) -> dict[str, Any]:
        kind = "custom_tool_call" if self.is_custom else "function_call"
        return {
            "id": self.id,
            "type": kind,
            "status": self.status,
            "call_id": self.call_id,
            "name": self.name,
            "input" if self.is_custom else "arguments": "".join(self._pieces),
        }

    def add(self, text: str) -> None:
        """More arguments."""
        if text:
            self._pieces.append(text)
            kind = "custom_tool_call_input" if self.is_custom else "function_call_arguments"
            self._say(f"response.{kind}.delta", {"delta": text})

    @override
    def _close_part(self) -> None:
        if self.is_custom:
            whole = {"input": "".join(self._pieces)}
            self._say("response.custom_tool_call_input.done", whole)
            return
        if not self._pieces:
            self.add("{}")
        told = {"arguments": "".join(self._pieces), "name": self.name}
        self._say("response.function_call_arguments.done", told)
