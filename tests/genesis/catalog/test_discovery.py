"""One load at a time, and what is kept of it."""

import asyncio

import pytest

from genesis.catalog.discovery import Discovery
from genesis.core.model import Model

AUTO, OTHER = Model("kilo/auto", "Kilo Auto"), Model("m", "M")


class Providers:
    """Answers by name; an exception is raised."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []
        self.mark = 1

    async def ask(self, name):
        self.asked.append(name)
        answer = self.answers[name]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def discovery(self):
        return Discovery(lambda: list(self.answers), self.ask, lambda: self.mark)


async def test_nothing_is_asked_again_while_nothing_changed():
    providers = Providers(a=[AUTO])
    discovery = providers.discovery()
    assert await discovery.load() == await discovery.load() == {"a": [AUTO]}
    assert providers.asked == ["a"]
    providers.mark = 2
    await discovery.load()
    assert providers.asked == ["a", "a"]


async def test_two_that_ask_at_once_share_a_load():
    providers = Providers(a=[AUTO])
    discovery = providers.discovery()
    assert await asyncio.gather(discovery.load(), discovery.load()) == [{"a": [AUTO]}] * 2
    assert providers.asked == ["a"]


@pytest.mark.parametrize("failure", [[], RuntimeError("broken")])
async def test_one_that_fails_spoils_no_other_and_is_asked_again(failure):
    providers = Providers(a=failure, b=[OTHER])
    discovery = providers.discovery()
    assert await discovery.load() == {"b": [OTHER]}
    providers.answers["a"] = [AUTO]
    assert await discovery.load() == {"a": [AUTO], "b": [OTHER]}


async def test_what_was_told_before_stays_when_a_later_load_fails():
    providers = Providers(a=[AUTO])
    discovery = providers.discovery()
    await discovery.load()
    providers.mark, providers.answers = 2, {"a": []}
    assert await discovery.load() == {"a": [AUTO]}
    providers.answers = {}
    assert await discovery.load() == {}


async def test_who_gives_up_waiting_does_not_end_the_load():
    gate = asyncio.Event()

    async def ask(_name):
        await gate.wait()
        return [AUTO]

    discovery = Discovery(lambda: ["a"], ask)
    waiting = asyncio.ensure_future(discovery.load())
    await asyncio.sleep(0)
    waiting.cancel()
    gate.set()
    assert await discovery.load() == {"a": [AUTO]}


async def test_closing_ends_a_load():
    async def ask(_name):
        await asyncio.Event().wait()

    discovery = Discovery(lambda: ["a"], ask)
    task = discovery.start()
    await asyncio.sleep(0)
    await discovery.close()
    assert task.cancelled()
