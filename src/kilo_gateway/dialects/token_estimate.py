"""An estimate of the input tokens of a conversation, for where no upstream counts them.

No tokenizer: four characters of plain text are about a token in the vocabularies of today's models, other scripts need more. A
picture counts as the vendors' usual tile, a document by its size. It is off by a tenth or two for English and code, and always
the same for the same request.
"""

from typing import Final

from kilo_gateway.dialects.conversation import (
    Conversation,
    Media,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

_CHARACTERS_PER_TOKEN: Final = 4
_BYTES_PER_TOKEN: Final = 3  # of UTF-8, where most characters are not ASCII
_PER_MESSAGE: Final = 4
_PER_TOOL: Final = 12
_IMAGE: Final = 1_100
_SECOND_OF_AUDIO_BYTES: Final = 16_000
_TOKENS_PER_SECOND: Final = 32
_PDF_BYTES_PER_TOKEN: Final = 40
_BASE64: Final = 0.75


def estimate_tokens(conversation: Conversation) -> int:
    """About how many tokens the model reads of a request; at least 1."""
    total = sum(_of_text(text.text) for text in conversation.system)
    for message in conversation.messages:
        total += _PER_MESSAGE + sum(_of_part(part) for part in message.parts)
    for tool in conversation.tools:
        size = len(bytes(tool.parameters)) + len(bytes(tool.raw)) + len(tool.description)
        total += _PER_TOOL + _of_text(tool.name) + size // _CHARACTERS_PER_TOKEN
    return max(1, total + len(bytes(conversation.output.schema)) // _CHARACTERS_PER_TOKEN)


def _of_part(part: Part) -> int:
    match part:
        case Text() | Thinking() | Refusal():
            return _of_text(part.text)
        case SealedThinking():
            return len(part.data) // _CHARACTERS_PER_TOKEN
        case Media():
            return _of_media(part)
        case ToolCall():
            return _PER_TOOL + _of_text(part.name) + _of_text(part.arguments)
        case ToolResult():
            return _PER_MESSAGE + sum(_of_part(one) for one in part.parts)
        case Opaque():
            return len(bytes(part.raw)) // _CHARACTERS_PER_TOKEN


def _of_text(text: str) -> int:
    if text.isascii():
        return -(-len(text) // _CHARACTERS_PER_TOKEN)
    return -(-len(text.encode(errors="replace")) // _BYTES_PER_TOKEN)


def _of_media(media: Media) -> int:
    size = int(len(media.data) * _BASE64)
    if media.kind == "image":
        return _IMAGE
    if media.kind == "document":
        return _of_text(media.text) + size // _PDF_BYTES_PER_TOKEN
    return max(_TOKENS_PER_SECOND, size // _SECOND_OF_AUDIO_BYTES * _TOKENS_PER_SECOND)
