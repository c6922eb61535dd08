"""What a provider streams, and what the agent tells while a turn runs (to a screen, a daemon's client, a script)."""

import msgspec

from genesis.core.message import AssistantMessage, StopReason, ToolResultMessage
from genesis.core.usage import Usage


class TextDelta(msgspec.Struct, frozen=True, tag="text-delta"):
    """More text of the answer."""

    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, tag="thinking-delta", omit_defaults=True):
    """More of what the model thinks; `field` is the wire's name that it came under."""

    text: str
    field: str = ""
    signature: str | None = None


class ToolCallReady(msgspec.Struct, frozen=True, tag="tool-call-ready", omit_defaults=True):
    """A tool call is complete: its arguments are whole JSON text."""

    id: str
    name: str
    arguments: str
    thought_signature: str | None = None


class StreamEnd(msgspec.Struct, frozen=True, tag="stream-end", omit_defaults=True):
    """The reply is complete. `routed_model` is what the gateway says that it chose, `why` its reason, if it tells."""

    stop_reason: StopReason
    usage: Usage = Usage()
    routed_model: str | None = None
    why: str | None = None


StreamEvent = TextDelta | ThinkingDelta | ToolCallReady | StreamEnd


class TurnStarted(msgspec.Struct, frozen=True, tag="turn-started"):
    """The agent asks this model; again with every further request of the same turn, and after a failover."""

    provider: str
    model: str


class ToolStarted(msgspec.Struct, frozen=True, tag="tool-started"):
    """A tool runs. `summary` is one line for people (`exec: ls -l`), free of control characters."""

    id: str
    name: str
    summary: str


class ApprovalAsked(msgspec.Struct, frozen=True, tag="approval-asked"):
    """The person must decide before a tool runs: `detail` is the exact command or diff."""

    id: str
    name: str
    summary: str
    detail: str


class ToolEnded(msgspec.Struct, frozen=True, tag="tool-ended"):
    """A tool has run, or was refused."""

    result: ToolResultMessage


class MessageEnded(msgspec.Struct, frozen=True, tag="message-ended"):
    """One whole answer of the model, as it is saved."""

    message: AssistantMessage
    why: str | None = None


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """A sentence for the person beside the conversation: a fallback, a compaction, a warning."""

    text: str


class TurnEnded(msgspec.Struct, frozen=True, tag="turn-ended", omit_defaults=True):
    """The turn is over. `error` is the sentence for people (genesis.md 9.6) if it failed, `is_late` if its time was up."""

    stop_reason: StopReason
    usage: Usage = Usage()
    error: str | None = None
    is_late: bool = False


AgentEvent = (
    TextDelta
    | ThinkingDelta
    | TurnStarted
    | ToolStarted
    | ApprovalAsked
    | ToolEnded
    | MessageEnded
    | Notice
    | TurnEnded
)
