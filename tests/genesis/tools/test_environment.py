"""What commands see of the environment."""

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
