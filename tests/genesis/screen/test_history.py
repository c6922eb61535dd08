"""History is private, bounded, and forgets what begins with a space."""

import stat

from genesis.screen.history import PrivateHistory


def test_the_file_is_private_even_if_it_was_not(tmp_path):
    path = tmp_path / "state" / "history"
    PrivateHistory(path).store_string("one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    PrivateHistory(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_typed_comes_back_the_newest_first(tmp_path):
    history = PrivateHistory(tmp_path / "history")
    for text in ("one", "two\nlines", " secret"):
        history.store_string(text)
    again = PrivateHistory(tmp_path / "history")
    assert list(again.load_history_strings()) == ["two\nlines", "one"]


def test_an_oversized_file_loses_its_older_half(tmp_path):
    path = tmp_path / "history"
    history = PrivateHistory(path)
    for count in range(3):
        history.store_string(f"{count} " + "x" * 400_000)
    texts = list(PrivateHistory(path).load_history_strings())
    assert [text[:2] for text in texts] == ["2 "]
