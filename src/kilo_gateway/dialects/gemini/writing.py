"""Writes a request for an upstream.

Turns of the model that follow each other become one, since a call must come right after a turn of the user's; so do turns
with results only, since the results of parallel calls must stand together. A failed result is `{"error": text}`, any other
`{"output": text}`: text stays text, so that no number in it is rounded. Ids stand beside the names.

Gemini 3 refuses a history in which the first call of a turn has no signature. What a client dropped is filled in by
`target.signature_of`; calls of another vendor get the value that Google documents for histories made elsewhere.
"""

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.conversation import (
    Conversation,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Vendor,
    is_given,
)
from kilo_gateway.dialects.gemini import thinking
from kilo_gateway.dialects.gemini.parts import (
    Written,
    is_googles_file,
    written_arguments,
    written_media,
)
from kilo_gateway.dialects.hub import Target

# https://ai.google.dev/gemini-api/docs/thought-signatures, of calls that another model made.
NO_SIGNATURE = "skip_thought_signature_validator"
_ENCODE = msgspec.json.Encoder().encode
_TIERS = frozenset({"flex", "priority", "standard"})
_FREE_TEXT = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}'
)


def write_request(conversation: Conversation, target: Target) -> bytes:
    """The body for an upstream; the model and whether it streams go into the path."""
    contents = _Contents(conversation, target).written()
    system = [{"text": part.text} for part in conversation.system if part.text]
    body: Written = {"contents": contents}
    if system and contents:
        body["systemInstruction"] = {"parts": system}
    elif system:
        body["contents"] = [{"role": "user", "parts": system}]  # it takes no request without a turn
    functions = [_function(tool) for tool in conversation.tools if not tool.server]
    tools: list[object] = [{"functionDeclarations": functions}] if functions else []
    tools.extend(
        tool.raw for tool in conversation.tools if tool.dialect == "gemini" and tool.server
    )
    if tools:
        body["tools"] = tools
    calling = _calling(conversation) if functions else {}
    if calling:
        body["toolConfig"] = {"functionCallingConfig": calling}
    config = _config(conversation, target)
    if config:
        body["generationConfig"] = config
    if conversation.account.service_tier in _TIERS:
        body["serviceTier"] = conversation.account.service_tier
    return _ENCODE(body)


def _function(tool: Tool) -> Written:
    function: Written = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.is_custom:
        function["parametersJsonSchema"] = _FREE_TEXT
    elif is_given(tool.parameters):
        function["parametersJsonSchema"] = tool.parameters
    return function


def _calling(conversation: Conversation) -> Written:
    choice = conversation.tool_choice
    allowed = list(choice.allowed)
    match choice.mode:
        case "tool":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
        case "required":
            return {"mode": "ANY", "allowedFunctionNames": allowed} if allowed else {"mode": "ANY"}
        case "none":
            return {"mode": "NONE"}
        case _ if allowed:
            return {"mode": "VALIDATED", "allowedFunctionNames": allowed}
        case "auto":
            return {"mode": "AUTO"}
        case _:
            return {}


def _config(conversation: Conversation, target: Target) -> Written:
    sampling, output = conversation.sampling, conversation.output
    config: Written = {
        "maxOutputTokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "frequencyPenalty": sampling.frequency_penalty,
        "presencePenalty": sampling.presence_penalty,
        # Google takes 31 bits.
        "seed": None if sampling.seed is None else sampling.seed % 2**31,
        "stopSequences": sampling.stop or None,
        "responseLogprobs": sampling.logprobs or None,
        "logprobs": sampling.top_logprobs or None if sampling.logprobs else None,
        "thinkingConfig": thinking.config(conversation.reasoning, target) or None,
        "responseModalities": [one.upper() for one in output.modalities] or None,
        "responseMimeType": None if output.kind == "text" else "application/json",
        "responseJsonSchema": output.schema
        if output.kind == "schema" and is_given(output.schema)
        else None,
    }
    return {name: value for name, value in config.items() if value is not None}


