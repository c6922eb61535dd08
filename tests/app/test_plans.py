"""Which upstreams there are: configured, found, and our own."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kilo_gateway.app import plans as room
from kilo_gateway.app.plans import BuiltIn, Plans
from kilo_gateway.config.load import load
from kilo_gateway.config.schema import Settings
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.local.model import ABSENT
from kilo_gateway.telemetry.log import Log
from kilo_gateway.upstreams.profiles import profiles
from tests.talk import free_port


def _built_in(lines: list[str] | None = None) -> BuiltIn:
    clock = SystemClock()
    return BuiltIn(clock, Log((lines if lines is not None else []).append, clock))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Plans]:
    def make_plans(
        config: str = "", environ: Mapping[str, str] | None = None, *, finds: bool = True
    ) -> Plans:
        path = tmp_path / "config.toml"
        path.write_text(config)
        plans = Plans(environ or {}, _built_in(), finds_upstreams=finds)
        plans.use(load(path, environ or {}))
        return plans

    return make_plans


CONFIGURED = '[[upstreams]]\nname = "openai"\napi_key = "of-the-file"\n'


def test_the_environment_names_upstreams(make: Callable[..., Plans]) -> None:
    [plan] = make(environ={"GROQ_API_KEY": " gsk-1 "}).all()
    assert (plan.name, plan.origin, plan.key.reveal()) == ("groq", "environment", "gsk-1")
    assert plan.target.host == "api.groq.com"


def test_a_server_that_finds_nothing_uses_its_file_only(make: Callable[..., Plans]) -> None:
    environ = {"GROQ_API_KEY": "gsk-1"}
    assert make(environ=environ, finds=False).all() == []
    [plan] = make(CONFIGURED, environ, finds=False).all()
    assert plan.name == "openai"


def test_the_file_wins_over_the_environment(make: Callable[..., Plans]) -> None:
    [plan] = make(CONFIGURED, {"OPENAI_API_KEY": "of-the-environment"}).all()
    assert (plan.key.reveal(), plan.origin) == ("of-the-file", "settings")


def test_a_key_of_our_own_is_no_vendors_key(make: Callable[..., Plans]) -> None:
    names = {name for profile in profiles().values() for name in profile.env}
    assert make(environ=dict.fromkeys(names, "kg_live_" + "0" * 49)).all() == []


async def test_servers_on_loopback_come_and_go(
    make: Callable[..., Plans], monkeypatch: pytest.MonkeyPatch
) -> None:
    import msgspec

    port = free_port()
    ollama = msgspec.structs.replace(profiles()["ollama"], loopback_port=port)
    monkeypatch.setattr(room, "loopback_rows", lambda taken: (ollama,) if not taken else ())
    plans = make()
    assert not await plans.probe_loopback()
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    assert await plans.probe_loopback()
    assert not await plans.probe_loopback()
    [plan] = plans.all()
    assert (plan.name, plan.origin, plan.key.reveal()) == ("ollama", "loopback", "")
    server.close()
    await server.wait_closed()
    assert await plans.probe_loopback()
    assert plans.all() == []


async def test_a_server_that_finds_nothing_does_not_look(make: Callable[..., Plans]) -> None:
    assert not await make(finds=False).probe_loopback()


async def test_the_simulator_is_an_upstream_while_it_runs() -> None:
    built_in = _built_in()
    await built_in.start(Settings(), local_model=False, simulator=True)
    [plan] = built_in.plans()
    assert (plan.name, plan.origin, plan.target.host) == ("sim", "built-in", "127.0.0.1")
    assert plan.key.reveal()
    assert (built_in.problem, built_in.state) == ("", "off")
    await built_in.stop()


async def test_without_its_extra_the_local_model_is_absent_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    lines: list[str] = []
    built_in = _built_in(lines)
    await built_in.start(Settings(), local_model=True, simulator=False)
    assert built_in.problem == ABSENT
    assert built_in.state == "absent"
    assert list(built_in.plans()) == []
    await asyncio.wait_for(built_in.run(), 1)
    await built_in.stop()
    built_in._log.flush()
    assert "pip install" in "".join(lines)


async def test_what_is_not_wanted_is_not_there() -> None:
    built_in = _built_in()
    await built_in.start(Settings(), local_model=False, simulator=False)
    await built_in.run()
    assert list(built_in.plans()) == []
    await built_in.stop()


def test_settings_that_cannot_be_used_leave_the_old_ones(
    make: Callable[..., Plans], tmp_path: Path
) -> None:
    plans = make(CONFIGURED)
    path = tmp_path / "config.toml"
    path.write_text('[[upstreams]]\nname = "mine"\nbase_url = "ftp://x"\n')
    with pytest.raises(ValueError, match="https://"):
        plans.use(load(path, {}))
    assert [plan.name for plan in plans.all()] == ["openai"]
