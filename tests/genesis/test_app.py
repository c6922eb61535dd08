"""Genesis opened on a folder of its own, against a gateway on loopback."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from genesis.app import Genesis, Wishes
from genesis.config.shell_env import RememberedShell
from genesis.core.events import AgentEvent, ApprovalAsked, Notice, TurnEnded
from genesis.core.fault import ConfigError, GenesisError
from genesis.core.message import ToolResultMessage, text_of
from tests.genesis.app.gateway import Gateway, call, failure, running, text
from tests.genesis.session.fakes import said

KEY = "kg_live_canary_0123456789"
SONNET = {
    "id": "anthropic/claude-sonnet-4",
    "name": "Sonnet",
    "context_length": 200_000,
    "pricing": {"prompt": "0.000003", "completion": "0.000015"},
    "supported_parameters": ["reasoning"],
}


class Home:
    """A user's folder."""

    def __init__(self, folder: Path, gateway: Gateway) -> None:
        self.folder = folder
        self.state = folder / ".genesis"
        self.work = folder / "work"
        self.work.mkdir()
        self.gateway = gateway
        self.environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "KILOCODE_API_KEY": KEY}
        self.opened: list[Genesis] = []
        self.configure({})

    def configure(self, content: dict[str, Any]) -> None:
        block = {"kilocode": {"baseUrl": self.gateway.base_url, "models": []}}
        self.state.mkdir(exist_ok=True)
        whole = {"models": {"providers": block}} | content
        (self.state / "genesis.json").write_bytes(msgspec.json.encode(whole))

    def open(self, wishes: Wishes | None = None) -> Genesis:
        genesis = Genesis.open(self.environ, wishes=wishes or Wishes(self.work))
        self.opened.append(genesis)
        return genesis


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running() as one:
        yield one


@pytest.fixture
async def home(tmp_path: Path, gateway: Gateway) -> AsyncIterator[Home]:
    one = Home(tmp_path, gateway)
    yield one
    for genesis in one.opened:
        await genesis.aclose()


async def turn(
    genesis: Genesis, words: str, session: str | None = None, **more: Any
) -> list[AgentEvent]:
    view = await genesis.conversation.open(session)
    events = []
    async for event in genesis.conversation.send(view.id, said(words), **more):
        events.append(event)
        if isinstance(event, ApprovalAsked):
            await genesis.conversation.decide(event.id, "once")
    return events


async def test_only_a_key_is_needed(home: Home, gateway: Gateway) -> None:
    genesis = home.open()
    events = await turn(genesis, "hi")
    assert isinstance(events[-1], TurnEnded)
    assert events[-1].error is None
    assert gateway.requests[0]["model"] == "kilo/auto"
    assert gateway.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_n11_a_model_of_the_gateway_is_chosen_by_its_reference(
    home: Home, gateway: Gateway
) -> None:
    genesis = home.open()
    view = await genesis.conversation.open(None)
    told = await genesis.conversation.set_model(view.id, "kilocode/anthropic/claude-sonnet-4")
    assert told == "Model: kilocode/anthropic/claude-sonnet-4"
    async for _ in genesis.conversation.send(view.id, said("hi")):
        pass
    assert gateway.requests[0]["model"] == "anthropic/claude-sonnet-4"


async def test_n12_a_list_of_models_restricts(home: Home) -> None:
    listed = {"kilocode/a/b": {"params": {"temperature": 0}}}
    home.configure({"agents": {"defaults": {"models": listed}}})
    genesis = home.open()
    view = await genesis.conversation.open(None)
    for refused in ("kilocode/x/y", "a/b"):
        with pytest.raises(GenesisError) as caught:
            await genesis.conversation.set_model(view.id, refused)
        assert caught.value.message == (
            f'Model "{refused}" is not allowed. '
            "Use /models to list providers, or /models <provider> to list models."
        )
    await genesis.conversation.set_model(view.id, "kilocode/a/b")
    await genesis.conversation.set_model(view.id, "kilocode/kilo/auto")


async def test_the_alias_of_onboarding_restricts_nothing(home: Home) -> None:
    home.configure(
        {"agents": {"defaults": {"models": {"kilocode/kilo/auto": {"alias": "Kilo Gateway"}}}}}
    )
    genesis = home.open()
    view = await genesis.conversation.open(None)
    assert await genesis.conversation.set_model(view.id, "kilocode/x/y") == "Model: kilocode/x/y"
    assert (
        await genesis.conversation.set_model(view.id, "kilo gateway") == "Model: kilocode/kilo/auto"
    )


@pytest.mark.parametrize("words", ["nonsense", "nowhere/x", "", "/"])
async def test_what_names_no_model_is_said(home: Home, words: str) -> None:
    genesis = home.open()
    view = await genesis.conversation.open(None)
    with pytest.raises(GenesisError, match=f'Unrecognized model "{words}"'):
        await genesis.conversation.set_model(view.id, words)


