"""Environment on top of the file: KILO_GATEWAY_HOME, and KILO_GATEWAY__SERVER__PORT=4100 for any single value."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import msgspec

from kilo_gateway.config.problem import Finding, Path
from kilo_gateway.config.schema import Settings
from kilo_gateway.config.types import core, hints, is_struct, members
from kilo_gateway.config.words import closest

HOME_VARIABLE = "KILO_GATEWAY_HOME"
CONFIG_VARIABLE = "KILO_GATEWAY_CONFIG"
PREFIX = "KILO_GATEWAY__"


class Overrides(msgspec.Struct, frozen=True):
    """What the environment sets: values by path, the variable that each came from, and variables that are wrong."""

    values: dict[Path, Any]
    variables: dict[Path, str]
    wrong: dict[str, Finding]

    def laid_over(self, data: dict[str, Any]) -> dict[str, Any]:
        """A copy of the file's data with these values in it."""
        merged = dict(data)
        for path, value in self.values.items():
            section, name = str(path[0]), str(path[1])
            table = merged.get(section, {})
            if isinstance(table, dict):
                merged[section] = {**table, name: value}
        return merged


def overrides(environ: Mapping[str, str]) -> Overrides:
    """Everything that the environment says about settings."""
    values: dict[Path, Any] = {}
    variables: dict[Path, str] = {}
    wrong: dict[str, Finding] = {}
    known = variables_known()
    if environ.get(HOME_VARIABLE):
        values["state", "home"] = environ[HOME_VARIABLE]
        variables["state", "home"] = HOME_VARIABLE
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        path = known.get(variable)
        if path is None:
            wrong[variable] = _unknown(variable, known)
            continue
        hint = hints(core(hints(Settings)[path[0]]))[path[1]]
        values[path] = _parsed(environ[variable], hint)
        variables[path] = variable
    return Overrides(values, variables, wrong)


def variables_known() -> dict[str, tuple[str, str]]:
    """Every variable that sets a single value, with the path of its setting."""
    known: dict[str, tuple[str, str]] = {}
    for section, hint in hints(Settings).items():
        struct = core(hint)
        if not is_struct(struct):
            continue
        for name, field in hints(struct).items():
            if all(get_origin(core(member)) not in {tuple, dict} for member in members(field)):
                known[f"{PREFIX}{section}__{name}".upper()] = (section, name)
    return known


def _unknown(variable: str, known: Mapping[str, Path]) -> Finding:
    section, _, name = variable.removeprefix(PREFIX).lower().partition("__")
    struct = core(hints(Settings).get(section))
    exists = struct is not None and (not is_struct(struct) or name in hints(struct))
    if exists:
        return Finding((), f"[{section}] {name} is not a single value: set it in the file")
    return Finding((), "there is no such setting", closest(variable, known))


def _parsed(text: str, hint: Any) -> Any:
    """The text as the kind of value that the setting wants; as it is where it cannot be read so."""
    for member in members(hint):
        kind = core(member)
        if kind is str or get_args(kind):
            return text
        try:
            return msgspec.convert(text.strip(), kind, strict=False)
        except msgspec.ValidationError:
            continue
    return text
