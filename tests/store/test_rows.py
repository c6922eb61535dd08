"""Rows keep every field of what they stand for."""

import msgspec

from kilo_gateway.core.grant import Grant
from kilo_gateway.ledger.entry import Attribution
from kilo_gateway.store.rows import KeyRow, about_values, day_of, entry_values, key_row, key_values
from kilo_gateway.store.tables import entries, keys


def test_a_key_comes_back_from_its_columns(key_of):
    key = key_of(models=("openai/*", "lokal/ä"), expires_at=5.0)
    assert key_row([key_values(key)[column.name] for column in keys.columns]) == key


def test_the_columns_of_keys_are_the_fields_of_a_key():
    assert tuple(column.name for column in keys.columns) == KeyRow.__struct_fields__


def test_a_grant_holds_the_rights_of_its_key(key_of):
    key = key_of(models=("a/*",), expires_at=7.0)
    assert key.grant == Grant("key-1", "owner", "name-1", ("a/*",), 7.0)


def test_an_entry_has_a_value_for_each_column(entry_of):
    row = dict(zip(entries.columns.keys(), entry_values(entry_of(5)), strict=True))
    assert (row["id"], row["machine"], row["opened_day"]) == (f"{5:026d}", None, "2027-01-15")
    assert (row["status"], row["input_tokens"], row["usage_raw"]) == (
        200,
        1000,
        b'{"prompt_tokens":1000}',
    )
    assert (row["cost_nanodollars"], row["finish_reason"], row["has_error"]) == (500, "stop", False)


def test_the_last_columns_are_the_fields_of_an_attribution(entry_of):
    entry = entry_of(5)
    names = Attribution.__struct_fields__
    assert tuple(entries.columns.keys())[-len(names) :] == names
    assert about_values(entry) == msgspec.structs.astuple(entry.opening.about)


def test_days_are_utc():
    assert [day_of(at) for at in (0.0, 86399.9, 86400.0)] == [
        "1970-01-01",
        "1970-01-01",
        "1970-01-02",
    ]
