"""`models.json`: rows C2, C3, C11."""

import pytest

from genesis.catalog import file
from genesis.core.model import Model

AUTO = Model("kilo/auto", "Kilo Auto", reasoning=True, input=("text", "image"))
RECORD = file.ProviderRecord("http://x/", "openai-completions", (AUTO,), "KILOCODE_API_KEY")


def test_C2_C3_models_are_kept_privately_and_not_written_again(tmp_path):
    path = tmp_path / "agent" / "models.json"
    assert file.write(path, {"kilocode": RECORD})
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert text.startswith('{\n  "providers": {\n    "kilocode"')
    assert text.endswith("}\n")
    assert not file.write(path, {"kilocode": RECORD})
    assert file.read(path) == {"kilocode": RECORD}


def test_nothing_is_written_where_there_is_nothing(tmp_path):
    assert not file.write(tmp_path / "models.json", {})
    assert not (tmp_path / "models.json").exists()


@pytest.mark.parametrize(("mode", "kept"), [("merge", True), ("replace", False)])
def test_C11_the_marker_replaces_a_key_and_other_providers_stay_or_go(tmp_path, mode, kept):
    path = tmp_path / "models.json"
    path.write_text(
        '{"providers":{"kilocode":{"baseUrl":"b","api":"a","apiKey":"old-plain"},"other":{"baseUrl":"c","api":"a"}}}'
    )
    file.write(path, {"kilocode": RECORD}, mode)
    assert "old-plain" not in path.read_text()
    assert ("other" in file.read(path)) is kept


def test_a_broken_file_is_none(tmp_path):
    (tmp_path / "models.json").write_text("{")
    assert file.read(tmp_path / "models.json") == {}


def test_a_record_that_cannot_be_read_is_left_out_but_kept(tmp_path):
    path = tmp_path / "models.json"
    path.write_text('{"providers":{"odd":{"models":7},"other":[]}}')
    assert file.read(path) == {}
    file.write(path, {"kilocode": RECORD})
    assert set(file.read(path)) == {"kilocode"}
    assert '"odd"' in path.read_text()


def test_a_draft_is_not_left_behind(tmp_path):
    file.write(tmp_path / "models.json", {"kilocode": RECORD})
    assert not [one.name for one in tmp_path.iterdir() if one.name.endswith(".tmp")]
