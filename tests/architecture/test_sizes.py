"""No file and no function is too long to be read at once. The lists of exemptions may only shrink."""

from tests.architecture.trees import functions_of, sources

FILE_LINES = 400
FUNCTION_LINES = 60

LONG_FILES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()


def test_no_file_is_longer_than_400_lines():
    long = {
        name for name, path in sources().items() if len(path.read_text().splitlines()) > FILE_LINES
    }
    assert long == LONG_FILES, "split what is new here; strike what is no longer long"


def test_no_function_is_longer_than_60_lines():
    long = {
        f"{name}:{function.name}"
        for name in sources()
        for function in functions_of(name)
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_LINES
    }
    assert long == LONG_FUNCTIONS, "split what is new here; strike what is no longer long"
