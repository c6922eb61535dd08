"""Keys: 256 random bits in a form that tells a mistyped one from an unknown one."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.keys.secret import PREFIX, digest_of, is_well_formed, mint

KEY = mint().key
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_key_is_a_prefix_43_characters_and_a_checksum():
    assert re.fullmatch(r"kg_live_[0-9A-Za-z]{43}[0-9A-Za-z]{6}", KEY)
    assert 62**43 > 2**256


def test_no_two_keys_are_alike():
    assert len({mint().key for _ in range(200)}) == 200


def test_a_new_key_is_well_formed():
    assert all(is_well_formed(mint().key) for _ in range(200))


def test_what_is_kept_is_the_sha256_of_the_whole_key():
    minted = mint()
    assert minted.digest == hashlib.sha256(minted.key.encode()).digest()
    assert minted.digest == digest_of(minted.key.encode())


def test_what_is_shown_later_gives_away_36_bits_at_most():
    minted = mint()
    assert minted.key.startswith(minted.prefix)
    assert len(minted.prefix) == len(PREFIX) + 6


@given(st.integers(len(PREFIX), len(KEY) - 1), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(position, character):
    mistyped = KEY[:position] + character + KEY[position + 1 :]
    assert is_well_formed(mistyped) is (mistyped == KEY)


@given(st.integers(len(PREFIX), len(KEY) - 2))
def test_two_swapped_neighbours_are_noticed(at):
    swapped = KEY[:at] + KEY[at + 1] + KEY[at] + KEY[at + 2 :]
    assert is_well_formed(swapped) is (swapped == KEY)


@given(st.integers(0, len(KEY) - 1))
def test_a_cut_key_is_noticed(length):
    assert not is_well_formed(KEY[:length])


@pytest.mark.parametrize("text", ["", PREFIX, KEY + "0", " " + KEY, KEY.lower(), "sk-" + KEY[3:]])
def test_other_texts_are_no_keys(text):
    assert not is_well_formed(text)


@given(st.text())
def test_any_text_can_be_asked_about(text):
    assert not is_well_formed(PREFIX + text)
