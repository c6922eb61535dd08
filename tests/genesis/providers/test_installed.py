"""Entry points are read from what is installed: as the standard library reads them, only faster."""

import importlib.metadata

from genesis.providers.installed import GROUP, PluginEntry, installed_plugins


def record(folder, package, text):
    path = folder / package
    path.mkdir(parents=True)
    (path / "entry_points.txt").write_text(text)


def test_the_standard_library_finds_the_same():
    theirs = {(one.name, one.value) for one in importlib.metadata.entry_points(group=GROUP)}
    assert {(one.name, one.value) for one in installed_plugins()} == theirs
    assert {"kilocode", "openai-compatible", "anthropic"} <= {name for name, _ in theirs}


def test_only_the_group_of_providers_is_read(tmp_path):
    record(
        tmp_path,
        "acme-1.0.dist-info",
        "# ours\n[console_scripts]\nacme = acme:main\n\n[genesis.providers]\n"
        "; a comment\nacme = acme.plugin:provider [fast]\n[other]\nx = y:z\n",
    )
    record(tmp_path, "old.egg-info", "[genesis.providers]\nold = old:provider\n")
    record(tmp_path, "none-1.dist-info", "[console_scripts]\na = b:c\n")
    assert installed_plugins([str(tmp_path)]) == [
        PluginEntry("acme", "acme.plugin:provider", "acme"),
        PluginEntry("old", "old:provider", "old"),
    ]


def test_of_a_package_that_is_there_twice_the_first_counts(tmp_path):
    for number in (1, 2):
        text = f"[genesis.providers]\nacme = acme:v{number}\n"
        record(tmp_path / str(number), f"acme-{number}.dist-info", text)
    [found] = installed_plugins([str(tmp_path / "1"), str(tmp_path / "2"), str(tmp_path / "gone")])
    assert (found.module, found.attribute) == ("acme", "v1")
