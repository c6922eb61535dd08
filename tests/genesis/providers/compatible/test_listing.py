"""Entries of a list of models."""

import pytest

from genesis.core.model import Model
from genesis.providers.compatible.listing import MALFORMED, id_of, model_of, plain_model_of


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"pricing": None},
        {"pricing": {}, "top_provider": 5},
        {"pricing": {}, "context_length": "many"},
        {"pricing": {}, "context_length": [1]},
        {"pricing": {}, "architecture": "x"},
    ],
)
def test_an_entry_that_cannot_be_mapped_says_so(entry):
    with pytest.raises(MALFORMED):
        model_of("a/b", entry)


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({}, 1000),
        ({"max_model_len": 4096}, 4096),
        ({"context_length": 0, "context_window": 8192}, 8192),
        ({"context_length": "8192"}, 1000),
    ],
)
def test_the_plain_shape_has_little_to_tell(entry, window):
    assert plain_model_of("m", entry, 1000) == Model("m", "m", context_window=window)


@pytest.mark.parametrize(
    ("entry", "ident"),
    [({"id": " a "}, "a"), ({"id": 5}, ""), ({}, ""), (None, ""), ("x", ""), ([], "")],
)
def test_an_id_is_text(entry, ident):
    assert id_of(entry) == ident
