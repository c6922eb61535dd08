"""What commands see of the environment."""

import pytest

from genesis.core.secret import Secret
from genesis.tools.environment import without_keys


def test_keys_and_own_variables_are_left_out() -> None:
    environ = {
        "PATH": "/bin",
        "GITHUB_TOKEN": "g",
        "KILOCODE_API_KEY": "k",
        "GENESIS_GATEWAY_TOKEN": "t",
        "OPENAI_API_KEY": "o",
        "ANTHROPIC_AUTH_TOKEN": "a",
        "MY_LLM": "m",
        "COPY": " the-key ",
    }
    kept = without_keys(environ, ["MY_LLM"], [Secret("the-key")])
    assert kept == {"PATH": "/bin", "GITHUB_TOKEN": "g"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AZURE_OPENAI_API_KEY_2", "x"),
        ("OPENAI_APIKEY", "x"),
        ("openai_key", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("HF_ACCESS_TOKEN", "x"),
        ("LLM", "sk-ant-api03-0123456789abcdef"),
        ("LLM", "kg_live_0123456789abcdef"),
        ("HEADERS", "Authorization: Bearer sk-0123456789abcdef0123"),
        ("HEADERS", "Authorization: Bearer the-long-key"),
        ("URL", "https://user:the-long-key@host/"),
    ],
)
def test_no_key_reaches_a_command_in_disguise(name: str, value: str) -> None:
    assert without_keys({name: value}, [], [Secret("the-long-key"), Secret("x")]) == {}


def test_what_projects_need_stays() -> None:
    environ = {"PGPASSWORD": "p", "SSH_AUTH_SOCK": "/s", "KEYBOARD": "k", "MONKEY_ISLAND": "m", "TASK": "task-sk-1", "A": "x1"}  # fmt: skip
    assert without_keys(environ, [], [Secret("x")]) == environ
