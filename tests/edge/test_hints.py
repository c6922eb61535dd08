"""Attribution headers, as the wire contract reads them (cases C1 to C14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.call import Hints
from kilo_gateway.edge.hints import FEATURES, client_version, project_name, read_hints

CURL = {b"user-agent": b"curl/8"}


def read(**headers):
    return read_hints(
        CURL | {name.replace("_", "-").encode(): value for name, value in headers.items()}
    )


def test_a_request_without_hints_has_only_a_default_feature():
    assert read_hints({}) == Hints(feature="direct-gateway")


@pytest.mark.parametrize(
    ("value", "feature"),
    [
        (b" VSCode-Extension ", "vscode-extension"),  # C1
        (b"CLI", "cli"),
        (b"genesis", "genesis"),
        (b"made-up", None),
        (b"   ", "direct-gateway"),
    ],
)
def test_a_feature_is_one_of_the_known_ones(value, feature):
    assert read(x_kilocode_feature=value).feature == feature


@pytest.mark.parametrize(
    ("agent", "feature"),
    [
        (b"curl/8", "direct-gateway"),  # C3
        (b"Kilo-Code/4.65.3", None),
        (b"kilo-code/4.65.3", "direct-gateway"),
        (b"", "direct-gateway"),
    ],
)
def test_without_the_header_the_agent_tells_whether_it_is_an_own_client(agent, feature):
    assert read_hints({b"user-agent": agent}).feature == feature


def test_every_feature_is_in_the_form_in_which_it_is_looked_up():
    assert {name.strip().lower() for name in FEATURES} == FEATURES


@pytest.mark.parametrize(
    ("raw", "project"),
    [
        (None, None),
        (b"", None),
        (b"my-project", "my-project"),
        (b"a" * 300, "a" * 256),  # C10
        (b"   ", "   "),  # C11
        (b"https://github.com/Kilo-Org/kilocode.git", "kilocode"),
        (b"http://host/group/sub/app", "app"),
        (b"https://github.com/org/app.GIT", "app"),
        (b"https://github.com/org/app/", "app"),
        (b"https://ann:secret@git.example/org/app.git", "app"),
        (b"git@github.com:Kilo-Org/kilocode.git", "kilocode"),
        (b"git@host:app", "app"),
        (b"https://host/app?tab=1", "https://host/app?tab=1"),
        (b"https://host/app#readme", "https://host/app#readme"),
        (b"https://host/my app", "https://host/my app"),
        (b"ssh://git@host/app.git", "ssh://git@host/app.git"),
        (b"https://host/.git", "https://host/.git"),
        (b"https://host/a%00b", "a%00b"),
        (b" padded ", " padded "),
    ],
)
def test_a_project_is_the_last_part_of_a_repository_or_the_text_itself(raw, project):
    assert project_name(raw) == project


@pytest.mark.parametrize(
    ("header", "agent", "version"),
    [
        (None, b"Kilo-Code/4.65.3 (Mac OS X)", 4.065003),  # C14
        (None, b"kilo-code/4.65.3", None),
        (None, b"Kilo-Code/4.82.0beta", None),
        (None, b"Kilo-Code/4.82.0-beta", 4.082),
        (None, b"curl/8", None),
        ("4.65.3", b"curl/8", 4.065003),
        ("4.65", b"", 4.065),
        ("4", b"", 4.0),
        ("4.1.2-rc.1", b"", 4.001002),
        ("4.65.3", b"Kilo-Code/1.0.0", 4.065003),
        ("v4.65.3", b"Kilo-Code/1.0.0", None),
        ("", b"", None),
        ("9" * 400, b"", None),
        (None, b"Kilo-Code/" + b"9" * 5000, None),
        ("1." + "9" * 400, b"", None),
    ],
)
def test_a_version_is_a_number_that_sorts(header, agent, version):
    assert client_version(header, agent) == version


PLAIN = {
    "x_kilocode_taskid": "session",
    "x_kilo_request": "message",
    "x_kilocode_mode": "mode",
    "x_kilocode_editorname": "editor",
    "x_kilocode_machineid": "machine",
}


@pytest.mark.parametrize(("header", "field"), PLAIN.items())
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" a value ", "a value"),
        (b"x" * 600, "x" * 500),  # C12
        (b"   ", None),  # C13
        (b"", None),
        (b"\xe9", "é"),
    ],
)
def test_a_plain_hint_is_cut_to_500_characters_and_trimmed(header, field, value, expected):
    assert getattr(read(**{header: value}), field) == expected


def test_the_session_header_stands_in_for_an_absent_task_id():
    assert read(x_kilo_session=b"s1").session == "s1"
    assert read(x_kilo_session=b"s1", x_kilocode_taskid=b"t1").session == "t1"
    assert read(x_kilo_session=b"s1", x_kilocode_taskid=b"  ").session == "s1"


names = st.sampled_from(
    [
        b"user-agent",
        b"x-kilocode-feature",
        b"x-kilocode-version",
        b"x-kilocode-projectid",
        b"x-kilocode-taskid",
    ]
)


@given(st.dictionaries(names, st.binary(max_size=700) | st.just(b"Kilo-Code/" + b"1" * 1000)))
def test_no_header_value_whatsoever_fails_a_request(headers):
    hints = read_hints(headers)
    assert len(hints.session or "") <= 500
    assert len(hints.project or "") <= 256
