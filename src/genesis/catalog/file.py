"""`models.json`: what was last discovered, so that a start without network knows it too (genesis.md 3.3, 3.4).

A key from the environment is written as the name of its variable; a key that is stored elsewhere is not written at all.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from genesis.config.files import locked, write_private
from genesis.core.model import Model


class ProviderRecord(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One provider as it is kept. `api_key` is the name of an environment variable, never a key."""

    base_url: str
    api: str
    models: tuple[Model, ...] = ()
    api_key: str = ""


def read(path: Path) -> dict[str, ProviderRecord]:
    """The providers of a file; those that cannot be read are left out, and a broken file is none."""
    return {
        name: record
        for name, entry in _content(path).items()
        if (record := _record(entry)) is not None
    }


def write(
    path: Path, records: Mapping[str, ProviderRecord], mode: Literal["merge", "replace"] = "merge"
) -> bool:
    """Keep the providers; whether the file changed. `merge` leaves other providers' entries as they are.

    Nothing is written when there are no providers, or when the content is the same.
    """
    if not records:
        return False
    with locked(path):
        kept = _content(path) if mode == "merge" else {}
        providers = kept | {name: msgspec.to_builtins(record) for name, record in records.items()}
        text = (
            msgspec.json.format(msgspec.json.encode({"providers": providers}), indent=2).decode()
            + "\n"
        )
        if path.exists() and path.read_text(encoding="utf-8", errors="replace") == text:
            return False
        write_private(path, text)
        return True


def _content(path: Path) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    providers = content.get("providers") if isinstance(content, dict) else None
    return providers if isinstance(providers, dict) else {}


def _record(entry: object) -> ProviderRecord | None:
    try:
        return msgspec.convert(entry, ProviderRecord)
    except msgspec.ValidationError:
        return None
