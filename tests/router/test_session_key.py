"""Which conversation a call goes on with: what real clients send, and how conversations begin."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.call import Call, Hints
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.router.session_key import _TOKEN, named_session, session_of

ASK = {"role": "user", "content": 'Say "user" or [{'}
REPLY = {"role": "assistant", "content": "Yes?"}
MORE = {"role": "user", "content": "More"}
SYSTEM = {"role": "system", "content": 'You serve the \\"user\\". '}


def make(body, dialect="openai_chat", headers=None, hints=None):
    fields = read_fields(msgspec.json.encode(body))
    return Call(
        "c",
        dialect,
        "chat",
        "m",
        fields,
        9,
        False,
        0.0,
        0.0,
        headers=headers or {},
        hints=hints or Hints(),
    )


def key(body, owner="ann", **facts):
    return session_of(make(body, **facts), owner).key


def goes_on(body, **facts):
    return session_of(make(body, **facts), "ann").goes_on


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({b"x-session-id": b"s1"}, {}, "s1"),
        ({b"x-session-affinity": b"s2"}, {}, "s2"),
        ({b"x-claude-code-session-id": b"s3"}, {}, "s3"),
        ({b"session-id": b"s4"}, {}, "s4"),
        ({b"session_id": b"s5"}, {"prompt_cache_key": "other"}, "s5"),
        ({}, {"prompt_cache_key": "s6"}, "s6"),
        ({}, {"session_id": "s7"}, "s7"),
        ({}, {"session_id": ""}, ""),
        ({}, {"session_id": 7}, ""),
        ({b"x-session-id": b""}, {}, ""),
        ({}, {}, ""),
    ],
)
def test_the_id_that_clients_send(headers, body, expected):
    assert named_session(make(body, headers=headers)) == expected


def test_kilos_own_header_comes_as_a_hint():
    assert named_session(make({}, hints=Hints(session="task"))) == "task"


def test_an_id_of_any_length_is_cut():
    assert len(named_session(make({}, headers={b"x-session-id": b"x" * 5000}))) == 200
    assert len(named_session(make({"session_id": "x" * 5000}))) <= 201


def test_the_id_counts_and_not_what_is_said():
    headers = {b"x-session-id": b"s"}
    assert key({"messages": [ASK]}, headers=headers) == key({"messages": [MORE]}, headers=headers)


def test_owners_share_no_conversation():
    assert key({"messages": [ASK]}) != key({"messages": [ASK]}, owner="bob")


@pytest.mark.parametrize(
    ("dialect", "first", "later"),
    [
        ("openai_chat", {"messages": [ASK]}, {"messages": [ASK, REPLY, MORE]}),
        ("openai_chat", {"messages": [SYSTEM, ASK]}, {"messages": [SYSTEM, ASK, REPLY, MORE]}),
        ("anthropic_messages", {"system": "s", "messages": [ASK]}, {"system": "s", "messages": [ASK, REPLY]}),
        ("openai_responses", {"instructions": "i", "input": [ASK]}, {"instructions": "i", "input": [ASK, REPLY]}),
        ("gemini", {"contents": [{"role": "user", "parts": [{"text": "a"}]}]},
         {"contents": [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": []}]}),
    ],
)  # fmt: skip
def test_a_conversation_is_the_same_in_every_turn_of_every_dialect(dialect, first, later):
    assert key(first, dialect=dialect) == key(later, dialect=dialect)


@pytest.mark.parametrize(
    "other",
    [
        {"messages": [MORE]},
        {"messages": [SYSTEM, ASK]},
        {"system": "s", "messages": [ASK]},
        {"messages": [{"role": "user", "content": 'Say "user" or [{ '}]},
    ],
)
def test_other_beginnings_are_other_conversations(other):
    assert key({"messages": [ASK]}) != key(other)


def test_the_content_may_come_before_the_role():
    ask = {"content": "a", "role": "user"}
    assert key({"messages": [ask]}) == key({"messages": [ask, {"content": "b", "role": "user"}]})


def test_a_long_beginning_is_cut_and_still_the_same_in_every_turn():
    long = {"role": "user", "content": 'x" [' * 50_000}
    assert key({"messages": [long]}) == key({"messages": [long, REPLY, MORE]})
    assert goes_on({"messages": [{"role": "user", "content": "x" * 300_000}]})  # who knows


message = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "assistant"]), "content": st.text(max_size=40)}
)
asking = st.fixed_dictionaries(
    {"role": st.just("user"), "content": st.text(max_size=40) | st.lists(st.text(max_size=9))}
)


@given(st.lists(message, max_size=2), asking, st.lists(message | asking, max_size=3))
def test_what_comes_after_the_first_words_of_the_user_makes_no_difference(before, ask, after):
    assert key({"messages": [*before, ask]}) == key({"messages": [*before, ask, *after]})


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_have_a_key(data):
    call = Call(
        "c", "openai_chat", "chat", "m", {"messages": msgspec.Raw(b"[" + data)}, 9, False, 0.0, 0.0
    )
    assert len(session_of(call, "ann").key) == 32


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"messages": [ASK]}, False),
        ({"messages": [SYSTEM, ASK]}, False),
        ({"messages": [ASK, REPLY, MORE]}, True),
        ({"input": "hello"}, False),
        ({"messages": [ASK], "session_id": "s"}, True),
        ({"messages": []}, False),
        ({"messages": [{"role": "system", "content": "x" * 99_000}, ASK]}, False),
        ({"messages": [{"role": "system", "content": "x" * 99_000}, ASK, REPLY]}, True),
        ({}, False),
    ],
)
def test_a_first_question_goes_on_with_nothing_unless_its_client_says_so(body, expected):
    assert goes_on(body) is expected


@pytest.mark.parametrize("text", ['\\"', "\\\\", "[", "]", "{'", '\\"user\\"'])
def test_a_string_without_end_is_taken_whole(text):
    """A pattern that gave up at its end would begin anew at each of its quotes, and need millions of steps."""
    found = _TOKEN.match(b'"' + text.encode() * 4000)
    assert found.end() == 1 + len(text) * 4000


def test_agents_with_long_instructions_have_conversations_all_the_same():
    system = {"role": "system", "content": "You are an agent. " * 3000}
    one, other = ({"messages": [system, {"role": "user", "content": text}]} for text in "ab")
    assert key(one) != key(other)
    assert key(one) == key({"messages": [*one["messages"], REPLY, MORE]})
