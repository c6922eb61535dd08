"""The gateway's list of models as ours (genesis.md 2.3 to 2.6). Pure: a status and a body in, models and warnings out."""

from typing import Any

import msgspec

from genesis.core.model import DEFAULT_CONTEXT_WINDOW, DEFAULT_MAX_TOKENS, Model
from genesis.core.text import one_line
from genesis.providers.compatible.listing import MALFORMED, id_of, model_of
from genesis.providers.provider import Warn

AUTO = "kilo/auto"
STATIC = (
    Model(
        id=AUTO,
        name="Kilo Auto",
        reasoning=True,
        input=("text", "image"),
        context_window=DEFAULT_CONTEXT_WINDOW,
        max_tokens=DEFAULT_MAX_TOKENS,
    ),
)
_SHOWN = 120


def models_of(status: int, body: bytes, warn: Warn) -> list[Model]:
    """The models of an answer; the static ones, with a warning, if it has none."""
    if not 200 <= status < 300:
        warn(f"Failed to discover models: HTTP {status}, using static catalog")
        return list(STATIC)
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return failed(error, warn)
    if content is None:
        return failed(ValueError("the answer is null"), warn)
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, list) or not data:
        warn("No models found from gateway API, using static catalog")
        return list(STATIC)
    return with_static(_mapped(data, warn))


def failed(error: Exception, warn: Warn) -> list[Model]:
    """The static models: the gateway could not be asked, or its answer not be read."""
    text = one_line(str(error)) or type(error).__name__
    warn(f"Discovery failed: {text}, using static catalog")
    return list(STATIC)


def with_static(models: list[Model]) -> list[Model]:
    """The models with `kilo/auto` among them: the gateway's own, else the static one in front."""
    if any(model.id == AUTO for model in models):
        return models
    return [*STATIC, *models]


def _mapped(data: list[Any], warn: Warn) -> list[Model]:
    found: dict[str, Model] = {}
    for entry in data:
        ident = id_of(entry)
        # An id counts as seen when it was mapped: a sound entry after a malformed one of the same id is kept.
        if not ident or ident in found:
            continue
        try:
            found[ident] = model_of(ident, entry)
        except MALFORMED as error:
            warn(
                f'Skipping malformed model entry "{one_line(ident, _SHOWN)}": {one_line(_why(error))}'
            )
    return list(found.values())


def _why(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