async def test_models_lists_what_the_gateway_has(home: Home, gateway: Gateway) -> None:
    gateway.models = {"data": [SONNET]}
    genesis = home.open()
    listed = await genesis.conversation.models_text(["kilocode"])
    assert "- kilocode/anthropic/claude-sonnet-4" in listed
    assert "- kilocode/kilo/auto" in listed
    assert "🔑 api-key (env: KILOCODE_API_KEY)" in listed
    kept = genesis.paths.models_file.read_text()
    assert "claude-sonnet-4" in kept
    assert KEY not in kept


async def test_a_gateway_without_a_list_is_a_notice_and_a_working_default(
    home: Home, gateway: Gateway
) -> None:
    gateway.models = {"data": []}
    genesis = home.open()
    await genesis.conversation.models_text([])
    events = await turn(genesis, "hi")
    warned = [event.text for event in events if isinstance(event, Notice)]
    assert any("using static catalog" in line for line in warned)
    assert isinstance(events[-1], TurnEnded)
    assert events[-1].error is None


async def test_a_tool_call_with_approval_changes_the_workspace(
    home: Home, gateway: Gateway
) -> None:
    gateway.replies = [call("write", {"path": "a.txt", "content": "one\n"}), text("done")]
    events = await turn(home.open(), "write it")
    assert any(isinstance(event, ApprovalAsked) and "+one" in event.detail for event in events)
    assert (home.work / "a.txt").read_text() == "one\n"
    assert gateway.requests[1]["messages"][-1]["role"] == "tool"


async def test_commands_do_not_see_the_key_and_results_do_not_hold_it(
    home: Home, gateway: Gateway
) -> None:
    gateway.replies = [call("exec", {"command": f"env; echo {KEY}"}), text("done")]
    genesis = home.open()
    await turn(genesis, "x")
    result = gateway.requests[1]["messages"][-1]["content"]
    assert "KILOCODE" not in result
    assert KEY not in result
    assert "***" in result


async def test_the_settings_limit_every_turn(home: Home, gateway: Gateway) -> None:
    home.configure({"agents": {"defaults": {"timeoutSeconds": 1}}})
    gateway.replies = [call("exec", {"command": "exec sleep 100"}), text("done")]
    genesis = home.open()
    end = (await turn(genesis, "x"))[-1]
    assert isinstance(end, TurnEnded)
    assert (end.is_late, (end.error or "")[:33]) == (True, "The turn took longer than 1 s and")
    assert (await turn(genesis, "go on", "last"))[-1].error is None  # type: ignore[union-attr]  # a TurnEnded


async def test_the_state_of_genesis_cannot_be_read_even_from_home(
    home: Home, gateway: Gateway
) -> None:
    gateway.replies = [call("read", {"path": ".genesis/genesis.json"}), text("done")]
    await turn(home.open(Wishes(home.folder)), "x")
    assert "private state" in gateway.requests[1]["messages"][-1]["content"]


async def test_a_failure_has_its_sentence_and_the_session_goes_on(
    home: Home, gateway: Gateway
) -> None:
    gateway.replies = [failure(402, "insufficient credits"), text("now it works")]
    genesis = home.open()
    events = await turn(genesis, "hi")
    assert isinstance(events[-1], TurnEnded)
    assert (events[-1].error or "").startswith("⚠️ kilocode (kilo/auto) returned a billing error")
    events = await turn(genesis, "again", "last")
    assert events[-1].error is None  # type: ignore[union-attr]  # a TurnEnded
    assert [m["content"] for m in gateway.requests[1]["messages"][1:]] == ["hi", "again"]


async def test_fallbacks_answer(home: Home, gateway: Gateway) -> None:
    model = {"primary": "kilocode/kilo/auto", "fallbacks": ["kilocode/b/c"]}
    home.configure({"agents": {"defaults": {"model": model}}})
    gateway.replies = [failure(404, "no such model"), text("from b")]
    events = await turn(home.open(), "hi")
    assert Notice('Model "kilocode/kilo/auto" not found. Fell back to "kilocode/b/c".') in events
    assert [one["model"] for one in gateway.requests] == ["kilo/auto", "b/c"]


async def test_no_key_has_its_sentence(home: Home) -> None:
    del home.environ["KILOCODE_API_KEY"]
    events = await turn(home.open(), "hi")
    assert (events[-1].error or "").startswith("⚠️ Missing API key")  # type: ignore[union-attr]  # a TurnEnded


