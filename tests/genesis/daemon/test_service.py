"""The service's unit and its environment; row L39."""

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
    told = service.install(here, {})
    assert "systemctl --user enable --now genesis-gateway.service" in "\n".join(told)
    environment = service.environment_path(here.paths)
    assert environment.stat().st_mode & 0o777 == 0o600
    assert 'VALID="ok"' in environment.read_text()
    unit = service.unit_path(here.paths).read_text()
    assert "gateway run" in unit
    assert "Environment=" not in unit.replace("EnvironmentFile=", "")
    service.uninstall(here.paths)
    assert not environment.exists()
    assert service.uninstall(here.paths) == ["It is not installed."]


def test_another_state_folder_is_told_to_the_service(tmp_path):
    here = loaded(tmp_path, GENESIS_STATE_DIR=str(tmp_path / "other"))
    assert f'Environment="GENESIS_STATE_DIR={tmp_path / "other"}"' in service.unit_text(here.paths)
