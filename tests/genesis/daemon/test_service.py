"""The service's unit and its environment; row L39."""

from pathlib import Path

import pytest

from genesis.auth.profiles import Profile
from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.daemon import service


def loaded(tmp_path, environ=None, **override):
    paths = Paths.of({"HOME": str(tmp_path)} | override)
    paths.state_dir.mkdir(parents=True, exist_ok=True)
    paths.dotenv.write_text("NODE_OPTIONS=--x\nEMPTY=\nVALID=ok\nSHARED=file\n")
    paths.config_path.write_text('{ env: { SHARED: "settings" } }')
    return load(paths, environ or {}).require()


def test_L39_only_portable_safe_values_go_into_the_service(tmp_path):
    environ = {"KILOCODE_API_KEY": "kk-1", "UNRELATED": "x"}
    profiles = {"kilocode:default": Profile("api_key", "kilocode", key_env="KILOCODE_API_KEY")}
    found = service.service_environment(loaded(tmp_path, environ), profiles)
    assert found == {"VALID": "ok", "SHARED": "settings", "KILOCODE_API_KEY": "kk-1"}


def test_an_installation_writes_private_files_and_tells_what_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(service.shutil, "which", lambda _name: None)
    here = loaded(tmp_path)
    environ = {"HOME": str(tmp_path)}
    told = service.install(here, {}, environ)
    assert "  systemctl --user restart genesis-gateway.service" in told
    environment = service.environment_path(here.paths)
    assert environment.stat().st_mode & 0o777 == 0o600
    assert 'VALID="ok"' in environment.read_text()
    unit = service.unit_path(environ).read_text()
    assert "gateway run" in unit
    assert "Environment=" not in unit.replace("EnvironmentFile=", "")
    service.uninstall(here.paths, environ)
    assert not environment.exists()
    assert not service.unit_path(environ).exists()
    assert service.uninstall(here.paths, environ) == ["It is not installed."]


PLACES = {
    "the usual ones": ({}, []),
    "another state folder": (
        {"GENESIS_STATE_DIR": "/srv/state"},
        ['Environment="GENESIS_STATE_DIR=/srv/state"'],
    ),
    "another home": ({"GENESIS_HOME": "/srv/100%"}, ['Environment="GENESIS_HOME=/srv/100%%"']),
    "another file": (
        {"GENESIS_CONFIG_PATH": '/srv/a "b".json'},
        ['Environment="GENESIS_CONFIG_PATH=/srv/a \\"b\\".json"'],
    ),
}


@pytest.mark.parametrize(("override", "lines"), PLACES.values(), ids=PLACES)
def test_the_service_is_told_where_things_are(override, lines):
    environ = {"HOME": "/home/someone"} | override
    text = service.unit_text(Paths.of(environ), environ)
    assert [line for line in text.splitlines() if line.startswith("Environment=")] == lines


def test_the_unit_is_where_systemd_looks_for_it():
    assert service.unit_path({"HOME": "/h", "GENESIS_HOME": "/g"}) == Path(
        "/h/.config/systemd/user/genesis-gateway.service"
    )
    assert service.unit_path({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == Path(
        "/x/systemd/user/genesis-gateway.service"
    )


def systemctl(tmp_path, monkeypatch, script):
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(service.shutil, "which", lambda _name: str(program))


def test_systemd_is_asked_to_start_it(tmp_path, monkeypatch):
    systemctl(tmp_path, monkeypatch, f'echo "$@" >> {tmp_path}/asked')
    environ = {"HOME": str(tmp_path)}
    told = service.install(loaded(tmp_path), {}, environ)
    assert told[-1].startswith("Started it")
    service.uninstall(loaded(tmp_path).paths, environ)
    assert (tmp_path / "asked").read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable genesis-gateway.service",
        "--user restart genesis-gateway.service",
        "--user disable --now genesis-gateway.service",
    ]


def test_what_systemd_refuses_is_told_with_what_is_left_to_do(tmp_path, monkeypatch):
    systemctl(tmp_path, monkeypatch, 'echo "No bus." >&2; [ "$2" = daemon-reload ]')
    told = service.install(loaded(tmp_path), {}, {"HOME": str(tmp_path)})
    assert told[-3:] == [
        "`systemctl --user enable genesis-gateway.service` failed: No bus. When a user session of systemd is there, run:",
        "  systemctl --user enable genesis-gateway.service",
        "  systemctl --user restart genesis-gateway.service",
    ]


def test_the_token_that_the_settings_refer_to_goes_along(tmp_path):
    here = loaded(tmp_path, {"MY_TOKEN": "t1"})
    here.paths.config_path.write_text(
        '{ gateway: { auth: { token: { source: "env", id: "MY_TOKEN" } } } }'
    )
    again = load(here.paths, {"MY_TOKEN": "t1"}).require()
    assert service.service_environment(again, {})["MY_TOKEN"] == "t1"


def test_values_are_quoted_for_the_environment_file(tmp_path, monkeypatch):
    monkeypatch.setattr(service.shutil, "which", lambda _name: None)
    here = loaded(tmp_path)
    here.paths.dotenv.write_text("A=it \"is\" $HOME\nB='two\nlines'\n")
    service.install(here, {}, {"HOME": str(tmp_path)})
    written = service.environment_path(here.paths).read_text()
    assert 'A="it \\"is\\" $HOME"' in written
    assert "B=" not in written