async def test_a_key_that_is_stored_meanwhile_works_at_once(home: Home, gateway: Gateway) -> None:
    from genesis.auth.profiles import Profile, Profiles
    from genesis.core.secret import Secret

    del home.environ["KILOCODE_API_KEY"]
    genesis = home.open()
    Profiles(genesis.paths.auth_profiles).put(
        "kilocode:default", Profile("api_key", "kilocode", Secret("stored-key-123"))
    )
    await turn(genesis, "hi")
    assert gateway.headers[0]["Authorization"] == "Bearer stored-key-123"


async def test_thinking_is_chosen_and_sent(home: Home, gateway: Gateway) -> None:
    genesis = home.open()
    view = await genesis.conversation.open(None)
    await genesis.conversation.set_model(view.id, "kilocode/anthropic/claude-sonnet-4")
    assert await genesis.conversation.set_thinking(view.id, "HIGHEST") == "Thinking: high"
    with pytest.raises(GenesisError, match="no thinking level"):
        await genesis.conversation.set_thinking(view.id, "lots")
    async for _ in genesis.conversation.send(view.id, said("hi")):
        pass
    assert gateway.requests[0]["reasoning"] == {"effort": "high"}
    reopened = await genesis.conversation.open(view.id[:6])
    assert (reopened.model, reopened.thinking) == ("kilocode/anthropic/claude-sonnet-4", "high")


async def test_status_and_usage_tell_what_there_is_and_no_key(home: Home, gateway: Gateway) -> None:
    genesis = home.open()
    view = await genesis.conversation.open(None)
    async for _ in genesis.conversation.send(view.id, said("hi")):
        pass
    status = await genesis.conversation.status(view.id)
    assert f"Provider: kilocode ({gateway.base_url})" in status
    assert "Key: env: KILOCODE_API_KEY" in status
    assert KEY not in status
    usage = await genesis.conversation.usage(view.id)
    assert "Input: 10 tokens" in usage


async def test_a_session_works_where_it_was_begun(home: Home, gateway: Gateway) -> None:
    other = home.folder / "other"
    other.mkdir()
    (other / "here.txt").write_text("yes\n")
    genesis = home.open(Wishes())
    view = await genesis.conversation.open(None, str(other))
    gateway.replies = [call("read", {"path": "here.txt"}), text("done")]
    async for _ in genesis.conversation.send(view.id, said("hi")):
        pass
    again = home.open(Wishes())
    messages = (await again.conversation.open(view.id)).messages
    result = next(m for m in messages if isinstance(m, ToolResultMessage))
    assert "yes" in text_of(result)


async def test_bad_settings_are_said(home: Home) -> None:
    (home.state / "genesis.json").write_text('{"nonsense": 1}')
    with pytest.raises(ConfigError, match="Invalid config at"):
        home.open()


async def test_reload_takes_new_settings(home: Home, gateway: Gateway) -> None:
    genesis = home.open()
    home.configure({"agents": {"defaults": {"model": "kilocode/b/c"}}})
    genesis.reload()
    await turn(genesis, "hi")
    assert gateway.requests[0]["model"] == "b/c"


async def test_the_login_shell_is_asked_once_and_not_again_at_a_reload(home: Home) -> None:
    home.configure({"env": {"shellEnv": {"enabled": True}}})
    del home.environ["KILOCODE_API_KEY"]
    asked = []

    def shell(name: str, *_more: object) -> bytes:
        asked.append(name)
        return b"KILOCODE_API_KEY=from-the-shell\0"

    genesis = Genesis.open(home.environ, wishes=Wishes(home.work), shell=RememberedShell(shell))
    home.opened.append(genesis)
    genesis.reload()
    found = genesis.sources.key_of("kilocode")
    assert found is not None
    assert (found.key.reveal(), found.source) == ("from-the-shell", "shell env: KILOCODE_API_KEY")
    assert len(asked) == 1


async def test_leaving_stops_what_runs(home: Home) -> None:
    genesis = home.open()
    view = await genesis.conversation.open(None)
    events = genesis.conversation.send(view.id, said("hi"))
    await anext(events)
    await genesis.aclose()
    rest = [event async for event in events]
    assert isinstance(rest[-1], TurnEnded)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_nothing_of_ours_holds_the_key(home: Home, gateway: Gateway) -> None:
    gateway.models = {"data": [SONNET]}
    gateway.replies = [call("exec", {"command": f"echo {KEY}"}), failure(401, f"bad key {KEY}")]
    genesis = home.open()
    await genesis.conversation.models_text([])
    events = await turn(genesis, "x")
    assert KEY not in repr(events[-1])
    for path in genesis.paths.state_dir.rglob("*"):
        if path.is_file() and path.suffix != ".jsonl":
            assert KEY.encode() not in path.read_bytes()
        assert path.is_symlink() or path.stat().st_mode & 0o077 == 0 or path.name == "genesis.json"
