"""A real database for each test (SQLite, or each of the two), and builders of keys and entries."""

import hashlib
from collections.abc import Callable, Iterator

import msgspec
import pytest

from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import Attribution, Entry, Opening, sealed
from kilo_gateway.store.rows import KeyRow
from kilo_gateway.store.store import Store

NOW = 1_800_000_000.0


@pytest.fixture
def url(tmp_path):
    return f"sqlite+aiosqlite:///{tmp_path}/gateway.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request, tmp_path) -> Iterator[str]:
    """One database after the other: a test file whose `url` is this one runs on both."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    else:
        with request.getfixturevalue("postgres").database() as url:
            yield url


@pytest.fixture
async def store(url):
    store = Store.open(url)
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture(scope="session")
def key_of() -> Callable[..., KeyRow]:
    def build(number: int = 1, **changes: object) -> KeyRow:
        secret = f"kg_live_{number:04d}secret"
        built = KeyRow(
            id=f"key-{number}",
            name=f"name-{number}",
            digest=hashlib.sha256(secret.encode()).hexdigest(),
            prefix=secret[:12],
            owner="owner",
            models=(),
            created_at=NOW + number,
        )
        return msgspec.structs.replace(built, **changes)

    return build


@pytest.fixture(scope="session")
def entry_of() -> Callable[..., Entry]:
    def build(number: int = 0, **changes: object) -> Entry:
        about = Attribution(
            key_id="key-1",
            owner="owner",
            requested_model="small",
            model="openai/gpt-5",
            upstream="openai",
            upstream_model="gpt-5",
            dialect="openai_chat",
            operation="chat",
            is_streamed=True,
            client_version=4.51,
        )
        theirs = {name: changes.pop(name) for name in set(changes) & set(about.__struct_fields__)}
        opening = Opening(
            id=f"{number:026d}",
            call_id=f"call-{number}",
            attempt=1,
            opened_at=NOW,
            estimated_input_tokens=77,
            session=None,
            message=None,
            attribution=sealed(msgspec.structs.replace(about, **theirs)),
        )
        entry = Entry(
            opening=opening,
            closed_at=NOW + 1,
            outcome="ok",
            status=200,
            usage=Usage(1000, 10, raw=b'{"prompt_tokens":1000}'),
            cost_nanodollars=500,
            price_source="config",
            price_since="2026-01-01",
            first_byte_ms=20,
            duration_ms=900,
            upstream_request_id="req-1",
            finish_reason="stop",
            has_error=False,
        )
        ours = {name: changes.pop(name) for name in set(changes) & set(Opening.__struct_fields__)}
        return msgspec.structs.replace(
            entry, opening=msgspec.structs.replace(opening, **ours), **changes
        )

    return build
