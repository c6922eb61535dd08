"""The map is the territory: ARCHITECTURE.md names every room, in the order in which they may import one another."""

import re
import tomllib

from tests.architecture.trees import GATEWAY, ROOT, SRC

MAP = (ROOT / "ARCHITECTURE.md").read_text()


def rooms_on_the_map():
    """The rows of the table of rooms; a row may name several that do not see each other."""
    section = MAP.partition("## Rooms of `kilo_gateway`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return [set(re.findall(r"`(\w+)`", row)) for row in rows]


def genesis_on_the_map():
    section = MAP.partition("## Rooms of `genesis`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return [set(re.findall(r"`(\w+)`", row)) for row in rows]


def rooms_on_disk():
    return {path.parent.name for path in GATEWAY.glob("*/__init__.py")}


def test_every_room_is_on_the_map_and_every_row_is_a_room():
    named = [room for row in rooms_on_the_map() for room in sorted(row)]
    assert sorted(named) == sorted(rooms_on_disk())


def test_the_map_shows_the_layers_that_are_enforced():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    [layers] = [row["layers"] for row in contracts if row.get("containers") == ["kilo_gateway"]]
    enforced = [set(layer.split(" | ")) for layer in layers if layer != "__main__"]
    assert rooms_on_the_map() == enforced


def test_the_map_shows_the_rooms_of_genesis_as_they_are_enforced():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    [layers] = [row["layers"] for row in contracts if row.get("containers") == ["genesis"]]
    enforced = [set(re.findall(r"\w+", layer)) for layer in layers]
    assert genesis_on_the_map() == enforced
    on_disk = {path.parent.name for path in (SRC / "genesis").glob("*/__init__.py")}
    on_disk |= {path.stem for path in (SRC / "genesis").glob("[a-z]*.py")}
    assert on_disk <= set().union(*enforced)


def test_every_room_tells_of_its_own_files():
    for room in rooms_on_disk():
        told = (GATEWAY / room / "__init__.py").read_text()
        assert told.startswith('"""'), room


def test_files_that_the_map_points_to_exist():
    rooms = "|".join(rooms_on_disk())
    pointed = set(re.findall(rf"`((?:{rooms})/\w+(?:/\w+)?)", MAP))
    assert pointed
    for name in sorted(pointed):
        assert (GATEWAY / f"{name}.py").is_file() or (GATEWAY / name).is_dir(), name
