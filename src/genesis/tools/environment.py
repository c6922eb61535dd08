"""The environment of commands: that of Genesis without its own variables and without keys of providers."""

import re
from collections.abc import Collection, Mapping

from genesis.core.secret import Secret

_OWN = ("GENESIS_", "KILOCODE_")
# Not *_TOKEN and *_PASSWORD as such: what a project's own tools need (GITHUB_TOKEN, PGPASSWORD) is the person's to give.
_NAMES = re.compile(r"API_?KEY|(?:^|_)KEY$|(?:ACCESS|AUTH|API|BEARER)_?TOKEN|SECRET", re.IGNORECASE)
# Keys that tell by their look what they are, whatever the variable is called.
_KEYS = re.compile(
    r"(?<![\w-])(?:sk-[\w-]{16,}|kg_live_\w{8,}|gsk_\w{16,}|xai-\w{16,}|AIza[\w-]{20,}|hf_\w{16,}|r8_\w{16,}|pplx-\w{16,})"
)
# A shorter one would be found in words that have nothing to do with it.
_SHORTEST = 8


def without_keys(
    environ: Mapping[str, str], names: Collection[str], secrets: Collection[Secret]
) -> dict[str, str]:
    """`names` are variables that hold keys; a variable that has one of the `secrets` in it goes whatever its name."""
    values = {secret.reveal() for secret in secrets}
    inside = {value for value in values if len(value) >= _SHORTEST}
    return {
        name: value
        for name, value in environ.items()
        if name not in names
        and not name.startswith(_OWN)
        and not _NAMES.search(name)
        and not _KEYS.search(value)
        and value.strip() not in values
        and not any(secret in value for secret in inside)
    }
