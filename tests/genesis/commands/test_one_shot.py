"""One turn on three streams."""

import asyncio
import io
import os

import msgspec
import pytest

from genesis.commands.one_shot import MORE_TIME, TIMED_OUT, OneShot, Question
from genesis.core.events import MessageEnded, Notice, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, TextBlock
from genesis.core.usage import Usage
from tests.genesis.screen.fakes import FakeConversation, answer, ask, thought, tool


async def shot(*events, typed="", is_json=False):
    """Exit code, stdout, stderr and the conversation."""
    conversation = FakeConversation(list(events))
    out, err = io.StringIO(), io.StringIO()
    reading, writing = os.pipe()
    os.write(writing, typed.encode())
    os.close(writing)
    with os.fdopen(reading) as source:
        one = OneShot(conversation, source, out, err)
        code = await one.run(Question("hi", is_json=is_json))
    return code, out.getvalue(), err.getvalue(), conversation


async def test_the_answer_alone_is_on_stdout():
    events = [*thought("hm"), Notice("Fell back."), *tool("1", "exec: ls"), *answer("Yes, two.")]
    code, out, err, conversation = await shot(*events)
    assert (code, out, err) == (0, "Yes, two.\n", "Fell back.\nexec: ls\n")
    assert conversation.sent[0].content == (TextBlock("hi"),)


async def test_a_tool_that_fails_tells_its_last_line():
    _, _, err, _ = await shot(*tool("1", "exec: x", "a\nNo such file\n", is_error=True))
    assert err == "exec: x\n  failed: No such file\n"


@pytest.mark.parametrize(
    ("typed", "decision"),
    [
        ("y\n", "once"),
        ("YES\n", "once"),
        (" a \n", "always"),
        ("n\n", "deny"),
        ("\n", "deny"),
        ("", "deny"),
        ("sure\n", "deny"),
    ],
)
async def test_only_a_clear_yes_allows(typed, decision):
    code, _, err, conversation = await shot(ask("7", "rm x"), *answer("ok"), typed=typed)
    assert code == 0
    assert conversation.decided == [("7", decision)]
    assert err == "\nexec: rm x\nrm x\nAllow it? [y]es, [a]lways, [N]o: "


async def test_what_is_asked_about_is_shown_as_it_is():
    _, _, err, _ = await shot(ask("7", "echo \x1b[8mhidden\x1b[0m"), *answer("ok"), typed="n\n")
    assert "echo ␛[8mhidden␛[0m" in err


@pytest.mark.parametrize(
    ("end", "code", "told"),
    [
        (TurnEnded("error", error="It broke."), 1, "Error: It broke.\n"),
        (
            TurnEnded("error", error="Late.", is_late=True),
            TIMED_OUT,
            f"Error: Late.{MORE_TIME}\n",
        ),
        (TurnEnded("aborted"), 130, ""),
    ],
)
async def test_how_it_ended_is_the_exit_code(end, code, told):
    assert (await shot(end))[::2] == (code, told)


async def test_a_failure_of_the_conversation_is_the_callers():
    with pytest.raises(GenesisError, match="No daemon"):
        await shot(GenesisError("No daemon."))


async def test_json_is_one_object_with_every_message():
    first = MessageEnded(AssistantMessage((TextBlock("Let me see."),), "p", "m"))
    last = AssistantMessage((TextBlock("Done."),), "p", "n", routed_model="r/n")
    events = [first, *tool("1", "exec: ls"), MessageEnded(last), TurnEnded("stop", Usage(1, 2))]
    code, out, err, _ = await shot(*events, is_json=True)
    whole = msgspec.json.decode(out)
    assert whole["payloads"] == [{"text": "Let me see."}, {"text": "Done."}]
    meta = whole["meta"]
    assert (meta["provider"], meta["model"], meta["routedModel"]) == ("p", "n", "r/n")
    assert (meta["stopReason"], meta["usage"]["output"], meta["sessionId"]) == ("stop", 2, "new999")
    assert "error" not in meta
    assert (code, err) == (0, "exec: ls\n")


async def test_json_tells_of_a_failure_too():
    code, out, err, _ = await shot(TurnEnded("error", error="It broke."), is_json=True)
    assert msgspec.json.decode(out)["meta"]["error"] == "It broke."
    assert msgspec.json.decode(out)["payloads"] == []
    assert (code, err) == (1, "Error: It broke.\n")


async def test_a_line_that_was_begun_ends_when_it_is_interrupted():
    conversation = FakeConversation([*answer("half")[:-2], None])
    out = io.StringIO()
    one = OneShot(conversation, io.StringIO(), out, io.StringIO())
    task = asyncio.ensure_future(one.run(Question("hi")))
    while not out.getvalue():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert out.getvalue() == "half\n"
