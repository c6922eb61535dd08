"""Every recorded reply crosses from each dialect to each other one; the committed table is what is measured."""

import pytest

from tests.dialects import crossing_requests
from tests.dialects.crossing import EXCEPTIONS, PAGE, crossings, page
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED

pytestmark = pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)


def test_what_does_not_cross_is_known_and_nothing_else() -> None:
    wrong = {
        (ident, target): how
        for (_, target), tally in crossings().items()
        for ident, how in tally.wrong.items()
    }
    assert wrong.keys() == EXCEPTIONS.keys(), wrong


def test_what_of_requests_differs_otherwise_than_the_loss_matrix_tells_is_known() -> None:
    wrong = {
        (ident, target): how
        for (_, target), found in crossing_requests.crossings().items()
        for ident, how in found.wrong.items()
    }
    assert wrong.keys() == crossing_requests.EXCEPTIONS.keys(), wrong


def test_the_table_is_what_is_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.dialects.crossing`"
