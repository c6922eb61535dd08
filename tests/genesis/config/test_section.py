"""What sections of the settings are made of."""

import msgspec
import pytest

from genesis.config.section import SecretRef, SecretSetting, Section, given
from genesis.core.secret import Secret


class Tea(Section, frozen=True):
    brewing_time: int = 3


def test_keys_are_written_in_camel_case_and_unknown_ones_refused():
    assert msgspec.convert({"brewingTime": 4}, Tea) == Tea(brewing_time=4)
    with pytest.raises(msgspec.ValidationError, match="unknown field `brewing_time`"):
        msgspec.convert({"brewing_time": 4}, Tea)


def test_a_section_is_not_changed():
    with pytest.raises(AttributeError):
        Tea().brewing_time = 4


@pytest.mark.parametrize("content", [{"source": "file", "id": "A"}, {"source": "env", "id": ""}])
def test_a_secret_is_kept_in_an_environment_variable_only(content):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(content, SecretRef)


def test_a_secret_setting_has_no_printed_form():
    setting = SecretSetting(literal=Secret("kg_live_canary"))
    assert "canary" not in f"{setting!r} {setting}"


def test_what_the_file_does_not_give_is_the_other_value():
    assert given(msgspec.UNSET, 5) == 5
    assert given(0, 5) == 0
