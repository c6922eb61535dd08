"""The tool calls of one answer: judged, asked about, run, told."""

from pathlib import Path

import pytest

from genesis.core.events import (
    ApprovalAsked,
    ToolEnded,
    ToolStarted,
)
from genesis.core.message import ToolCallBlock, ToolResultMessage, text_of
from genesis.core.secret import Secret
from genesis.session.approval import Policy, Remembered
from genesis.session.calls import LATE, Calls, Desk
from tests.genesis.session.fakes import KEY, FakeProvider, World, answer, calls, kinds


async def test_calls_that_read_run_side_by_side_and_results_keep_their_order(
    tmp_path: Path,
) -> None:
    pairs = [("read", f'{{"path":"{name}"}}') for name in "abc"]
    world = World(tmp_path, FakeProvider(calls(*pairs), answer("done")))
    for name in "abc":
        (world.root / name).write_text(name)
    events = await world.turn()
    starts = [i for i, kind in enumerate(kinds(events)) if kind == "ToolStarted"]
    first_end = kinds(events).index("ToolEnded")
    assert all(start < first_end for start in starts)
    results = [m for m in world.session.messages if isinstance(m, ToolResultMessage)]
    assert [text_of(one)[-1] for one in results] == ["a", "b", "c"]


async def test_a_write_is_asked_about_with_its_diff(tmp_path: Path) -> None:
    script = calls(("write", '{"path":"new.txt","content":"one\\n"}'))
    world = World(tmp_path, FakeProvider(script, answer("done")))
    events = await world.turn()
    assert "+one" in world.asked[0].detail
    assert any(isinstance(event, ApprovalAsked) for event in events)
    assert (world.root / "new.txt").read_text() == "one\n"


async def test_a_denied_call_changes_nothing_and_the_model_is_told(tmp_path: Path) -> None:
    provider = FakeProvider(calls(("exec", '{"command":"touch x"}')), answer("ok"))
    world = World(tmp_path, provider)
    world.decision = "deny"
    await world.turn()
    assert not (world.root / "x").exists()
    assert "denied" in text_of(provider.requests[1].messages[-1])


async def test_a_danger_is_named_first(tmp_path: Path) -> None:
    world = World(
        tmp_path, FakeProvider(calls(("exec", '{"command":"git push -f"}')), answer("ok"))
    )
    world.decision = "deny"
    await world.turn()
    assert world.asked[0].summary == "exec: careful, it overwrites a remote branch — git push -f"
    assert world.asked[0].detail == "git push -f"


async def test_always_is_remembered_for_the_same_command(tmp_path: Path) -> None:
    same = ("exec", '{"command":"true"}')
    world = World(tmp_path, FakeProvider(calls(same), calls(same), answer("ok")))
    world.decision = "always"
    await world.turn()
    assert len(world.asked) == 1


async def test_where_nobody_can_be_asked_the_model_is_told(tmp_path: Path) -> None:
    provider = FakeProvider(calls(("exec", '{"command":"true"}')), answer("ok"))
    world = World(tmp_path, provider, Policy("ask", can_ask=False))
    await world.turn()
    assert world.asked == []
    assert "nobody can be asked" in text_of(provider.requests[1].messages[-1])


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (("nope", "{}"), "There is no tool nope"),
        (("read", "{"), "no JSON object"),
        (("read", '{"pth":"a"}'), "not usable"),
        (("read", '{"path":"missing"}'), "does not exist"),
        (("read", '{"path":"../home/.genesis/x"}'), "private state"),
        (("exec", '{"command":"cat ~/.genesis/agents/main/agent/auth-profiles.json"}'), "private state"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_a_result(
    tmp_path: Path, pair: tuple[str, str], words: str
) -> None:
    provider = FakeProvider(calls(pair), answer("ok"))
    world = World(tmp_path, provider)
    await world.turn()
    result = provider.requests[1].messages[-1]
    assert isinstance(result, ToolResultMessage)
    assert result.is_error
    assert words in text_of(result)


async def test_a_key_in_a_file_does_not_reach_the_model_or_the_transcript(tmp_path: Path) -> None:
    provider = FakeProvider(calls(("read", '{"path":"a"}')), answer("ok"))
    world = World(tmp_path, provider)
    (world.root / "a").write_text(f"KEY={KEY}\n")
    await world.turn()
    assert KEY not in text_of(provider.requests[1].messages[-1])
    assert KEY not in world.session.path.read_text()


async def test_tool_ends_follow_tool_starts(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(calls(("nope", "{}")), answer("ok")))
    events = await world.turn()
    order = [type(e) for e in events if isinstance(e, ToolStarted | ToolEnded)]
    assert order == [ToolStarted, ToolEnded]


def desk(world: World) -> Desk:
    return Desk(
        context=world.context,
        policy=Policy("all"),
        remembered=Remembered(),
        approve=world.approve,
        emit=lambda _event: None,
        clock=lambda: 7.0,
        make_id=lambda: "id",
        secrets=lambda: [Secret(KEY), Secret("short")],
    )


async def test_calls_that_never_ran_have_a_result_all_the_same(tmp_path: Path) -> None:
    blocks = [ToolCallBlock("a", "read", "{}"), ToolCallBlock("b", "x\x1b", "{}")]
    results = Calls(blocks, desk(World(tmp_path, FakeProvider()))).results(LATE)
    assert [one.tool_call_id for one in results] == ["a", "b"]
    assert [text_of(one) for one in results] == [LATE, LATE]
    assert all(one.is_error and one.at == 7.0 for one in results)
    assert results[1].tool_name == "x␛"


async def test_what_changes_something_waits_for_what_was_called_before(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider())
    blocks = [
        ToolCallBlock("1", "write", '{"path":"a","content":"one"}'),
        ToolCallBlock("2", "read", '{"path":"a"}'),
        ToolCallBlock("3", "write", '{"path":"a","content":"two"}'),
        ToolCallBlock("4", "read", '{"path":"a"}'),
    ]
    ran = Calls(blocks, desk(world))
    await ran.run()
    read = [text_of(one) for one in ran.results() if one.tool_name == "read"]
    assert [text.strip().partition("\t")[2] for text in read] == ["one", "two"]


async def test_a_secret_that_is_a_plain_word_spoils_no_result(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider())
    (world.root / "a").write_text(f"a short text with {KEY}")
    ran = Calls([ToolCallBlock("1", "read", '{"path":"a"}')], desk(world))
    await ran.run()
    assert text_of(ran.results()[0]).strip().endswith("a short text with ***")
