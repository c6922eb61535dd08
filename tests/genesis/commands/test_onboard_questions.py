"""The questions of onboarding, answered from a text that stands for standard input."""

import io

import pytest

from genesis.commands import onboard_questions as questions
from genesis.core.fault import GenesisError


@pytest.fixture
def type_in(monkeypatch):
    return lambda *lines: monkeypatch.setattr(
        "sys.stdin", io.StringIO("".join(f"{x}\n" for x in lines))
    )


@pytest.mark.parametrize(
    ("typed", "answer"),
    [(["y"], True), (["NO"], False), ([""], True), (["what", "n"], False)],
)
def test_yes_or_no(type_in, typed, answer):
    type_in(*typed)
    assert questions.yes("Go?") is answer


def test_the_risk_is_not_accepted_by_enter_alone(type_in):
    type_in("")
    with pytest.raises(GenesisError, match="Nothing was changed"):
        questions.confirm_risk()
    type_in("y")
    questions.confirm_risk()


@pytest.mark.parametrize(("typed", "index"), [([""], 0), (["2"], 1), (["7", "x", "0", "3"], 2)])
def test_one_of_several(type_in, typed, index):
    type_in(*typed)
    assert questions.choose("Which?", ["a", "b", "c"]) == index


def test_the_environments_key_is_offered_with_little_of_it(type_in, capsys):
    type_in("")
    assert (
        questions.ask_key("Key", "KILOCODE_API_KEY", "abcd-secret-wxyz", has_stored=True)
        == "abcd-secret-wxyz"
    )
    out = capsys.readouterr().out
    assert "Use existing KILOCODE_API_KEY (env: KILOCODE_API_KEY, abcd…wxyz)?" in out
    assert "secret" not in out


def test_the_stored_key_is_kept_or_a_new_one_typed(type_in, capsys):
    type_in("n", "")
    assert questions.ask_key("Key", "V", "abcd", has_stored=True) == ""
    type_in("n", "", "  ", 'export V="kk-1"')
    assert questions.ask_key("Key", "V", "abcd", has_stored=False) == "kk-1"
    assert capsys.readouterr().out.count("Required") == 2


def test_the_end_of_the_input_is_told(type_in):
    type_in()
    for question in (lambda: questions.yes("Go?"), lambda: questions.new_key("Key")):
        with pytest.raises(GenesisError, match="The input has ended"):
            question()


def test_a_terminal_that_ends_is_told_too(monkeypatch):
    def ended(_prompt):
        raise EOFError

    monkeypatch.setattr(
        "sys.stdin", type("Terminal", (io.StringIO,), {"isatty": lambda _self: True})()
    )
    monkeypatch.setattr("getpass.getpass", ended)
    with pytest.raises(GenesisError, match="The input has ended"):
        questions.new_key("Key")


def test_a_gateways_words_do_not_steer_the_terminal(capsys):
    questions.show_code("https://x/\x1b[2J", "AB\r\x07")
    assert "\x1b" not in (out := capsys.readouterr().out)
    assert "\r" not in out
    assert "https://x/" in out


def test_no_word_is_cut_in_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    url = "https://gateway.example/a/very/long/address"
    questions.say(f"  2  Log in with a web page and a code\nOpen {url}\n")
    assert capsys.readouterr().out.split("\n") == [
        "  2  Log in with a web page",
        "     and a code",
        "Open",
        url,
        "",
        "",
    ]
