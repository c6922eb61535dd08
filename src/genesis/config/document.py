"""One settings file as text: JSON5 in; a changed file keeps every comment and every line that the change does not touch."""

from pathlib import Path
from typing import Any

import msgspec

from genesis.config.json5_text import Json5Error, read_json5
from genesis.config.splice import spliced
from genesis.core.fault import ConfigError


def parse(text: str) -> Any:
    """The content of a JSON5 text; {} if it is empty. Raises ConfigError `JSON5 parse failed: …`."""
    if not text.strip("\ufeff \t\r\n"):
        return {}
    try:
        return read_json5(text).value
    except Json5Error as error:
        raise ConfigError(f"JSON5 parse failed: {error}") from None


def read_text(path: Path) -> str:
    """The text of a file; "" if there is none. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ConfigError("The file cannot be read: it is not UTF-8 text.") from None
    except OSError as error:
        raise ConfigError(f"The file cannot be read: {error.strerror}") from None


def read(path: Path) -> Any:
    """The content of a file; {} if there is none, or it is empty. Raises ConfigError."""
    return parse(read_text(path))


def written(content: Any) -> str:
    """The content as a new file: two-space JSON."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def changed(text: str, content: dict[str, Any]) -> str:
    """The text with its content changed to `content`; what stays the same keeps its form and its comments."""
    if not text.strip("\ufeff \t\r\n"):
        return written(content)
    new = spliced(text, read_json5(text), content)
    try:
        is_faithful = read_json5(new).value == content
    except Json5Error:
        is_faithful = False
    # A layout that the splicing does not understand costs comments, never a setting.
    return new if is_faithful else written(content)
