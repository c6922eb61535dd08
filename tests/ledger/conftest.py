"""Builders of openings and entries, and a clock that stands still."""

from collections.abc import Callable

import msgspec
import pytest

from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import Attribution, Entry, Opening, sealed


class StillClock:
    """A clock that moves when told."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(scope="session")
def still_clock() -> type[StillClock]:
    return StillClock


@pytest.fixture(scope="session")
def opening_of() -> Callable[..., Opening]:
    def build(number: int | str = 0, **changes: object) -> Opening:
        about = Attribution(
            key_id="key-1",
            owner="owner-1",
            requested_model="small",
            model="openai/gpt-5",
            upstream="openai",
            upstream_model="gpt-5",
            dialect="openai_chat",
            operation="chat",
            is_streamed=True,
        )
        theirs = {name: changes.pop(name) for name in set(changes) & set(about.__struct_fields__)}
        built = Opening(
            id=number if isinstance(number, str) else f"{number:026d}",
            call_id=f"call-{number}",
            attempt=1,
            opened_at=1_799_999_990.0,
            estimated_input_tokens=77,
            session=None,
            message=None,
            attribution=sealed(msgspec.structs.replace(about, **theirs)),
        )
        return msgspec.structs.replace(built, **changes)

    return build


@pytest.fixture(scope="session")
def entry_of(opening_of: Callable[..., Opening]) -> Callable[..., Entry]:
    def build(opening: Opening | int = 0, **changes: object) -> Entry:
        built = Entry(
            opening=opening if isinstance(opening, Opening) else opening_of(opening),
            closed_at=1_800_000_000.0,
            outcome="ok",
            status=200,
            usage=Usage(input_tokens=1000, output_tokens=10, raw=b'{"prompt_tokens":1000}'),
            cost_nanodollars=None,
            price_source="",
            price_since="",
            first_byte_ms=20,
            duration_ms=900,
            upstream_request_id="req-1",
            finish_reason="stop",
            has_error=False,
        )
        return msgspec.structs.replace(built, **changes)

    return build
