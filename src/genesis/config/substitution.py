"""`${VAR}` in texts of the settings: replaced by the environment's value, once; `$${VAR}` stays as `${VAR}`.

Only upper-case names are variables, so `$VAR`, `${lower}` and `${1A}` are plain text. An empty variable counts as
missing: a key that is empty helps nobody, and the message should say so where it is used.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

_REFERENCE = re.compile(r"\$(\$)?\{([A-Z_][A-Z0-9_]*)\}")

Missing = Callable[[str, str], None]


def substitute(value: Any, environ: Mapping[str, str], missing: Missing, path: str = "") -> Any:
    """A copy of the value with its variables replaced; a missing one is told to `missing` and stays as written."""
    if isinstance(value, str):
        return _in_text(value, environ, missing, path)
    if isinstance(value, dict):
        return {
            key: substitute(item, environ, missing, f"{path}.{key}" if path else key)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            substitute(item, environ, missing, f"{path}[{index}]")
            for index, item in enumerate(value)
        ]
    return value


def has_reference(text: str) -> bool:
    """Does the text still name a variable?"""
    return any(not match[1] for match in _REFERENCE.finditer(text))


def _in_text(text: str, environ: Mapping[str, str], missing: Missing, path: str) -> str:
    if "$" not in text:
        return text

    def value_of(match: re.Match[str]) -> str:
        is_escaped, name = match.groups()
        if is_escaped:
            return "${" + name + "}"
        value = environ.get(name, "")
        if value:
            return value
        missing(name, path)
        return match[0]

    return _REFERENCE.sub(value_of, text)
