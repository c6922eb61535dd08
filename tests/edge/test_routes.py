"""The table of URLs: every path of the wire contract, under every prefix, with and without a trailing slash."""

import pytest

from kilo_gateway.edge.routes import API, LATER, OWN, PREFIXES, ROUTES, find, is_api, is_later

SERVED = {
    "/chat/completions": ("POST", "chat"),
    "/completions": ("POST", "completions"),
    "/embeddings": ("POST", "embeddings"),
    "/models": ("GET", "models"),
    "/providers": ("GET", "providers"),
}
NOT_YET = [
    "/responses",
    "/messages",
    "/messages/count_tokens",
    "/rerank",
    "/audio/transcriptions",
    "/audio/speech",
    "/images/generations",
    "/moderations",
    "/models-by-provider",
    "/embedding-models",
]
CONTRACT_PREFIXES = [
    "/api/gateway",
    "/api/gateway/v1",
    "/api/openrouter",
    "/api/openrouter/v1",
    "/api/v1",
    "/v1",
]


def test_the_prefixes_are_those_of_the_wire_contract():
    assert sorted(PREFIXES) == CONTRACT_PREFIXES


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", CONTRACT_PREFIXES)
@pytest.mark.parametrize(("path", "expected"), SERVED.items())
def test_every_operation_is_found(prefix, path, expected, slash):
    route, model_id = find(prefix + path + slash)
    assert (route.method, route.operation or route.page) == expected
    assert model_id == ""


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", CONTRACT_PREFIXES)
@pytest.mark.parametrize("path", NOT_YET)
def test_what_comes_later_is_known_but_not_found(prefix, path, slash):
    assert find(prefix + path + slash) is None
    assert is_later(prefix + path + slash)


@pytest.mark.parametrize(
    "path",
    [
        "/api/fim/completions",
        "/v1beta/models",
        "/v1beta/models/gemini-3-pro:generateContent",
        "/v1beta/models/gemini-3-pro:streamGenerateContent",
        "/v1beta/models/gemini-3-pro:countTokens",
    ],
)
def test_other_dialects_paths_come_later(path):
    assert find(path) is None
    assert is_later(path)


@pytest.mark.parametrize(("path", "route"), OWN.items())
def test_own_pages_are_found_below_no_prefix(path, route):
    assert find(path) == (route, "")
    assert find("/v1" + path) is None
    assert not is_later(path)


@pytest.mark.parametrize("prefix", CONTRACT_PREFIXES)
@pytest.mark.parametrize("model", ["small", "openai/gpt-5", "a/b/c:free"])
def test_one_model_is_found_by_an_id_with_slashes(prefix, model):
    assert find(f"{prefix}/models/{model}") == (API["/models"], model)
    assert find(f"{prefix}/models/{model}/") == (API["/models"], model)


@pytest.mark.parametrize("slashes", ["/", "//", "///////"])
def test_slashes_alone_are_the_front_page(slashes):
    route, _ = find(slashes)
    assert route.page == "front"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/v1",
        "/v2/chat/completions",
        "/chat/completions",
        "/v1/chat",
        "/v1/Chat/Completions",
        "/v1//chat/completions",
        "/api/gateway/unknown",
        "/api/v1/unknown",
        "/v1/metrics",
    ],
)
def test_another_path_is_nothing(path):
    assert find(path) is None
    assert not is_later(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/gateway/unknown", True),
        ("/api/v1/unknown", True),
        ("/v1/x", True),
        ("/v1", False),
        ("/v10/x", False),
        ("/metrics", False),
    ],
)
def test_a_path_below_a_prefix_is_of_the_api(path, expected):
    assert is_api(path) is expected


def test_every_row_runs_or_shows_one_thing_and_says_what():
    for route in ROUTES.values():
        assert (route.operation is None) != (route.page is None)
        assert (route.method == "POST") == (route.operation is not None)
        assert route.purpose.endswith(".")


def test_nothing_is_both_served_and_later():
    assert not set(API) & set(LATER)
    assert set(LATER) == set(NOT_YET)
