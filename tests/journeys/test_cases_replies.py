"""The black-box cases of the wire contract, by their numbers: replies, usage and lists (J to M). Rows say where our decisions differ."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from kilo_gateway.core.money import microdollars, nanodollars_from_usd
from tests.journeys.rig import BASES, OVERFLOW, Rig, error_body, opened
from tests.talk import (
    Client,
    chat,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with opened(tmp_path_factory.mktemp("rig")) as rig:
        yield rig


@dataclass
class Mapped:
    """What the client gets of an upstream's refusal. `body`: None if it is our own words, else what it must equal."""

    id: str
    model: str
    status: int
    error_type: str | None
    body: Any = None
    hidden: str = ""


MAPPED = [
    Mapped("J16 cut in its body", "j16-cut", 503, "upstream_disconnect"),
    Mapped("K1 402", "k1-402", 503, "temporarily_unavailable", hidden="acct-4711"),
    # The public gateway passes a 401 on unchanged; decisions.md 2: nothing of an upstream's key or account leaks.
    Mapped("K4 401 (ours: hidden)", "k4-401", 502, "upstream_error", hidden="canary"),
    Mapped("K4 403 (ours: hidden)", "k4-403", 502, "upstream_error", hidden="canary"),
    Mapped(
        "K8 K9 overflow",
        "k8-overflow",
        400,
        "context_length_exceeded",
        error_body(OVERFLOW) | {"foo": 42, "error_type": "context_length_exceeded"},
    ),
    Mapped(
        "K10 overflow, error a string",
        "k10-overflow",
        400,
        "context_length_exceeded",
        {
            "error": "maximum context length is 128000 tokens",
            "error_type": "context_length_exceeded",
        },
    ),
    Mapped(
        "K11 another shape",
        "k11-detail",
        400,
        None,
        {"detail": "maximum context length is 128 tokens"},
    ),
    # The public gateway passes a text on; ours answers JSON on every path (decisions.md 2).
    Mapped("K11 plain text (ours: JSON)", "k11-text", 400, "upstream_error"),
    # The public gateway passes a 500 on; ours tried elsewhere first and says in its own words that none was left.
    Mapped("K13 500 (ours: 502)", "k13-500", 502, "upstream_error", hidden="vendor trouble"),
    Mapped("K18 refused", "k18-refused", 503, "upstream_disconnect"),
]


@pytest.mark.parametrize("row", MAPPED, ids=lambda row: row.id)
async def test_what_the_client_sees_of_upstreams_errors(rig: Rig, row: Mapped) -> None:
    answer = await rig.ask(chat(row.model))
    assert answer.status == row.status
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.get("error_type") == row.error_type
    if row.body is not None:
        assert body == row.body
    else:
        assert body["error"]["message"] == body["message"]
    if row.hidden:
        assert row.hidden not in answer.body.decode()


async def test_l5_a_stream_that_holds_only_anerror_body(rig: Rig) -> None:
    """The public gateway streams the error; ours had not begun to answer and can still say it with a status."""
    answer = await rig.ask(chat("l5-error", stream=True), call="call-l5")
    row = await rig.row("call-l5")
    assert (answer.status, answer.error_type) == (503, "temporarily_unavailable")
    assert (row["model"], bool(row["has_error"])) == ("l5-error", True)
    assert row["cost_nanodollars"] == 0
    assert not row["input_tokens"]
    assert not row["output_tokens"]


L12 = {0.123456: 123456, 1: 1_000_000, 0: 0, 0.00000099: 1, 0.1234567: 123457}


async def test_l12_upstreams_dollars_become_microdollars_half_up(rig: Rig) -> None:
    found = {}
    for cost in L12:
        await rig.ask(chat(f"l12-{cost}"), call=f"call-l12-{cost}")
    for cost in L12:
        row = await rig.row(f"call-l12-{cost}")
        found[cost] = microdollars(row["cost_nanodollars"])
    assert found == L12
    assert microdollars(nanodollars_from_usd(0.0849 / 20)) == 4245


L28 = {
    "length": True,
    "stop": False,
    "tool_calls": False,
    "content_filter": True,
    "unheard_of": False,
}


async def test_l28_finish_reasons_that_count_as_errors(rig: Rig) -> None:
    found = {}
    for reason in L28:
        await rig.ask(chat(f"l28-{reason}"), call=f"call-l28-{reason}")
    for reason in L28:
        row = await rig.row(f"call-l28-{reason}")
        assert row["finish_reason"] == reason
        found[reason] = bool(row["has_error"])
    assert found == L28


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer broken"}, {"authorization": "Bearer anonymous"}],
    ids=["M1 no key", "M2 broken key", "M2 anonymous"],
)
async def test_m1_m2_the_list_of_models_needs_no_key(rig: Rig, headers: dict[str, str]) -> None:
    async with Client(rig.gateway) as client:
        for base in BASES:
            answer = await client.get(f"{base}/models", headers)
            assert answer.status == 200
    rows = {row["id"]: row for row in answer.json()["data"]}
    assert {"kilo/auto", "m"} <= rows.keys()
    for row in rows.values():
        assert all(isinstance(price, str) for price in row["pricing"].values())


async def test_m3_preferred_models_come_first(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        rows = (await client.get("/v1/models")).json()["data"]
    places = [row["preferredIndex"] for row in rows if "preferredIndex" in row]
    assert places == list(range(len(places)))
    assert "preferredIndex" in rows[0]
    assert all("preferredIndex" not in row for row in rows[len(places) :])


async def test_m12_a_key_for_some_models_lists_those(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        answer = await client.get("/v1/models", {"authorization": f"Bearer {rig.narrow_key}"})
    assert {row["id"] for row in answer.json()["data"]} - {"kilo/auto"} == {"m"}


async def test_m14_an_unknown_model_is_404(rig: Rig) -> None:
    async with Client(rig.gateway) as client:
        for path in ("/v1/models/a/b/endpoints", "/v1/models/nobody/knows", "/v1/model"):
            answer = await client.get(path)
            assert answer.status == 404
            assert answer.json()["error"]["message"]
        assert (await client.get("/v1/models/m")).json()["id"] == "m"
