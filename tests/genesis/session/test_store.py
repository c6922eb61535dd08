"""All sessions of a folder."""

import itertools
import os
from pathlib import Path

import msgspec
import pytest

from genesis.core.fault import GenesisError
from genesis.core.message import (
    AssistantMessage,
    TextBlock,
)
from genesis.session.store import SessionStore
from genesis.session.transcript import Session
from tests.genesis.session.fakes import said


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    ids = itertools.count(0xA0)
    return SessionStore(tmp_path, clock=lambda: 0.0, make_id=lambda: f"{next(ids):02x}bbbbbbbbbb")


def begun(store: SessionStore, text: str, at: float = 1.0) -> Session:
    session = store.create()
    session.append(said(text))
    os.utime(session.path, (at, at))
    return session


def test_the_newest_comes_first_with_its_title(store: SessionStore) -> None:
    begun(store, "old", at=1.0)
    session = begun(store, "new\nlines \x1b[31mred", at=2.0)
    session.append(AssistantMessage((TextBlock("x"),), "kilocode", "kilo/auto"))
    os.utime(session.path, (3.0, 3.0))
    first, second = store.list()
    assert (first.title, first.model, first.messages) == (
        "new lines ␛[31mred", "kilocode/kilo/auto", 2,
    )  # fmt: skip
    assert (second.title, second.updated_at) == ("old", 1.0)


def test_a_chosen_model_is_told(store: SessionStore) -> None:
    begun(store, "x").choose(model="p/m", thinking=None)
    assert store.list()[0].model == "p/m"


@pytest.mark.parametrize("text", ["a0bbbbbbbbbb", "a0b", "A0", "last"])
def test_it_is_found(store: SessionStore, text: str) -> None:
    begun(store, "x")
    assert store.open(text).id == "a0bbbbbbbbbb"


@pytest.mark.parametrize("text", ["", "zz", "../../etc/passwd", "a0/../x", "ff", "*"])
def test_what_is_none_is_said(store: SessionStore, text: str) -> None:
    begun(store, "x")
    with pytest.raises(GenesisError, match="There is no session"):
        store.open(text)


def test_a_beginning_of_several_is_said(store: SessionStore) -> None:
    begun(store, "x")
    begun(store, "y")
    with pytest.raises(GenesisError, match="2 sessions begin with a"):
        store.open("a")


def test_last_of_none(store: SessionStore) -> None:
    with pytest.raises(GenesisError, match="no saved session yet"):
        store.open("last")


def test_deleted_is_gone(store: SessionStore) -> None:
    session = begun(store, "x")
    with session.turn_lock():
        pass
    store.delete("a0")
    assert store.list() == []
    assert list(session.path.parent.iterdir()) == []


def test_a_session_is_exported_with_its_title(store: SessionStore) -> None:
    begun(store, "Look at this")
    assert store.export("a0", "markdown").startswith("# Look at this\n\nSession a0")
    whole = msgspec.json.decode(store.export("a0", "json"))
    assert (whole["title"], len(whole["messages"])) == ("Look at this", 1)
