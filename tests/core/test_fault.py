"""Faults: one table from kind to status, side and words; nothing private in what clients see."""

import pytest

from kilo_gateway.core.fault import ERROR_TYPES, KINDS, Blame, Fault, Kind

# gateway.md 4.2, where decisions.md does not say otherwise.
STATUSES = {
    "invalid_path": 400,
    "invalid_request": 400,
    "unsupported_field": 400,
    "api_kind_not_supported": 400,
    "authentication_required": 401,
    "paid_model_auth_required": 401,
    "model_not_allowed": 404,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "client_disconnect": 499,
    "temporarily_unavailable": 503,
    "upstream_disconnect": 503,
    "timeout": 503,
    "store_unavailable": 503,
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_row(kind):
    row = KINDS[kind]
    assert 400 <= row.status < 600
    assert row.openai_type
    assert row.code


@pytest.mark.parametrize(("error_type", "status"), STATUSES.items())
def test_the_status_of_an_error_type_is_that_of_the_wire_contract(error_type, status):
    assert Fault(Kind(error_type), "x").status == status


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CLIENT_DISCONNECT])
def test_the_side_fits_the_status(kind):
    row = KINDS[kind]
    if row.blame in {Blame.CALLER, Blame.KEY}:
        assert row.status < 500
    if row.blame is Blame.US:
        assert row.status >= 500


def test_kinds_that_share_a_wire_name_show_it():
    assert {Fault(kind, "x").error_type for kind in ERROR_TYPES} <= {
        "upstream_disconnect",
        "upstream_error",
        "model_not_found",
    }
    assert Fault(Kind.UPSTREAM_CONNECT, "x").error_type == "upstream_disconnect"
    assert Fault(Kind.CONTEXT_OVERFLOW, "x").error_type == "context_length_exceeded"


def test_a_status_of_its_own_wins_over_the_table():
    assert Fault(Kind.UPSTREAM_REJECTED, "x", status=422).status == 422


def test_the_text_of_a_fault_is_its_public_message():
    fault = Fault(Kind.INTERNAL, "The gateway failed.", detail="secret detail")
    assert str(fault) == "The gateway failed."
    assert "secret detail" in repr(fault)
