"""The environment of commands: that of Genesis without its own variables and without keys of providers."""

from collections.abc import Collection, Mapping

from genesis.core.secret import Secret

_OWN = ("GENESIS_", "KILOCODE_")
_KEYS = ("_API_KEY", "_AUTH_TOKEN")


def without_keys(
    environ: Mapping[str, str], names: Collection[str], secrets: Collection[Secret]
) -> dict[str, str]:
    """`names` are variables that hold keys; a variable that holds one of the `secrets` goes whatever its name."""
    values = {secret.reveal() for secret in secrets}
    return {
        name: value
        for name, value in environ.items()
        if name not in names
        and not name.startswith(_OWN)
        and not name.upper().endswith(_KEYS)
        and value.strip() not in values
    }
