"""`/export`: the open session as a new file, Markdown or JSON, for this user alone."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from genesis.config.files import PRIVATE_FILE
from genesis.core.fault import GenesisError
from genesis.session.conversation import SessionView
from genesis.session.export import Form, of_view

_SUFFIXES: Mapping[Form, str] = {"markdown": ".md", "json": ".json"}
_FORMS: Mapping[str, Form] = {"markdown": "markdown", "md": "markdown", "json": "json"}


def export_session(view: SessionView, folder: Path, arguments: Sequence[str]) -> Path:
    """Write a new file: `[markdown|json] [file]`. Never over one that is there."""
    rest = list(arguments)
    form = _FORMS.get(rest[0].lower()) if rest else None
    if form is not None:
        del rest[0]
    path = folder / Path(rest[0]).expanduser() if rest else None
    if form is None:
        form = "json" if path is not None and path.suffix == ".json" else "markdown"
    path = path or folder / f"genesis-{view.id}{_SUFFIXES[form]}"
    text = of_view(view).written(form)
    another = f"Name another file: /export {form} <file>"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise GenesisError(f"{path} is there already. {another}") from None
    except OSError as error:
        raise GenesisError(f"{path} cannot be written: {error.strerror}. {another}") from None
    return path
