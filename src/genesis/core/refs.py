"""ModelRef: `provider/model@profile`, as people and settings write it (genesis.md 11).

The first slash ends the provider, which is compared in lower case; everything behind it is the model's id, slashes and
case untouched. A trailing `@profile` names a stored key, unless it is part of the id (a date, a quantisation mark).
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from genesis.core.fault import GenesisError

PROVIDER_ALIASES: Mapping[str, str] = {
    "z.ai": "zai",
    "z-ai": "zai",
    "qwencloud": "qwen",
    "modelstudio": "qwen",
    "bedrock": "amazon-bedrock",
    "aws-bedrock": "amazon-bedrock",
    "kimi-code": "kimi",
    "kimi-coding": "kimi",
    "opencode-zen": "opencode",
    "bytedance": "volcengine",
    "doubao": "volcengine",
}
# What may follow an `@` and still belong to the id.
_OWN_MARK = re.compile(r"@(?:\d{8}|q\d\w*|\d+bit)(?=@|$)", re.IGNORECASE)


class ModelRef(msgspec.Struct, frozen=True):
    """One model of one provider; `profile` is the stored key that is asked for."""

    provider: str
    model: str
    profile: str | None = None


def normal_provider(text: str) -> str:
    """A provider's id as it is compared: trimmed, lower case, aliases resolved."""
    name = text.strip().lower()
    return PROVIDER_ALIASES.get(name, name)


def split_profile(text: str) -> tuple[str, str | None]:
    """The text without its `@profile`, and the profile: the first `@` behind the last slash that begins one."""
    start = text.rfind("/") + 1
    at = text.find("@", start)
    while at >= 0:
        mark = _OWN_MARK.match(text, at)
        if mark is None:
            break
        at = text.find("@", mark.end())
    # An id may begin with an @ (`@cf/…`): then that is no profile.
    if at <= 0 or at == start or at == len(text) - 1:
        return text, None
    return text[:at], text[at + 1 :]


def parse(text: str, default_provider: str = "") -> ModelRef:
    """The reference that a text writes. Raises GenesisError `Invalid model reference: …`."""
    trimmed = text.strip()
    body, profile = split_profile(trimmed)
    provider, slash, model = body.partition("/")
    if not slash:
        provider, model = default_provider, body
    provider, model = normal_provider(provider), model.strip()
    if not provider or not model:
        raise GenesisError(f"Invalid model reference: {text.strip()}")
    return ModelRef(provider, model, profile)


def key(ref: ModelRef) -> str:
    """`provider/model`; the model alone when it already begins with its provider."""
    prefix = f"{ref.provider}/"
    if ref.model.lower().startswith(prefix.lower()):
        return ref.model
    return prefix + ref.model


def _models(texts: Iterable[str]) -> Iterator[ModelRef]:
    """The references among texts, without their profiles: two keys of one model are one model."""
    for text in texts:
        try:
            ref = parse(text)
        except GenesisError:
            continue
        yield ModelRef(ref.provider, ref.model)


def resolve(
    text: str, default_provider: str, aliases: Mapping[str, str], known: Iterable[str] = ()
) -> tuple[ModelRef, str | None]:
    """The reference that a text means, and a warning if it had to be guessed.

    `aliases` are names of references, compared without case and without `@profile`. A text without a slash is an
    alias, else the one model among `known` references with that id, else a model of the default provider.
    """
    trimmed = text.strip()
    if "/" in trimmed or not trimmed:
        return parse(trimmed, default_provider), None
    name, profile = split_profile(trimmed)
    for alias, target in aliases.items():
        if alias.strip().lower() == name.lower():
            found = parse(target, default_provider)
            return ModelRef(found.provider, found.model, profile or found.profile), None
    same = {one for one in _models(known) if one.model.lower() == name.lower()}
    if len(same) == 1:
        only = same.pop()
        return ModelRef(only.provider, only.model, profile), None
    ref = parse(trimmed, default_provider)
    shown = key(ref)
    return ref, (
        f'Model "{trimmed}" specified without provider. Falling back to "{shown}". '
        f'Please use "{shown}" in your config.'
    )
