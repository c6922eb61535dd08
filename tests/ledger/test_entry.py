"""Entries: ids that sort, limits that hold, crashes that are told."""

import typing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import (
    COUNT_LIMIT,
    RAW_LIMIT_BYTES,
    TEXT_LIMIT,
    Attribution,
    Entry,
    EntryIds,
    Opening,
    attribution_in,
    bounded,
    crashed,
    sealed,
)


def _kinds(annotation):
    return typing.get_args(annotation) or (annotation,)


def test_an_entry_survives_the_way_through_bytes(entry_of):
    entry = entry_of(usage=Usage(5, None, 2, raw=b"\x00\xff", source="estimated"))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=Entry) == entry


def test_what_a_usage_does_not_tell_takes_no_room_in_the_spool_and_may_be_there():
    usage = Usage(5, None, 2, raw=b"{}")
    told = msgspec.msgpack.encode(usage)
    assert msgspec.msgpack.decode(told) == {
        "input_tokens": 5,
        "cache_read_tokens": 2,
        "raw": b"{}",
    }
    whole = msgspec.msgpack.encode(msgspec.structs.asdict(usage))
    assert msgspec.msgpack.decode(whole, type=Usage) == usage


def test_ids_have_26_characters_and_rise_within_a_millisecond(clock):
    ids = EntryIds(clock)
    made = [ids.next() for _ in range(300)]
    assert made == sorted(set(made))
    assert {len(one) for one in made} == {26}


def test_ids_rise_when_the_clock_steps_back(clock):
    ids = EntryIds(clock)
    first = ids.next()
    clock.now -= 3600
    assert ids.next() > first


def test_ids_rise_when_the_counter_is_at_its_end(clock):
    ids = EntryIds(clock, entropy=lambda bits: (1 << bits) - 1)
    ids._counter = 0xFFFF_FFFE
    made = [ids.next() for _ in range(3)]
    assert made == sorted(set(made))
    assert {len(one) for one in made} == {26}


def test_two_processes_do_not_make_the_same_ids(clock):
    assert EntryIds(clock).next() != EntryIds(clock).next()


def test_a_crashed_attempt_has_our_estimate_and_an_unknown_output(opening_of):
    entry = crashed(opening_of(estimated_input_tokens=77, opened_at=10.0), now=12.5)
    assert (entry.outcome, entry.has_error, entry.duration_ms) == ("crashed", True, 2500)
    assert entry.usage == Usage(input_tokens=77, source="estimated")
    assert entry.cost_nanodollars is None


def test_an_entry_within_limits_is_left_alone(entry_of):
    entry = entry_of(upstream_request_id="täst \n")
    assert bounded(entry) is entry


def test_texts_are_cut_and_made_storable(entry_of, opening_of):
    opening = opening_of(requested_model="m" * 9000, editor="a\0b", session="\ud800x")
    entry = bounded(entry_of(opening, finish_reason="f\0"))
    about = entry.opening.about
    assert about.requested_model == "m" * TEXT_LIMIT
    assert (about.editor, entry.opening.session, entry.finish_reason) == ("ab", "?x", "f")


def test_impossible_counts_and_money_become_unknown(entry_of):
    usage = Usage(input_tokens=COUNT_LIMIT + 1, output_tokens=-1, cost_nanodollars=10**30)
    entry = bounded(entry_of(usage=usage, cost_nanodollars=-5))
    assert entry.usage == Usage()
    assert entry.cost_nanodollars is None


def test_raw_usage_is_cut(entry_of):
    assert len(bounded(entry_of(usage=Usage(raw=b"x" * 9999))).usage.raw) == RAW_LIMIT_BYTES


@settings(deadline=None)
@given(st.text())
def test_any_bounded_text_can_be_encoded(opening_of, entry_of, text):
    opening = opening_of(project=text, session=text)
    entry = bounded(entry_of(opening, upstream_request_id=text))
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=Entry)
    assert "\0" not in (decoded.opening.about.project or "")
    assert "\0" not in (decoded.opening.session or "")


_OPENING_TEXTS = [name for name, kind in Opening.__annotations__.items() if str in _kinds(kind)]
_ABOUT_TEXTS = [name for name, kind in Attribution.__annotations__.items() if str in _kinds(kind)]
_ENTRY_TEXTS = [name for name, kind in Entry.__annotations__.items() if str in _kinds(kind)]
_NUMBERS = [name for name, kind in Usage.__annotations__.items() if int in _kinds(kind)]


@pytest.mark.parametrize("text", ["a\0b", "x" * (TEXT_LIMIT + 1), "\ud800"])
@pytest.mark.parametrize("name", _OPENING_TEXTS + _ENTRY_TEXTS)
def test_every_text_is_bounded(opening_of, entry_of, name, text):
    if name in _OPENING_TEXTS:
        entry = entry_of(opening_of(**{name: text}))
    else:
        entry = entry_of(**{name: text})
    within = bounded(entry)
    assert within != entry
    assert bounded(within) is within


@pytest.mark.parametrize("text", ["a\0b", "x" * (TEXT_LIMIT + 1), "\ud800"])
@pytest.mark.parametrize("name", _ABOUT_TEXTS)
def test_every_text_of_an_attribution_is_bounded_when_it_is_sealed(opening_of, name, text):
    about = opening_of().about
    within = attribution_in(sealed(msgspec.structs.replace(about, **{name: text})))
    assert getattr(within, name) not in {text, getattr(about, name)}
    assert msgspec.structs.replace(within, **{name: getattr(about, name)}) == about
    assert attribution_in(sealed(within)) == within


@pytest.mark.parametrize("count", [-1, -(10**30), 10**30])
@pytest.mark.parametrize("name", _NUMBERS)
def test_every_number_is_bounded(entry_of, name, count):
    entry = entry_of(usage=Usage(**{"input_tokens": 7, name: count}))
    within = bounded(entry)
    assert within != entry
    assert bounded(within) is within
