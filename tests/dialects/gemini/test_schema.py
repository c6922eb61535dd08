"""The structs of replies: what is absent stays absent."""

import msgspec

from kilo_gateway.dialects.gemini.schema import ABSENT, Chunk, WirePart


def test_what_is_absent_is_none() -> None:
    chunk = msgspec.json.decode(b"{}", type=Chunk)
    assert chunk.candidates is None
    assert chunk.usage_metadata is ABSENT


def test_names_are_in_camel_case() -> None:
    part = msgspec.json.decode(
        b'{"thoughtSignature":"s","functionCall":{"name":"f"}}', type=WirePart
    )
    assert part.thought_signature == "s"
    assert part.function_call is not None
    assert part.function_call.name == "f"
