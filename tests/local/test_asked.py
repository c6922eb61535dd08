"""What is read of a request body."""

import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.local.asked import read_asked


def test_parts_and_plain_texts_are_read() -> None:
    asked = read_asked(
        b'{"model":"echo","messages":[{"role":"system","content":"be"},{"role":"user","content":'
        b'[{"type":"text","text":"one"},{"type":"image_url","image_url":{}},{"text":"two"}]}]}',
        "messages",
    )
    assert asked.texts == ["be", "one two"]
    assert asked.last_user_text == "one two"


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        (b'"a b"', ["a b"]),
        (b'["a","b"]', ["a", "b"]),
        (b"[1,2]", ["1 2"]),
        (b"[[1,2],[3]]", ["1 2", "3"]),
    ],
)
def test_every_form_of_input_is_a_list_of_texts(given: bytes, texts: list[str]) -> None:
    assert read_asked(b'{"input":' + given + b"}", "input").texts == texts


def test_max_completion_tokens_wins() -> None:
    asked = read_asked(b'{"prompt":"a","max_tokens":9,"max_completion_tokens":3}', "prompt")
    assert asked.token_limit == 3


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        (b'"auto"', "first"),
        (b'{"type":"function","function":{"name":"second"}}', "second"),
        (b'"none"', None),
    ],
)
def test_tool_choice_says_which_function_is_called(choice: bytes, name: str | None) -> None:
    body = (
        b'{"messages":[],"tools":[{"type":"function","function":{"name":"first"}},{"type":"web"},'
        b'{"type":"function","function":{"name":"second"}}],"tool_choice":' + choice + b"}"
    )
    chosen = read_asked(body, "messages").chosen_function
    assert (chosen.name if chosen else None) == name


def test_no_function_is_called_after_its_result() -> None:
    body = b'{"messages":[{"role":"tool","content":"7"}],"tools":[{"function":{"name":"first"}}]}'
    assert read_asked(body, "messages").chosen_function is None


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"messages":5}', b'{"model":"echo"}', b"\xff"]
)
def test_an_unreadable_body_is_the_callers_fault(body: bytes) -> None:
    with pytest.raises(Fault) as caught:
        read_asked(body, "messages")
    assert caught.value.status == 400


def test_too_many_inputs_are_refused() -> None:
    with pytest.raises(Fault, match="2048"):
        read_asked(b'{"input":[' + b",".join([b'"a"'] * 2_049) + b"]}", "input")
