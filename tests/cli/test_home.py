"""The state directory is private, and files are found where people expect them."""

import os
from pathlib import Path

import pytest
import typer

from kilo_gateway.cli.home import config_path, home_path, loaded_settings, state_home


def refused(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(typer.Exit) as raised:
        state_home(environ)
    assert raised.value.exit_code == 2
    return capsys.readouterr().err


def test_the_home_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    home = state_home({"KILO_GATEWAY_HOME": str(tmp_path / "a" / "b")})
    assert home == tmp_path / "a" / "b"
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_home_that_others_may_read_is_kept(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert state_home({"KILO_GATEWAY_HOME": str(tmp_path)}) == tmp_path


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_home_that_others_may_write_to_is_refused(
    tmp_path: Path, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(mode)
    assert "chmod 700" in refused({"KILO_GATEWAY_HOME": str(tmp_path)}, capsys)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_home_of_somebody_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.chown(tmp_path, 12_345, -1)
    assert "belongs to another user" in refused({"KILO_GATEWAY_HOME": str(tmp_path)}, capsys)


def test_a_home_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f").touch()
    assert "cannot be made" in refused({"KILO_GATEWAY_HOME": str(tmp_path / "f")}, capsys)


def test_the_usual_home_is_below_that_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert home_path({}) == Path("/somewhere/.kilo-gateway")
    assert home_path({"KILO_GATEWAY_HOME": "~/x"}) == Path("/somewhere/x")
    assert home_path({"KILO_GATEWAY_HOME": "/a"}, "/b") == Path("/b")


def test_the_configuration_is_the_option_else_the_variable_else_in_the_home(home: Path) -> None:
    environ = {"KILO_GATEWAY_HOME": str(home)}
    assert config_path(None, environ) is None
    home.mkdir()
    (home / "config.toml").touch()
    assert config_path(None, environ) == home / "config.toml"
    environ["KILO_GATEWAY_CONFIG"] = "/v.toml"
    assert config_path(None, environ) == Path("/v.toml")
    assert config_path(Path("/o.toml"), environ) == Path("/o.toml")


def test_wrong_settings_end_the_command_with_all_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.toml"
    path.write_text("x = 1\ny = 2\n")
    with pytest.raises(typer.Exit) as raised:
        loaded_settings(path, {})
    assert raised.value.exit_code == 2
    assert capsys.readouterr().err.count("no such setting") == 2
