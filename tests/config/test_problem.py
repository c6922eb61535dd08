"""Problems read well."""

from kilo_gateway.config.problem import Problem, path_text


def test_a_problem_is_one_line_with_file_line_and_suggestion() -> None:
    problem = Problem(
        severity="error",
        message="there is no such setting",
        where="server.prot",
        file="a.toml",
        line=3,
        suggestion="port",
    )
    assert (
        str(problem)
        == 'a.toml:3: error: server.prot: there is no such setting (did you mean "port"?)'
    )


def test_a_problem_without_place_is_told_without_one() -> None:
    assert str(Problem(severity="warning", message="no key")) == "warning: no key"


def test_paths_are_written_as_people_write_them() -> None:
    path = ("upstreams", 0, "headers", "x-a b", "é")
    assert path_text(path) == 'upstreams[0].headers."x-a b"."é"'
