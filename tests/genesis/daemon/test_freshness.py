"""Changed settings are in force with the next question."""

from genesis.core.fault import GenesisError
from genesis.daemon.freshness import Freshness


def test_only_a_change_is_read_and_a_bad_one_is_told(tmp_path):
    file, read, log = tmp_path / "genesis.json", [], []

    def reload():
        read.append(1)
        if file.read_text() == "bad":
            raise GenesisError("Invalid config.")

    fresh = Freshness((file,), reload, log.append)
    fresh()
    assert read == []
    file.write_text("good")
    fresh()
    fresh()
    assert read == [1]
    file.unlink()
    file.write_text("bad")
    fresh()
    fresh()
    assert read == [1, 1]
    assert log == [
        "The settings were read anew.\n",
        "The settings could not be read anew, the old ones stay: Invalid config.\n",
    ]


def test_it_can_be_asked_to(tmp_path):
    read = []
    Freshness((tmp_path / "none",), lambda: read.append(1), lambda _: None).reload()
    assert read == [1]