class _Contents:
    """The turns in the making."""

    def __init__(self, conversation: Conversation, target: Target) -> None:
        self._messages = conversation.messages
        self._target = target
        self._keeps: Vendor = target.reads_thinking
        self._has_result_media = thinking.needs_signatures(target.model)
        self._names = {
            part.id: part.name
            for message in conversation.messages
            for part in message.parts
            if isinstance(part, ToolCall)
        }
        self._turns: list[tuple[str, list[Written | msgspec.Raw], bool]] = []

    def written(self) -> list[Written]:
        """All turns; one that holds nothing is left out."""
        for message in self._messages:
            parts = self._parts(message)
            if parts:
                self._add("model" if message.role == "assistant" else "user", parts, message)
        return [{"role": role, "parts": parts} for role, parts, _ in self._turns]

    def _add(self, role: str, parts: list[Written | msgspec.Raw], message: Message) -> None:
        has_results = any(isinstance(part, ToolResult) for part in message.parts)
        if self._turns:
            last_role, last_parts, had_results = self._turns[-1]
            if role == last_role and (role == "model" or (has_results and had_results)):
                last_parts.extend(parts)
                return
        self._turns.append((role, parts, has_results))

    def _parts(self, message: Message) -> list[Written | msgspec.Raw]:
        parts = list[Written | msgspec.Raw]()
        is_first_call = True
        for part in message.parts:
            if isinstance(part, ToolCall):
                parts.append(self._call(part, is_first=is_first_call))
                is_first_call = False
            elif isinstance(part, ToolResult):
                parts.extend(self._result(part))
            elif isinstance(part, Media):
                parts.append(self._media(part))
            else:
                parts.extend(self._words(part))
        return parts

    def _words(self, part: Part) -> list[Written | msgspec.Raw]:
        match part:
            case Text(text=text):
                return self._signed({"text": text}, part) if text or part.signature else []
            case Thinking(text=text):
                return self._signed({"text": text, "thought": True}, part)
            case SealedThinking(data=data, vendor=vendor):
                is_kept = vendor == self._keeps == "google"
                return [{"text": "", "thoughtSignature": data}] if is_kept else []
            case Refusal(text=text):
                return [{"text": text}]
            case Opaque(dialect="gemini", raw=raw):
                return [raw]
            case _:
                return []

    def _signed(self, written: Written, part: Text | Thinking) -> list[Written | msgspec.Raw]:
        signature = self._kept(part.signature, part.vendor)
        if signature:
            written["thoughtSignature"] = signature
        return [written] if written["text"] or signature else []

    def _kept(self, signature: str, vendor: Vendor) -> str:
        """A signature if the upstream's own vendor made it."""
        return signature if vendor == self._keeps == "google" else ""

    def _call(self, call: ToolCall, *, is_first: bool) -> Written:
        arguments = written_arguments(call.arguments)
        function: Written = {"id": call.id, "name": call.name, "args": arguments}
        if not call.id:
            del function["id"]
        written: Written = {"functionCall": function}
        signature = self._kept(call.signature, call.vendor)
        if not signature and self._keeps == "google":
            signature = self._target.signature_of(call.id)
        if not signature and is_first and thinking.needs_signatures(self._target.model):
            signature = NO_SIGNATURE
        if signature:
            written["thoughtSignature"] = signature
        return written

    def _result(self, result: ToolResult) -> list[Written | msgspec.Raw]:
        """Media stand inside the result where the model takes that (Gemini 3 on), else behind it."""
        said = "\n".join(part.text for part in result.parts if isinstance(part, Text))
        name = result.name or self._names.get(result.call_id, "") or "tool"
        function: Written = {
            "id": result.call_id,
            "name": name,
            "response": {"error" if result.is_error else "output": said},
        }
        if not result.call_id:
            del function["id"]
        media = [self._media(part) for part in result.parts if isinstance(part, Media)]
        written: Written = {"functionResponse": function}
        if media and self._has_result_media:
            function["parts"] = media
            return [written]
        return [written, *media]

    def _media(self, media: Media) -> Written:
        if media.file_id and not is_googles_file(media.file_id):
            raise Fault(
                Kind.UNSUPPORTED_FIELD,
                f"Gemini cannot take the file {media.file_id}: send its data, a URL, or a file's URI at Google.",
                param="file by id",
            )
        written = written_media(media)
        signature = self._kept(media.signature, media.vendor)
        if signature:
            written["thoughtSignature"] = signature
        return written
