"""Contents: the turns of a request, and the ids of their calls.

Calls need no ids on this wire. A call without one gets `call_<n>`, n counted over the request; a result without one belongs
to the first call before it that has none yet and the same name, else to the first that has none. So the pairs stay the same
from turn to turn, however often a client sends them.
"""

import msgspec

from kilo_gateway.dialects.body import Fields, text_of
from kilo_gateway.dialects.conversation import (
    Media,
    Message,
    Opaque,
    Part,
    Role,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from kilo_gateway.dialects.gemini import marks
from kilo_gateway.dialects.gemini.members import (
    compact,
    invalid,
    items,
    members,
    optional_flag,
    optional_text,
)
from kilo_gateway.dialects.gemini.parts import arguments_of, media_by_data, media_by_uri

_ROLES: dict[str, Role] = {"": "user", "user": "user", "function": "user", "model": "assistant"}
_DATA = (
    "text",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
)
_BESIDE = frozenset({"thought", "thoughtSignature", *_DATA})
_PARAM = "contents[].parts[]"
_RESULTS = ("output", "result")


class Contents:
    """Reads turns one after the other; `unknown` collects the names of what has no place."""

    def __init__(self, unknown: list[str]) -> None:
        self.unknown = unknown
        self._open: list[tuple[str, str, bool]] = []  # id, name, whether the id is ours
        self._made = 0

    def read(self, raw: msgspec.Raw) -> tuple[Message, ...]:
        """All turns. A single object or a text is one turn of the user's."""
        only = text_of(raw) if bytes(memoryview(raw)[:1]) == b'"' else None
        if only is not None:
            return (Message("user", (Text(only),)),)
        return tuple(self.content(one, "contents[]") for one in items(raw, "contents"))

    def content(self, raw: msgspec.Raw, param: str) -> Message:
        """One turn."""
        fields = members(raw, param)
        role = _ROLES.get(optional_text(fields, "role", param))
        if role is None:
            if param == "systemInstruction":
                role = "system"
            else:
                raise invalid(f"{param}.role", 'must be "user" or "model"')
        if role == "assistant":
            self._open.clear()
        parts = items(fields["parts"], f"{param}.parts") if "parts" in fields else []
        return Message(role, tuple(self._part(one) for one in parts))

    def _part(self, raw: msgspec.Raw) -> Part:
        fields = members(raw, _PARAM)
        kind = next((name for name in _DATA if name in fields), "")
        if not kind and "thoughtSignature" not in fields:
            other = next((name for name in fields if name != "thought"), "")
            return Opaque("gemini", other, raw)
        self.unknown.extend(f"{_PARAM}.{name}" for name in fields if name not in _BESIDE)
        mark = marks.read(optional_text(fields, "thoughtSignature", _PARAM))
        vendor: Vendor = mark.vendor if mark.text else ""
        match kind:
            case "functionCall":
                return self._call(members(fields[kind], f"{_PARAM}.{kind}"), mark.text, vendor)
            case "functionResponse":
                return self._result(members(fields[kind], f"{_PARAM}.{kind}"))
            case "inlineData" | "fileData":
                return _media(kind, fields, mark.text, vendor)
            case _:
                return _text(fields, mark)

    def _call(self, call: Fields, signature: str, vendor: Vendor) -> ToolCall:
        param = f"{_PARAM}.functionCall"
        ident, name = optional_text(call, "id", param), optional_text(call, "name", param)
        is_ours = not ident
        if is_ours:
            ident = self._new_id()
        self._open.append((ident, name, is_ours))
        args = call.get("args", msgspec.Raw())
        if bytes(memoryview(args)[:1]) not in {b"", b"{"}:
            raise invalid(f"{param}.args", "must be an object")
        return ToolCall(ident, name, arguments_of(args), signature=signature, vendor=vendor)

    def _result(self, result: Fields) -> ToolResult:
        param = f"{_PARAM}.functionResponse"
        ident, name = optional_text(result, "id", param), optional_text(result, "name", param)
        self.unknown.extend(
            f"{param}.{one}" for one in result if one in {"willContinue", "scheduling"}
        )
        said, is_error = _said(result.get("response"), param)
        parts: list[Text | Media] = [] if said is None else [Text(said)]
        if "parts" in result:
            parts.extend(_media_of(one) for one in items(result["parts"], f"{param}.parts"))
        return ToolResult(self._answered(ident, name), tuple(parts), name, is_error)

    def _answered(self, ident: str, name: str) -> str:
        """The id of the call that a result answers."""
        loose = [call for call in self._open if call[2] or not ident]
        fitting = (
            [call for call in self._open if call[0] == ident],
            [call for call in loose if call[1] == name],
            loose,
        )
        for calls in fitting:
            if calls:
                self._open.remove(calls[0])
                return calls[0][0]
        return ident or self._new_id()

    def _new_id(self) -> str:
        self._made += 1
        return f"call_{self._made}"


def _text(fields: Fields, mark: marks.Mark) -> Part:
    said = optional_text(fields, "text", _PARAM)
    if mark.is_sealed:
        return SealedThinking(mark.text, mark.vendor)
    vendor: Vendor = mark.vendor if mark.text else ""
    if optional_flag(fields, "thought", _PARAM):
        return Thinking(said, mark.text, vendor, is_summary=True)
    return Text(said, signature=mark.text, vendor=vendor)


def _media(kind: str, fields: Fields, signature: str, vendor: Vendor) -> Media:
    param = f"{_PARAM}.{kind}"
    inner = members(fields[kind], param)
    media_type = optional_text(inner, "mimeType", param)
    if kind == "inlineData":
        data = optional_text(inner, "data", param)
        return media_by_data(media_type, data, signature, vendor)
    return media_by_uri(media_type, optional_text(inner, "fileUri", param), signature, vendor)


def _media_of(raw: msgspec.Raw) -> Media:
    fields = members(raw, f"{_PARAM}.functionResponse.parts[]")
    kind = "fileData" if "fileData" in fields else "inlineData"
    if kind not in fields:
        raise invalid(f"{_PARAM}.functionResponse.parts[]", "must hold inlineData or fileData")
    return _media(kind, fields, "", "")


def _said(response: msgspec.Raw | None, param: str) -> tuple[str | None, bool]:
    """What a tool gave, and whether it failed: `output` or `result` alone is the text, `error` alone a failure, any other
    object is the JSON of it."""
    if response is None:
        return None, False
    fields = members(response, f"{param}.response")
    if len(fields) == 1:
        name, value = next(iter(fields.items()))
        if name in _RESULTS or name == "error":
            said = text_of(value)
            return compact(value) if said is None else said, name == "error"
    return compact(response), False
