"""What is wrong with an installation's files."""

import os

import pytest

from genesis.config.doctor import STALE_DAYS, examine
from genesis.config.files import make_private_dir, write_private
from genesis.config.load import load
from genesis.config.paths import Paths

NOW = 2_000_000_000.0
GOOD = '{ gateway: { mode: "local" } }\n'


class Place:
    """A user's folder with all files in order."""

    def __init__(self, folder):
        self.environ = {"HOME": str(folder)}
        self.folder = folder
        self.paths = Paths.of(self.environ)
        for part in (self.paths.agent_dir, self.paths.sessions_dir, self.paths.logs):
            make_private_dir(part)
        write_private(self.paths.config_path, GOOD)
        write_private(self.paths.auth_profiles, '{"version": 1, "profiles": {}}\n')
        write_private(self.paths.models_file, '{"providers": {}}\n')
        write_private(self.session, '{"type":"session"}\n{"a":1}\n')
        for file in (self.paths.models_file, self.session):
            os.utime(file, (NOW - 3600, NOW - 3600))

    @property
    def session(self):
        return self.paths.sessions_dir / "0123456789ab.jsonl"

    def examine(self):
        return list(examine(load(self.paths, self.environ, folder=self.folder), NOW))

    def one(self):
        [finding] = self.examine()
        return finding

    def mend(self):
        """Mend the one thing that is wrong; what is wrong then."""
        told = self.one().mend()
        return told, self.examine()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_nothing_is_wrong_with_good_files(place):
    assert place.examine() == []


def test_nothing_is_wrong_with_no_files(tmp_path):
    environ = {"HOME": str(tmp_path)}
    assert list(examine(load(Paths.of(environ), environ), NOW)) == []


def test_an_unknown_key_is_taken_out_and_comments_stay(place):
    write_private(place.paths.config_path, "{\n  // mine\n  gatway: {},\n  tools: {},\n}\n")
    finding = place.one()
    assert (finding.check, finding.level) == ("config", "error")
    assert finding.message == (
        '~/.genesis/genesis.json: gatway: unknown key. Did you mean "gateway"?'
    )
    told, rest = place.mend()
    assert (told, rest) == ("Took gatway out of ~/.genesis/genesis.json.", [])
    assert place.paths.config_path.read_text() == "{\n  // mine\n  tools: {},\n}\n"


def test_a_wrong_value_is_left_to_the_person(place):
    write_private(place.paths.config_path, "{ gateway: { port: 'x' } }")
    finding = place.one()
    assert finding.mend is None
    assert finding.cure == "Correct it: `genesis config set 'gateway.port' VALUE`, or unset it."


def test_a_broken_file_without_a_copy_is_left_to_the_person(place):
    write_private(place.paths.config_path, "{broken")
    finding = place.one()
    assert finding.message.startswith("~/.genesis/genesis.json: JSON5 parse failed: line 1")
    assert (finding.cure, finding.mend) == ("Correct the file by hand.", None)


def test_a_broken_file_is_replaced_by_its_last_good_copy(place):
    config = place.paths.config_path
    write_private(config, "{broken")
    write_private(config.with_name("genesis.json.bak"), "{also broken")
    write_private(config.with_name("genesis.json.bak.1"), GOOD)
    told, rest = place.mend()
    assert told == (
        "Put back ~/.genesis/genesis.json.bak.1; the broken file is now genesis.json.bak."
    )
    assert rest == []
    assert config.read_text() == GOOD
    assert config.with_name("genesis.json.bak").read_text() == "{broken"


@pytest.mark.parametrize(
    ("name", "mode", "closed", "level"),
    [
        ("state_dir", 0o755, 0o700, "warning"),
        ("sessions_dir", 0o750, 0o700, "warning"),
        ("config_path", 0o644, 0o600, "warning"),
        ("auth_profiles", 0o640, 0o600, "error"),
        ("models_file", 0o604, 0o600, "warning"),
    ],
)
def test_what_others_may_open_is_closed(place, name, mode, closed, level):
    path = getattr(place.paths, name)
    path.chmod(mode)
    assert place.one().level == level
    told, rest = place.mend()
    assert told.endswith(f"is now for you alone (mode {closed:04o}).")
    assert rest == []
    assert path.stat().st_mode & 0o777 == closed


@pytest.mark.parametrize("name", [".env", "genesis.json.bak.3"])
def test_files_beside_the_settings_are_looked_at_too(place, name):
    file = place.paths.state_dir / name
    write_private(file, "{}")
    file.chmod(0o644)
    assert f"~/.genesis/{name} " in place.one().message


def test_a_key_in_plain_text_is_told_without_the_key(place):
    block = "{ models: { providers: { k: { baseUrl: 'http://x', models: [], apiKey: 'KEY' } } } }"
    write_private(place.paths.config_path, block.replace("KEY", "sk-canary"))
    finding = place.one()
    assert finding.check == "secrets"
    assert "canary" not in f"{finding}"
    for harmless in ("KILOCODE_API_KEY", "${KILOCODE_API_KEY}"):
        write_private(place.paths.config_path, block.replace("KEY", harmless, 1))
        assert [row.check for row in place.examine() if row.check == "secrets"] == []


def test_a_missing_variable_is_told(place):
    write_private(place.paths.config_path, "{ gateway: { auth: { token: '${NONE}' } } }")
    assert place.one().check == "environment"


def test_names_that_the_folder_may_not_set_are_told(place):
    (place.folder / ".env").write_text("HTTP_PROXY=http://evil\n")
    finding = place.one()
    assert finding.level == "note"
    assert "HTTP_PROXY" in finding.message
    assert "evil" not in finding.message


def test_an_old_catalog_is_told(place):
    old = NOW - (STALE_DAYS + 2) * 86_400
    os.utime(place.paths.models_file, (old, old))
    assert place.one().message == (
        "The list of models is 9 days old (~/.genesis/agents/main/agent/models.json)."
    )


@pytest.mark.parametrize("text", ["{torn", "[]"])
def test_an_unreadable_catalog_is_deleted(place, text):
    write_private(place.paths.models_file, text)
    assert place.mend()[1] == []
    assert not place.paths.models_file.exists()


def test_a_torn_session_loses_its_torn_entry_alone(place):
    with place.session.open("a") as file:
        file.write('{"torn":')
    os.utime(place.session, (NOW - 60, NOW - 60))
    assert "is torn (8 bytes)" in place.one().message
    assert place.mend()[1] == []
    assert place.session.read_text() == '{"type":"session"}\n{"a":1}\n'


def test_a_session_that_is_being_written_is_left_alone(place):
    with place.session.open("a") as file:
        file.write('{"torn":')
    os.utime(place.session, (NOW - 60, NOW - 60))
    finding = place.one()
    with place.session.open("a") as file:
        file.write("1}\n")
    assert finding.mend().endswith("was left alone.")
    assert place.session.read_text().endswith('{"torn":1}\n')
    with place.session.open("a") as file:
        file.write("{")
    os.utime(place.session, (NOW - 1, NOW - 1))
    assert place.examine() == []
