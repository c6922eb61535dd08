"""`/export`."""

import stat

import msgspec
import pytest

from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, TextBlock
from genesis.screen.export import export_session
from genesis.session.conversation import SessionView
from tests.genesis.session.fakes import said

VIEW = SessionView(
    "abc", (said("Hi"), AssistantMessage((TextBlock("Yes"),), "p", "m")), "p/m", created_at=0.0
)


@pytest.mark.parametrize(
    ("words", "name", "is_json"),
    [
        ([], "genesis-abc.md", False),
        (["json"], "genesis-abc.json", True),
        (["MD"], "genesis-abc.md", False),
        (["notes.txt"], "notes.txt", False),
        (["out.json"], "out.json", True),
        (["markdown", "out.json"], "out.json", False),
    ],
)
def test_the_words_say_which_form_and_which_file(tmp_path, words, name, is_json):
    path = export_session(VIEW, tmp_path, words)
    assert path == tmp_path / name
    text = path.read_text()
    if is_json:
        assert msgspec.json.decode(text)["createdAt"] == 0.0
    else:
        assert text.startswith("# Hi\n\nSession abc, begun 1970-01-01")


def test_only_this_user_can_read_it(tmp_path):
    assert stat.S_IMODE(export_session(VIEW, tmp_path, []).stat().st_mode) == 0o600


def test_a_file_that_is_there_stays_as_it_is(tmp_path):
    (tmp_path / "there.md").write_text("mine")
    with pytest.raises(
        GenesisError, match=r"is there already. Name another file: /export markdown"
    ):
        export_session(VIEW, tmp_path, ["there.md"])
    assert (tmp_path / "there.md").read_text() == "mine"


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(GenesisError, match=r"cannot be written: No such file.*/export json <file>"):
        export_session(VIEW, tmp_path, ["json", "no/out"])
