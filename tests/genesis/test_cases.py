"""Every row of the shared cases is met by a test that has its number in its name or its id; those that are not are told here."""

import re
from pathlib import Path

import pytest

CASES = Path(__file__).parents[3] / "shared" / "spec" / "genesis-cases.md"
TESTS = Path(__file__).parent
NOT_MET = {
    "F8": "which models keep a cache matters to pruning between turns alone, and Genesis has no such pruning",
    "F9": "the same",
}


def rows() -> list[str]:
    """The rows' numbers."""
    if not CASES.exists():
        pytest.skip("the shared cases are not here")
    return re.findall(r"^\| ([A-N]\d+) \|", CASES.read_text(), re.MULTILINE)


def numbers() -> set[str]:
    """What stands in names and ids of tests: `test_B25_to_B27_…`, `id="H22"`, `ids=["N4", …]`."""
    here = Path(__file__)
    texts = [file.read_text() for file in TESTS.rglob("test_*.py") if file != here]
    found: set[str] = set()
    for text in texts:
        names = " ".join(re.findall(r"def (test_\w+)", text)).upper()
        found |= set(re.findall(r"(?<=_)[A-N]\d{1,2}(?=_)", names))
        found |= set(re.findall(r"(?<![A-Za-z0-9])[A-N]\d{1,2}(?!\d)", text))
    for text in texts:
        for letter, first, last in re.findall(r"([A-N])(\d+)(?:_to_|-)[A-N](\d+)", text):
            found |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return found


def test_every_row_has_its_test():
    assert set(rows()) - numbers() == set(NOT_MET)
