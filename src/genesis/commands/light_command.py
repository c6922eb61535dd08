"""LightCommand and LightGroup: commands whose texts and flags typer takes as they are.

The typer of today loads pydantic to check the first option that is not a given flag, `--help` too. That costs half of the
time that `genesis models list` has. What is a text already, or has its default, needs no check; only the rest goes the long
way. A typer without that step never asks, so nothing changes there.
"""

from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typing_extensions import override


class LightCommand(TyperCommand):
    """Use it as `typer.command(cls=LightCommand)`."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _lighten(self.get_params(ctx))
        return super().parse_args(ctx, args)


class LightGroup(TyperGroup):
    """Use it as `typer.Typer(cls=LightGroup)`."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _lighten(self.get_params(ctx))
        return super().parse_args(ctx, args)


def _lighten(parameters: list[Any]) -> None:
    for parameter in parameters:
        usual = getattr(parameter, "get_runtime_param", None)
        if usual is not None and not isinstance(usual, _Taken):
            vars(parameter)["get_runtime_param"] = _Taken(parameter, usual)


class _Taken:
    """Stands where typer asks for the check of one parameter."""

    def __init__(self, parameter: Any, usual: Callable[[], Any]) -> None:
        self._annotation = parameter.type_descriptor.annotation
        self._usual = usual

    def __call__(self) -> "_Taken":
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value for the command's function."""
        is_many = param.multiple or param.nargs == -1
        if value is None:
            return () if is_many else None
        if is_many and self._annotation == list[str]:
            return list(value)
        if isinstance(value, bool) or self._is_taken(value):
            return value
        return self._usual().coerce(value, param=param, ctx=ctx)

    def _is_taken(self, value: Any) -> bool:
        if self._annotation in {str, str | None}:
            return isinstance(value, str)
        # A number from the command line is a text still; a default is a number.
        return isinstance(self._annotation, type) and isinstance(value, self._annotation)
