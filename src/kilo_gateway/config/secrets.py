"""Credentials in settings: "env:NAME", "file:PATH" or the text itself, read into a Secret."""

import re
from collections.abc import Mapping
from pathlib import Path

from kilo_gateway.core.secret import Secret

_LARGEST_BYTES = 65_536
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Notations of other programs, which here would be sent as if they were the key itself.
_FOREIGN = re.compile(r"(?:\$\{?|os\.environ/)([A-Za-z_][A-Za-z0-9_]*)\}?")


class SecretError(ValueError):
    """A credential that cannot be read. The message names the variable or file, never a value."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.suggestion = suggestion


def is_literal(reference: str) -> bool:
    """Whether the setting holds the credential itself rather than telling where it is."""
    return bool(reference) and not reference.startswith(("env:", "file:"))


def resolve(
    reference: str, *, environ: Mapping[str, str], base: Path, is_header: bool = True
) -> Secret:
    """The credential behind a setting; paths are relative to `base`, the directory of the configuration file.

    The empty text gives an empty (false) Secret. What goes into a header (`is_header`) is ASCII. Raises SecretError.
    """
    if reference.startswith("env:"):
        text = _from_environment(reference.removeprefix("env:").strip(), environ)
    elif reference.startswith("file:"):
        text = _from_file(reference.removeprefix("file:").strip(), base)
    else:
        foreign = _FOREIGN.fullmatch(reference)
        if foreign:
            raise SecretError(
                "this notation for environment variables is not known here", f"env:{foreign[1]}"
            )
        text = reference
    if not text.isprintable():
        raise SecretError("the credential holds a line break or a control character")
    if is_header and not text.isascii():
        raise SecretError(
            "the credential holds a character that is not ASCII: no header carries it"
        )
    return Secret(text)


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if not _VARIABLE.fullmatch(name):
        raise SecretError('after "env:" comes the name of an environment variable')
    text = environ.get(name, "").strip()
    if not text:
        state = "is empty" if name in environ else "is not set"
        raise SecretError(f"the environment variable {name} {state}")
    return text


def _from_file(name: str, base: Path) -> str:
    if not name:
        raise SecretError('after "file:" comes the path of a file')
    path = base / Path(name).expanduser()
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise SecretError(f"the file {path} cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST_BYTES:
        raise SecretError(f"the file {path} is larger than {_LARGEST_BYTES} bytes")
    try:
        text = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretError(f"the file {path} is not UTF-8 text") from None
    if not text:
        raise SecretError(f"the file {path} is empty")
    return text
