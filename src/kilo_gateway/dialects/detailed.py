"""Detailed: the passage of chats between OpenAI's form and itself on which thoughts are told in OpenRouter's form too."""

from typing_extensions import override

from kilo_gateway.core.call import Call
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.dialect import ReplyStream
from kilo_gateway.dialects.openai_chat import OpenAIChat
from kilo_gateway.dialects.openai_chat.details import DetailedStream, with_details
from kilo_gateway.dialects.translate import CostOf, Identity, Marks


class Detailed(Identity):
    """The identity path, with `reasoning_details` where a reply has none."""

    @override
    def answer(
        self, call: Call, body: bytes, usage: Usage, cost_nanodollars: int | None, marks: Marks
    ) -> bytes:
        return with_details(super().answer(call, body, usage, cost_nanodollars, marks))

    @override
    def stream(self, call: Call, cost_of: CostOf | None, marks: Marks) -> ReplyStream:
        return DetailedStream(call.operation, wants_usage=call.wants_usage, cost_of=cost_of)


DETAILED = Detailed(OpenAIChat())
SPOKEN = OpenAIChat.name
