"""The black-box cases of the wire contract, by their numbers: requests (A, B, C). Rows say where our decisions differ."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.journeys.rig import BASES, Rig, opened
from tests.talk import (
    CHAT,
    DONE,
    chat,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with opened(tmp_path_factory.mktemp("rig")) as rig:
        yield rig


@dataclass
class Refusal:
    """A request that is answered without asking the upstream. `says` must be in the message."""

    id: str
    body: Any = None
    status: int = 400
    error_type: str = "invalid_request"
    says: str = ""
    path: str = CHAT
    headers: dict[str, str] = field(default_factory=dict)


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in chat().items() if key != name}


REFUSALS = [
    *(
        Refusal(f"A3 POST {base}/unknown", chat(), 400, "invalid_path", path=f"{base}/unknown")
        for base in BASES
    ),
    Refusal("A5 no model", _without("model"), 404, "model_not_found"),
    *(
        Refusal(f"A5 model {model!r}", chat() | {"model": model}, 404, "model_not_found")
        for model in ("", "   ", 42)
    ),
    Refusal("A6 no messages", _without("messages"), says="messages"),
    Refusal("A6 messages an object", chat(messages={}), says="messages"),
    Refusal("A6 messages a string", chat(messages="Hi"), says="messages"),
    Refusal(
        "A12 providerOptions",
        chat(providerOptions={"gateway": {"only": ["anthropic"]}}),
        400,
        "unsupported_field",
        says="provider",
    ),
    Refusal("A13 data_collection", chat(provider={"data_collection": "invalid"}), says="provider"),
    Refusal("A13 zdr", chat(provider={"zdr": "true"}), says="provider"),
    # The public gateway answers 503 here; decisions.md 2 makes it a 400.
    Refusal("A17 max_tokens (ours: 400)", chat(max_tokens=100_000_000_000), says="max_tokens"),
    Refusal("A21", chat("not-a-real-model"), 404, "model_not_found", says="not-a-real-model"),
    # Ours asks for a key for every model, free ones included: nobody is served anonymously.
    Refusal(
        "B1 no key",
        chat(),
        401,
        "paid_model_auth_required",
        headers={"authorization": ""},
    ),
    Refusal(
        "B3 Bearer anonymous (ours: 401)",
        chat(),
        401,
        "paid_model_auth_required",
        headers={"authorization": "Bearer anonymous"},
    ),
    Refusal(
        "B5 not a key of ours",
        chat(),
        401,
        "authentication_required",
        headers={"authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc"},
    ),
    Refusal(
        "B5 unknown key",
        chat(),
        401,
        "authentication_required",
        headers={"authorization": "Bearer kg_live_" + "0" * 49},
    ),
    Refusal("N12 embeddings, input null", {"model": "m", "input": None}, path="/v1/embeddings"),
    Refusal("not JSON", b'{"model": "m",', says="JSON"),
    Refusal("not an object", b"[1]", says="object"),
    Refusal("empty", b"", says="empty"),
    Refusal("not UTF-8", b'{"model": "\xff"}', says="UTF-8"),
]


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.id)
async def test_refused_before_upstream_is_asked(rig: Rig, row: Refusal) -> None:
    before = len(rig.upstream.requests)
    answer = await rig.ask(row.body, path=row.path, headers=row.headers)
    body = answer.json()
    assert (answer.status, body["error_type"]) == (row.status, row.error_type)
    assert row.says in body["error"]["message"] == body["message"]
    assert len(rig.upstream.requests) == before


async def test_b1_code_and_b5_challenge(rig: Rig) -> None:
    missing = await rig.ask(chat(), headers={"authorization": "Bearer anonymous"})
    wrong = await rig.ask(chat(), headers={"authorization": "Bearer kg_live_wrong"})
    assert missing.json()["error"]["code"] == "PAID_MODEL_AUTH_REQUIRED"
    assert missing.headers["www-authenticate"] == "Bearer"
    assert wrong.json()["error"]["code"] == "INVALID_TOKEN"
    assert wrong.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert "kg_live_wrong" not in wrong.body.decode()


@pytest.mark.parametrize("header", ["x-api-key", "x-goog-api-key", "api-key"])
async def test_the_key_may_come_in_other_headers(rig: Rig, header: str) -> None:
    headers = {"authorization": "", header: rig.gateway.key}
    assert (await rig.ask(chat(), headers=headers)).status == 200


async def test_a_key_for_some_models_is_refused_the_others(rig: Rig) -> None:
    headers = {"authorization": f"Bearer {rig.narrow_key}"}
    answer = await rig.ask(chat("headers"), headers=headers)
    assert (answer.status, answer.error_type) == (404, "model_not_allowed")
    assert (await rig.ask(chat("m"), headers=headers)).status == 200


@pytest.mark.parametrize("base", BASES)
async def test_one_handler_set_under_every_prefix(rig: Rig, base: str) -> None:
    for path in (f"{base}/chat/completions", f"{base}/chat/completions/"):
        assert (await rig.ask(chat(), path=path)).status == 200


async def test_a16_a_call_that_is_not_streamed_gets_no_stream_options(rig: Rig) -> None:
    await rig.ask(chat() | {"stream": False})
    assert "stream_options" not in rig.body
    await rig.ask(chat(stream=True, stream_options={"other": 1}))
    assert rig.body["stream_options"] == {"other": 1, "include_usage": True}


async def test_a18_the_largest_max_tokens_passes(rig: Rig) -> None:
    assert (await rig.ask(chat(max_tokens=99_999_999_999))).status == 200
    assert rig.body["max_tokens"] == 99_999_999_999


@dataclass
class Attribution:
    """A request header, and what the usage row holds of it."""

    id: str
    header: str
    value: str
    column: str
    expected: Any


ATTRIBUTION = [
    Attribution("C1", "x-kilocode-feature", " VSCode-Extension ", "feature", "vscode-extension"),
    Attribution("C1 unknown", "x-kilocode-feature", "no-such-thing", "feature", None),
    Attribution("C3", "user-agent", "curl/8", "feature", "direct-gateway"),
    Attribution("C10", "x-kilocode-projectid", "a" * 300, "project", "a" * 256),
    # HTTP itself takes the blanks off the ends of a value: what the public gateway keeps never arrives.
    Attribution("C11 (blanks never arrive)", "x-kilocode-projectid", "   ", "project", None),
    Attribution(
        "project of a URL",
        "x-kilocode-projectid",
        "https://github.com/Kilo-Org/kilocode.GIT",
        "project",
        "kilocode",
    ),
    Attribution("C12", "x-kilocode-machineid", "m" * 600, "machine", "m" * 500),
    Attribution("C13 blank", "x-kilocode-taskid", "   ", "session", None),
    Attribution("C13 given", "x-kilocode-taskid", " t1 ", "session", "t1"),
    Attribution("C14", "user-agent", "Kilo-Code/4.65.3 (Mac OS X)", "client_version", 4.065003),
    Attribution("C14 lower case", "user-agent", "kilo-code/4.65.3", "client_version", None),
    Attribution("C14 beta", "user-agent", "Kilo-Code/4.82.0beta", "client_version", None),
    Attribution("C14 -beta", "user-agent", "Kilo-Code/4.82.0-beta", "client_version", 4.082),
]


async def test_c_headers_become_attribution_in_the_usage_row(rig: Rig) -> None:
    for number, row in enumerate(ATTRIBUTION):
        await rig.ask(chat(), call=f"attribution-{number}", headers={row.header: row.value})
    await rig.row(f"attribution-{len(ATTRIBUTION) - 1}")
    found = {
        row.id: (await rig.row(f"attribution-{number}"))[row.column]
        for number, row in enumerate(ATTRIBUTION)
    }
    assert found == {row.id: row.expected for row in ATTRIBUTION}


async def test_c21_only_the_request_id_of_upstreams_headers_is_passed_on(rig: Rig) -> None:
    answer = await rig.ask(chat("headers"), call="call-c21")
    assert answer.headers["request-id"] == "r1"
    assert answer.headers["x-request-id"] == "call-c21"
    assert answer.headers["content-encoding"] == "identity"
    assert "x-secret" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_an_alias_routes_to_its_model(rig: Rig) -> None:
    answer = await rig.ask(chat("team/best"))
    assert (answer.status, answer.headers["x-kilo-model"]) == (200, "m")
    assert rig.body["model"] == "m"


async def test_further_models_stay_here_and_are_fallen_back_to(rig: Rig) -> None:
    answer = await rig.ask(chat("not-there", models=["m"]))
    assert answer.status == 200
    assert "models" not in rig.body


async def test_usage_is_asked_for_and_shown_to_those_who_asked(rig: Rig) -> None:
    unasked = await rig.ask(chat(stream=True))
    asked = await rig.ask(chat(stream=True, stream_options={"include_usage": True}))
    assert b'"usage":{' not in unasked.body
    assert b'"prompt_tokens":11' in asked.body
    for answer in (unasked, asked):
        assert answer.body.endswith(DONE)


async def test_only_our_own_credential_goes_upstream(rig: Rig) -> None:
    await rig.ask(chat(), headers={"x-api-key": rig.gateway.key, "cookie": "a=b"})
    head = rig.upstream.requests[-1].head.lower()
    assert b"authorization: bearer upstream-secret-key" in head
    assert b"kg_live_" not in head
    assert b"cookie" not in head
