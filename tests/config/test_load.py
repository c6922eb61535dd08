"""A file and an environment give settings, or problems with file and line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kilo_gateway.config.load import Loaded, load
from kilo_gateway.config.schema import Settings, UpstreamSettings
from kilo_gateway.config.types import core, hints, is_struct, members, metas

ENVIRON = {"SET": "x"}


def load_text(tmp_path: Path, text: str, environ: Mapping[str, str] = ENVIRON) -> Loaded:
    path = tmp_path / "c.toml"
    path.write_text(text)
    path.chmod(0o600)
    return load(path, environ)


def test_no_file_gives_the_defaults() -> None:
    loaded = load(None, {})
    assert loaded.ok
    assert loaded.settings == Settings()
    assert (loaded.path, loaded.problems) == (None, ())


def test_a_problem_tells_file_line_path_and_what_was_meant(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "# c\n[[upstreams]]\nname = 'a'\napi_kye = 'sk-1'\n")
    problem = next(item for item in loaded.problems if "api_kye" in item.where)
    assert (problem.where, problem.line, problem.suggestion) == (
        "upstreams[0].api_kye",
        4,
        "api_key",
    )
    assert problem.file == str(tmp_path / "c.toml")
    assert not loaded.ok
    assert "sk-1" not in str(loaded.problems)


def test_all_problems_come_in_one_go_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "x = 1\n[server]\nport = 'y'\n[[upstreams]]\n[[upstreams]]\nname = 'a'\n"
    loaded = load_text(tmp_path, text, {"KILO_GATEWAY__A__B": "1"})
    assert [(item.where, item.line) for item in loaded.problems] == [
        ("x", 1),
        ("server.port", 3),
        ("upstreams[0]", 4),
        ("upstreams[1].base_url", 5),
        ("", None),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a = 1\nb = \n", 2, 5, "not TOML"),
        ("a = 1\na = 2\n", 2, None, "not TOML"),
        ("a = 1\n[b", 2, None, "not TOML"),
        ("a = " + "[" * 5000, None, None, ""),
    ],
)
def test_a_file_that_is_not_toml_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, column: int | None, words: str
) -> None:
    (problem,) = load_text(tmp_path, text).problems
    assert problem.severity == "error"
    assert words in problem.message
    assert line is None or problem.line == line
    assert column is None or problem.column == column


def test_a_file_that_is_not_text_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    (problem,) = load(path, {}).problems
    assert (problem.line, problem.message) == (2, "the file is not UTF-8 text")


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    assert load_text(tmp_path, "\ufeff[server]\nport = 1\n").settings.server.port == 1


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    (problem,) = load(tmp_path / "none.toml", {}).errors
    assert "No such file" in problem.message


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "#" * (4 * 1024 * 1024 + 1))
    assert "larger than" in loaded.problems[0].message


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    text = "[server]\nport = 1\nhost = 'h'\n[state]\nhome = '/a'\n"
    environ = {"KILO_GATEWAY__SERVER__PORT": "2", "KILO_GATEWAY_HOME": "/b"}
    loaded = load_text(tmp_path, text, environ)
    assert (loaded.settings.server.port, loaded.settings.server.host) == (2, "h")
    assert loaded.settings.state.home == "/b"


def test_a_home_that_is_handed_in_wins_over_both() -> None:
    loaded = load(None, {"KILO_GATEWAY_HOME": "/b"}, home=Path("/c"))
    assert loaded.settings.state.home == "/c"


def test_a_wrong_variable_is_told_by_its_name_not_by_a_line(tmp_path: Path) -> None:
    environ = {"KILO_GATEWAY__SERVER__PORT": "many"}
    (problem,) = load_text(tmp_path, "[server]\nport = 1\n", environ).problems
    assert (problem.file, problem.line) == ("KILO_GATEWAY__SERVER__PORT", None)
    assert problem.where == "server.port"


def test_a_wrong_setting_is_not_warned_about_as_well(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "[[upstreams]]\nname = 'openai'\napi_key = 1\n", {})
    assert [problem.severity for problem in loaded.problems] == ["error"]


def test_a_warning_alone_lets_the_settings_pass(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "[[upstreams]]\nname = 'openai'\n", {})
    assert loaded.ok
    assert len(loaded.warnings) == 1


def test_secret_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk")
    loaded = load_text(tmp_path, "[[upstreams]]\nname = 'openai'\napi_key = 'file:key'\n", {})
    assert (loaded.problems, loaded.base) == ((), tmp_path)


def test_the_digest_follows_file_and_environment(tmp_path: Path) -> None:
    texts = ["[server]\nport = 1\n", "[server]\nport = 2\n"]
    environs: list[dict[str, str]] = [{}, {"KILO_GATEWAY__SERVER__HOST": "h"}]
    digests = [load_text(tmp_path, text, env).digest for text in texts for env in environs]
    assert len(set(digests)) == 4
    assert load_text(tmp_path, texts[1], environs[1]).digest == digests[3]


# --- any valid settings, written as TOML, come back equal -----------------------------------------

PLAIN_TEXT = st.text("abcXYZ019 -_/.:é\"'\\#[]", max_size=12)
MODEL_IDS = st.text("abc019-./:", min_size=1, max_size=12)
# Fields with a meaning beyond their type, which the checks look at.
MEANT: dict[str, st.SearchStrategy[Any]] = {
    "name": st.from_regex(r"u-[a-z0-9._-]{0,8}", fullmatch=True),
    "vendor": st.sampled_from(["", "custom", "openai", "ollama"]),
    "dialect": st.sampled_from(["", "openai_chat"]),
    "base_url": st.sampled_from(["https://h.example/v1", "http://127.0.0.1:8000"]),
    "api_key": st.sampled_from(["sk-1", "env:SET"]),
    "ca_file": st.just(""),
    "proxy": st.sampled_from([None, "", "http://p.example:3128"]),
    "headers": st.dictionaries(
        st.sampled_from(["x-a", "User-Agent"]), st.sampled_from(["v", "env:SET"])
    ),
    "database": st.sampled_from(["", "sqlite:///x.db", "env:SET"]),
    "aliases": st.dictionaries(
        PLAIN_TEXT,
        MODEL_IDS.map("m/{}".format)
        | st.lists(MODEL_IDS.map("m/{}".format), min_size=1, max_size=3),
        max_size=3,
    ),
}


def values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    """Any valid value of a setting, as TOML data (None: left out)."""
    if name in MEANT and not (name == "name" and None in get_args(core(hint))):
        return MEANT[name]
    return st.one_of([_values_of(member) for member in members(hint)])


def _values_of(hint: Any) -> st.SearchStrategy[Any]:
    kind, origin = core(hint), get_origin(core(hint))
    if is_struct(kind):
        return tables(kind)
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if origin is tuple:
        inner = values("", get_args(kind)[0])
        unique = "name" if kind == tuple[UpstreamSettings, ...] else None
        by = (lambda table: table[unique]) if unique else None
        return st.lists(inner, max_size=3, unique_by=by)
    if origin is dict:
        return st.dictionaries(PLAIN_TEXT, values("", get_args(kind)[1]), max_size=3)
    return _numbers_or_text(kind, hint)


def _numbers_or_text(kind: Any, hint: Any) -> st.SearchStrategy[Any]:
    limits = next((meta for meta in metas(hint) if meta.le is not None), None)
    if kind is bool:
        return st.booleans()
    if kind is str:
        return PLAIN_TEXT
    assert limits is not None
    low = limits.ge if limits.ge is not None else limits.gt
    if kind is int:
        return st.integers(low, limits.le)
    return st.floats(low, limits.le, exclude_min=limits.gt is not None) | st.integers(
        int(low or 0) + 1, int(limits.le or 0)
    )


def tables(struct: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    """Any valid table of the schema; settings may be left out, but those that the checks want."""
    wanted = {"name", "base_url", "api_key"} if struct is UpstreamSettings else set()
    fields = {name: values(name, hint) for name, hint in hints(struct).items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in wanted},
        optional={name: fields[name] for name in fields if name not in wanted},
    ).map(lambda table: {name: value for name, value in table.items() if value is not None})


def toml_text(value: Any) -> str:
    """A value in TOML; a JSON string is a TOML string."""
    if isinstance(value, dict):
        pairs = (f"{toml_text(key)} = {toml_text(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_text(item) for item in value) + "]"
    return repr(value) if isinstance(value, float) else msgspec.json.encode(value).decode()


def document_text(document: dict[str, Any]) -> str:
    """A document with its sections as tables and arrays of tables."""
    text = ""
    for section, table in document.items():
        if table == []:
            text = f"{section} = []\n{text}"
        for one in table if isinstance(table, list) else [table]:
            text += f"[[{section}]]\n" if isinstance(table, list) else f"[{section}]\n"
            text += "".join(f"{toml_text(key)} = {toml_text(item)}\n" for key, item in one.items())
    return text


relaxed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
    deadline=None,
)


@relaxed
@given(document=tables(Settings))
def test_any_valid_settings_written_as_toml_come_back_equal(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    text = document_text(document)
    assert tomllib.loads(text) == document
    loaded = load_text(tmp_path, text)
    assert loaded.errors == ()
    assert loaded.settings == msgspec.convert(document, Settings)


@relaxed
@given(document=tables(Settings), key=st.from_regex("zq[a-z_]{0,9}", fullmatch=True), at=st.data())
def test_an_unknown_key_anywhere_is_a_problem_on_its_line(
    tmp_path: Path, document: dict[str, Any], key: str, at: st.DataObject
) -> None:
    lines = document_text(document).splitlines()
    headings = [number for number, line in enumerate(lines) if line.startswith("[")]
    open_tables = [n for n in headings if lines[n] not in {"[models]", "[aliases]"}]
    after = at.draw(st.sampled_from([-1, *open_tables]))
    lines.insert(after + 1, f"{key} = 1")
    loaded = load_text(tmp_path, "\n".join(lines))
    (problem,) = loaded.errors
    assert (problem.line, problem.where.rpartition(".")[2]) == (after + 2, key)


@relaxed
@given(st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99999) | st.floats() | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*hints(Settings), *hints(UpstreamSettings)]), inner),
))  # fmt: skip
def test_data_of_any_shape_gives_settings_and_never_an_exception(
    tmp_path: Path, anything: Any
) -> None:
    document = anything if isinstance(anything, dict) else {"server": anything}
    text = "".join(f"{k} = {toml_text(v)}\n" for k, v in document.items()).replace("null", "1")
    assert isinstance(load_text(tmp_path, text).settings, Settings)
