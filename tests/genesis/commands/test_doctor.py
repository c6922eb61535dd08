"""`genesis doctor`, run as a user runs it."""

import io
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import msgspec
import pytest

from genesis.main import main


@pytest.fixture
def genesis(tmp_path, monkeypatch, capsys):
    """Runs the doctor in a folder of its own: exit code and stdout."""
    for name in ("GENESIS_HOME", "GENESIS_STATE_DIR", "GENESIS_CONFIG_PATH", "KILOCODE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        return main(["doctor", *arguments]), capsys.readouterr().out

    return run


@pytest.fixture
def config(tmp_path):
    (tmp_path / ".genesis").mkdir(mode=0o700)
    file = tmp_path / ".genesis" / "genesis.json"
    file.touch(mode=0o600)
    return file


GOOD = """{ env: { KILOCODE_API_KEY: 'kk' }, agents: { defaults: { model: 'kilocode/kilo/auto' } },
  models: { providers: { kilocode: { baseUrl: '%s', models: [] } } } }"""
NOWHERE = "http://127.0.0.1:9/"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"data": [{"id": "kilo/auto", "pricing": {}}]}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def gateway():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_all_is_well_where_the_gateway_answers(genesis, config, gateway):
    config.write_text(GOOD % gateway)
    assert genesis() == (0, "Everything is as it should be.\n")


def test_a_gateway_that_does_not_answer_is_a_warning(genesis, config):
    config.write_text(GOOD % NOWHERE)
    code, out = genesis()
    assert code == 0
    assert out.startswith(f"! {NOWHERE} did not give its models: ")
    assert genesis("--offline") == (0, "Everything is as it should be.\n")


def test_without_anything_a_key_is_missing(genesis):
    code, out = genesis()
    assert code == 1
    assert out == (
        "· No default model is set; kilocode/kilo/auto is used.\n"
        "    `genesis models set kilocode/kilo/auto` makes it your choice.\n"
        '✗ There is no key for provider "kilocode", which the default model needs.\n'
        "    `genesis models auth login --provider kilocode`, or set KILOCODE_API_KEY.\n"
    )


def test_fix_with_yes_mends_all(genesis, config):
    config.write_text((GOOD % NOWHERE).replace("{ env", "{ gatway: 1, env"))
    config.chmod(0o644)
    code, out = genesis("--offline")
    assert code == 1
    assert out.endswith("`genesis doctor --fix` can mend 2 of them.\n")
    code, out = genesis("--fix", "--yes", "--offline")
    assert code == 0
    assert out.splitlines() == [
        "Took gatway out of ~/.genesis/genesis.json.",
        "~/.genesis/genesis.json is now for you alone (mode 0600).",
        "Everything is as it should be.",
    ]
    assert config.stat().st_mode & 0o777 == 0o600
    assert config.read_text() == GOOD % NOWHERE


@pytest.mark.parametrize(("answer", "mended"), [("y\n", True), ("n\n", False), ("", False)])
def test_fix_asks(genesis, config, monkeypatch, answer, mended):
    config.write_text(GOOD % NOWHERE)
    config.parent.chmod(0o755)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    _, out = genesis("--fix", "--offline")
    assert out.startswith("Others may open ~/.genesis (mode 0755).\nMend it? [y/N] ")
    assert (config.parent.stat().st_mode & 0o777 == 0o700) is mended


def test_json(genesis, config):
    config.write_text("{ gateway: { port: 'sk-canary' } }")
    code, out = genesis("--json")
    report = msgspec.json.decode(out)
    assert (code, report["ok"]) == (1, False)
    assert report["findings"] == [
        {
            "check": "config",
            "level": "error",
            "message": "~/.genesis/genesis.json: gateway.port: expected a whole number, got a text",
            "cure": "Correct it: `genesis config set 'gateway.port' VALUE`, or unset it.",
            "fixable": False,
        }
    ]
    assert "canary" not in out
    assert genesis("--json", "--fix")[0] == 1
