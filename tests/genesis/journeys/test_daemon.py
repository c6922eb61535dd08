"""Two terminals share the sessions of a daemon, against a real gateway."""

import shutil

import msgspec
import pytest

from tests.gateways import process, wait_for_model
from tests.genesis.journeys.person import GENESIS, Person
from tests.genesis.journeys.terminal import terminal

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed: no terminal to drive"
)
CONFIG = "[simulator]\nenabled = true\n"


def test_two_terminals_share_a_session(tmp_path):
    with process(tmp_path / "gateway", CONFIG) as gateway:
        wait_for_model(gateway, "sim/echo")
        person = Person(tmp_path / "person", gateway)
        code, _, err = person.genesis("gateway", "start")
        assert code == 0, err
        try:
            _journey(person)
        finally:
            person.genesis("gateway", "stop")


def _journey(person):
    chat = [*GENESIS, "chat"]
    with terminal(person.project, chat, person.environ) as one:
        one.say("from the first terminal")
        one.wait_for("You said: from the first terminal")
        one.say("/status ")
        assert str(person.project) in one.wait_for("Workspace:").replace("\n", "")
        with terminal(person.project, [*chat, "--resume"], person.environ, columns=90) as other:
            other.wait_for("You said: from the first terminal|earlier messages")
            other.say("from the second terminal")
            other.wait_for("You said: from the second terminal")
        one.say("/model kilocode/sim/tokens-500-delay-20ms ")
        one.wait_for("tokens-500", times=2)
        one.say("talk for a long time")
        one.wait_for("talk for a long time\n+.*[a-z]{3}")
        one.press("C-c")
        one.wait_for("(?i)stopped|aborted")
        one.say("/model kilocode/sim/echo ")
        one.wait_for("Model: kilocode/sim/echo", times=2)
        one.say("still there?")
        one.wait_for("You said: still there")
        one.say("/quit ")
        one.wait_for("ended with 0")
    code, out, err = person.genesis("chat", "--resume", said="from a pipe")
    assert code == 0, err
    assert "You said: from a pipe" in out
    code, out, _ = person.genesis("sessions", "list", "--json")
    [session] = msgspec.json.decode(out)["sessions"]
    assert session["messages"] >= 9
    _restarted(person, session)


def _restarted(person, before):
    """A daemon that was stopped and started again has every session, whole."""
    assert person.genesis("gateway", "stop")[0] == 0
    code, _, err = person.genesis("gateway", "start")
    assert code == 0, err
    code, out, err = person.genesis("chat", "--resume", said="after the restart")
    assert code == 0, err
    assert "You said: after the restart" in out
    _, out, _ = person.genesis("sessions", "list", "--json")
    [after] = msgspec.json.decode(out)["sessions"]
    assert (after["id"], after["messages"]) == (before["id"], before["messages"] + 2)
