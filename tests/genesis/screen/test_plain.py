"""Where there is no terminal: the answer on stdout, the rest on stderr."""

import io

import pytest

from genesis.core.events import Notice, TurnEnded
from genesis.core.fault import GenesisError
from genesis.screen.desk import Desk
from genesis.screen.display import Display
from genesis.screen.plain import PlainChat
from genesis.screen.status import Status
from tests.genesis.screen.fakes import FakeClock, FakeConversation, answer, ask, tool


async def said(folder, text, *events):
    """Exit code, stdout, stderr and the conversation."""
    conversation = FakeConversation(list(events))
    desk = Desk(conversation, Status(), Display(), folder, folder, FakeClock())
    await desk.open(None)
    out, err = io.StringIO(), io.StringIO()
    code = await PlainChat(desk, out, err, lambda: 5.0).answer(text)
    return code, out.getvalue(), err.getvalue(), conversation


async def test_the_answer_is_plain_markdown(tmp_path):
    code, out, err, conversation = await said(tmp_path, "hi\n", *answer("**Yes**\x1b[31m"))
    assert (code, out, err) == (0, "**Yes**␛[31m\n", "")
    assert conversation.sent[0].content[0].text == "hi"
    assert conversation.sent[0].at == 5.0


async def test_what_is_beside_the_answer_goes_to_stderr(tmp_path):
    events = [*tool("1", "exec: ls", is_error=True), Notice("Fell back."), *answer("Yes")]
    _, out, err, _ = await said(tmp_path, "hi", *events)
    assert (out, err) == ("Yes\n", "exec: ls\nexec failed\nFell back.\n")


async def test_nobody_can_allow_anything(tmp_path):
    _, _, err, conversation = await said(tmp_path, "hi", ask("7", "rm x"), *answer("No."))
    assert conversation.decided == [("7", "deny")]
    assert err.startswith("Refused, because nobody can be asked without a terminal: exec: rm x.")


@pytest.mark.parametrize(
    "event", [TurnEnded("error", error="It broke."), GenesisError("It broke.")]
)
async def test_a_failed_turn_is_an_exit_code(event, tmp_path):
    code, out, err, _ = await said(tmp_path, "hi", event)
    assert (code, out) == (1, "")
    assert err.endswith("It broke.\n")


async def test_a_command_in_a_pipe(tmp_path):
    code, out, _, _ = await said(tmp_path, "/models\n")
    assert (code, out.splitlines()[0]) == (0, "Providers:")


async def test_nothing_is_an_error(tmp_path):
    code, _, err, _ = await said(tmp_path, " \n")
    assert (code, err) == (1, "Error: nothing to answer: the input is empty.\n")


async def test_a_pipe_attaches_no_files(tmp_path):
    (tmp_path / "secret").write_text("canary")
    *_, conversation = await said(tmp_path, "see @secret", *answer("ok"))
    assert len(conversation.sent[0].content) == 1
