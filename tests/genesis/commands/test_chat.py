"""`genesis chat` between pipes: which conversation it takes, and how it ends."""

import pytest
import typer
from typer.testing import CliRunner

from genesis.commands import chat
from genesis.core.fault import ConfigError
from genesis.daemon import client
from genesis.session.local import LocalConversation


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command with a text as input, in a home of its own, where no daemon runs."""
    monkeypatch.delenv("KILOCODE_API_KEY", raising=False)
    monkeypatch.setenv("GENESIS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    async def nobody(_paths, _loaded):
        return None

    monkeypatch.setattr(client, "attach", nobody)
    app = typer.Typer()
    app.callback()(lambda: None)
    chat.register(app)
    return lambda text, *options: CliRunner().invoke(app, ["chat", *options], input=text)


def test_a_command_is_answered_in_process(run):
    result = run("/models kilocode\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "- kilocode/kilo/auto" in result.stdout.splitlines()


def test_without_a_key_people_read_what_to_do(run):
    result = run("hi\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("⚠️ Missing API key for the selected provider")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--session", "nope"], "nope"),
        (["--resume"], ""),
        (["--model", "/"], 'Unrecognized model "/"'),
        (["--thinking", "bogus"], "bogus"),
        (["--workspace", "gone"], "gone"),
    ],
)
def test_what_cannot_be_is_an_error(options, words, run):
    result = run("hi\n", *options)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert words in result.stderr


def test_an_unusable_config_is_an_error(run, tmp_path):
    (tmp_path / ".genesis").mkdir()
    (tmp_path / ".genesis" / "genesis.json").write_text("{ nonsense: 1 }")
    result = run("hi\n")
    assert isinstance(result.exception, ConfigError)  # main says it
    assert result.exception.message.startswith("Invalid config at ~/.genesis/genesis.json")


def test_the_daemon_is_asked_if_it_runs(run, monkeypatch):
    attached = []

    class Daemon(LocalConversation):
        def __init__(self):
            """Answers only what is asked here."""

        async def open(self, session_id, workspace=""):
            attached.append(workspace)
            return client.SessionView("d1")

        async def models_text(self, arguments):
            return "of the daemon"

        def leave(self):
            """Nobody does."""

        async def aclose(self):
            attached.append("closed")

    async def there(_paths, _loaded):
        return Daemon()

    monkeypatch.setattr(client, "attach", there)
    assert run("/models", "--workspace", "/srv/x").stdout == "of the daemon\n"
    assert attached == ["/srv/x", "closed"]
    assert run("/models", "--local").stdout.startswith("Providers:")
