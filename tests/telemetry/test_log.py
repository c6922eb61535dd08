"""Log lines: one line an event, no secret in it, and a sink that stands still loses lines rather than calls."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.secret import Secret
from kilo_gateway.keys.secret import mint
from kilo_gateway.telemetry.log import (
    _OUR_CALL,
    _SECRETS,
    BUFFER_LINES,
    LEVELS,
    AttemptLine,
    Log,
    may_hold_secret,
    strike,
)
from tests.clocks import StillClock

CANARY = "c4NaRyQ7w9Zx3Lm5Pt8Vb2"
KEYS = [
    mint().key,
    "kg_test_" + CANARY,
    "sk-" + CANARY,  # OpenAI (old), DeepSeek, Moonshot
    "sk-proj-" + CANARY,
    "sk-ant-api03-" + CANARY + "_-AA",
    "sk-or-v1-" + CANARY,
    "gsk_" + CANARY,  # Groq
    "xai-" + CANARY,
    "pplx-" + CANARY,
    "csk-" + CANARY,  # Cerebras
    "fw_" + CANARY,  # Fireworks
    "r8_" + CANARY,  # Replicate
    "hf_" + CANARY,
    "tgp_v1_" + CANARY,  # Together
    "nvapi-" + CANARY,
    "vck_" + CANARY,  # Vercel
    "ghp_" + CANARY,
    "gho_" + CANARY,
    "github_pat_" + CANARY,
    "AIza" + CANARY,  # Google
    "ya29." + CANARY,
    "AKIA" + "QWERTYUIOP123456",
    "eyJhbGciOiJIUzI1NiJ9.eyJjNE5hUnkiOjF9." + CANARY,
]
PLACES = [
    "{}",
    "Incorrect API key provided: {}.",
    "Authorization: Bearer {}",
    'the header "Bearer {}" was refused',
    "GET /v1beta/models?key={}&x=1",
    '{{"error":{{"message":"bad key {}"}}}}',
    "first line\nsecond {}\nthird",
]


def lines_of(*, form, **fields):
    taken = []
    log = Log(taken.append, StillClock(0.0), form=form)
    log.write("info", "event", **fields)
    log.flush()
    return "".join(taken)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:6])
def test_no_vendors_key_reaches_a_line(form, place, key):
    line = lines_of(form=form, detail=place.format(key))
    assert "[secret]" in line
    assert key not in line
    assert key[-12:] not in line


def attempt_line(*, form, **texts):
    taken = []
    log = Log(taken.append, StillClock(0.0), form=form)
    facts = {"call": "req_1", "model": "small"} | texts
    line = AttemptLine(
        key="k1",
        operation="chat",
        deployment="a/m",
        number=1,
        outcome="ok",
        duration_ms=5,
        **facts,
    )
    log.write_attempts([line])
    log.flush()
    return "".join(taken)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("fact", ["call", "model", "detail"])
@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:6])
def test_no_vendors_key_reaches_the_line_of_an_attempt(form, fact, key):
    line = attempt_line(form=form, **{fact: f"bad key {key}."})
    assert "[secret]" in line
    assert key[-12:] not in line


def test_the_line_of_an_attempt_tells_what_is_known():
    line = msgspec.json.decode(attempt_line(form="json"))
    assert (
        line.items() >= {"event": "attempt", "call": "req_1", "key": "k1", "outcome": "ok"}.items()
    )
    assert "status" not in line
    assert "status=-" in attempt_line(form="console")


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "text", [f"Bearer {CANARY}", f"bearer {CANARY}", f"https://ann:{CANARY}@proxy.example:3128/"]
)
def test_a_credential_without_a_known_form_is_struck_out_by_its_place(form, text):
    assert CANARY not in lines_of(form=form, detail=text)


def test_a_secret_put_into_a_line_by_mistake_shows_asterisks():
    assert CANARY not in lines_of(form="console", detail=f"{Secret(CANARY)}")


@pytest.mark.parametrize(
    "text",
    [
        "openai/gpt-5-mini",
        "jina/jina-embeddings-v3",
        "local/smollm2-135m-instruct",
        "deepseek/deepseek-chat",
        "01JAB3CDEFGHJKMNPQRSTVWXYZ",
        "req_5f2d8c1e",
        "rate_limit_exceeded",
        "https://api.example/v1/chat/completions",
        "bearer of bad news"[:6],
    ],
)
def test_ordinary_facts_are_left_as_they_are(text):
    assert strike(text) == text


any_text = st.text(alphabet=st.characters())  # halves of surrogate pairs too
ugly_text = st.lists(
    st.sampled_from(
        ['"', "\\", "\n", "\x00", "\x1b[31m", "Bearer ", "key=", "?key=", "sk-", CANARY]
    )
    | any_text
).map("".join)


@given(ugly_text)
def test_a_json_line_is_one_line_of_json_whatever_the_fact(text):
    line = lines_of(form="json", detail=text)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert msgspec.json.decode(line)["event"] == "event"


@given(ugly_text)
def test_a_console_line_is_one_printable_line_whatever_the_fact(text):
    line = lines_of(form="console", detail=text)
    assert line.endswith("\n")
    assert line[:-1].isprintable()


@given(st.sampled_from(["call", "model", "detail"]), ugly_text)
def test_the_line_of_an_attempt_is_one_line_whatever_the_fact(fact, text):
    line = attempt_line(form="json", **{fact: text})
    assert line.count("\n") == 1
    assert msgspec.json.decode(line)["event"] == "attempt"
    assert attempt_line(form="console", **{fact: text})[:-1].isprintable()


@given(ugly_text)
def test_the_quick_look_finds_whatever_the_pattern_would_strike(text):
    assert may_hold_secret(text) or not _SECRETS.search(text)


@given(st.from_regex(_OUR_CALL.__self__, fullmatch=True))
def test_a_call_id_of_our_own_is_never_taken_for_a_secret(call):
    assert not _SECRETS.search(call)
    assert call.isascii()
    assert call in attempt_line(form="console", call=call)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:6])
def test_a_model_that_names_a_key_is_struck_out_each_time(form, key):
    taken = []
    log = Log(taken.append, StillClock(0.0), form=form)
    for model in ("small", key, "small", key):
        log.write_attempts([AttemptLine("req_1", "k1", "chat", model, "a/m", 1, "ok", 5)])
    log.flush()
    assert taken[0].count("small") == 2
    assert key[-12:] not in taken[0]


def test_the_models_known_by_heart_are_bounded():
    log = Log(len, StillClock(0.0))
    for number in range(3000):
        log.write_attempts([AttemptLine("c", "k", "chat", f"m{number}", "a/m", 1, "ok", 5)])
    assert len(log._plain) <= 1000


@pytest.mark.parametrize("fact", ["call", "model", "detail"])
def test_a_huge_fact_of_an_attempt_is_cut(fact):
    assert len(attempt_line(form="json", **{fact: "x" * 1_000_000})) < 10_000


def test_a_huge_fact_is_cut_and_the_line_is_still_json():
    line = lines_of(form="json", detail="x" * 1_000_000, tail="y" * 1_000_000)
    assert len(line) < 10_000
    assert msgspec.json.decode(line)["detail"].endswith("…")


def test_a_json_line_tells_time_level_event_and_facts():
    assert msgspec.json.decode(lines_of(form="json", number=1, ratio=0.5, is_on=True)) == {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "info",
        "event": "event",
        "number": 1,
        "ratio": 0.5,
        "is_on": True,
    }


def test_a_console_line_is_for_people():
    assert (
        lines_of(form="console", model="small", note="two words", took_s=0.123456)
        == "00:00:00 info    event  model=small note='two words' took_s=0.1235\n"
    )


@pytest.mark.parametrize("form", ["json", "console"])
def test_facts_that_are_absent_are_left_out(form):
    assert "status" not in lines_of(form=form, status=None)


@pytest.mark.parametrize("threshold", LEVELS)
def test_lines_below_the_threshold_are_not_written(threshold):
    taken = []
    log = Log(taken.append, StillClock(), level=threshold)
    for level in LEVELS:
        log.write(level, f"was-{level}")
    log.flush()
    shown = [level for level in LEVELS if f"was-{level}" in taken[0]]
    assert shown == list(LEVELS[LEVELS.index(threshold) :])


def test_nothing_reaches_the_sink_before_a_flush_and_then_everything_at_once():
    taken = []
    log = Log(taken.append, StillClock())
    log.write("info", "one")
    log.write("info", "two")
    assert taken == []
    log.flush()
    log.flush()
    assert len(taken) == 1
    assert taken[0].count("\n") == 2


def test_what_does_not_fit_is_counted_and_told():
    taken = []
    log = Log(taken.append, StillClock())
    for _ in range(BUFFER_LINES + 3):
        log.write("info", "event")
    log.flush()
    assert taken[0].count("\n") == BUFFER_LINES + 1
    assert taken[0].endswith("log lines dropped  count=3\n")
    log.write("info", "again")
    log.flush()
    assert "dropped" not in taken[1]
