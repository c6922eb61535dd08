"""One settings file as text: JSON5 in, two-space JSON out. Comments do not survive a command that changes the file."""

from pathlib import Path
from typing import Any

import msgspec

from genesis.core.fault import ConfigError


def parse(text: str) -> Any:
    """The content of a JSON5 text. Raises ConfigError `JSON5 parse failed: …`."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        pass  # plain JSON is read fifty times faster, and is what our own commands write
    # Late: the parser takes longer to load than most commands run, and most files do not need it.
    import json5  # noqa: PLC0415
    from json5.utils import JSON5DecodeError  # noqa: PLC0415

    try:
        return _plain(json5.loads(text))
    except (JSON5DecodeError, ValueError, SyntaxError, RecursionError) as error:
        raise ConfigError(f"JSON5 parse failed: {' '.join(str(error).split())[:300]}") from None


def read(path: Path) -> Any:
    """The content of a file; {} if there is none, or it is empty. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file cannot be read: {error}") from None
    return parse(text) if text.strip() else {}


def written(content: Any) -> str:
    """The content as a file."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def _plain(value: Any) -> Any:
    """The parser's own kinds of texts and keys as ordinary ones."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
