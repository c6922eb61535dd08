"""The table of URLs: every path of the wire contract, under every prefix, with and without a trailing slash."""

import pytest

from kilo_gateway.edge.routes import (
    API,
    ELSEWHERE,
    ENDPOINTS,
    OWN,
    PREFIXES,
    ROUTES,
    dialect_of,
    find,
    is_api,
    is_elsewhere,
)

SERVED = {
    "/chat/completions": ("POST", "chat"),
    "/completions": ("POST", "completions"),
    "/embeddings": ("POST", "embeddings"),
    "/responses": ("POST", "chat"),
    "/responses/input_tokens": ("POST", "count_tokens"),
    "/messages": ("POST", "chat"),
    "/messages/count_tokens": ("POST", "count_tokens"),
    "/rerank": ("POST", "rerank"),
    "/moderations": ("POST", "moderations"),
    "/audio/transcriptions": ("POST", "transcriptions"),
    "/audio/speech": ("POST", "speech"),
    "/images/generations": ("POST", "images"),
    "/models": ("GET", "models"),
    "/models/validate": ("POST", "validate"),
    "/models-by-provider": ("GET", "by_provider"),
    "/embedding-models": ("GET", "embedding_models"),
    "/transcription-models": ("GET", "transcription_models"),
    "/providers": ("GET", "providers"),
}
NOT_OURS = [
    "/api/profile",
    "/api/profile/balance",
    "/api/users/notifications",
    "/api/organizations/o1/models",
    "/api/device-auth/codes",
    "/api/models/stats",
    "/api/modelstats",
    "/api/edit/completions",
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
@pytest.mark.parametrize("path", NOT_OURS)
def test_what_is_the_public_gateways_alone_is_known_but_not_found(path, slash):
    assert find(path + slash) is None
    assert is_elsewhere(path + slash)


@pytest.mark.parametrize("prefix", CONTRACT_PREFIXES)
@pytest.mark.parametrize("model", ["small", "openai/gpt-5"])
def test_the_endpoints_of_a_model_are_found_by_its_id(prefix, model):
    assert find(f"{prefix}/models/{model}/endpoints") == (ENDPOINTS, model)


def test_fill_in_the_middle_has_one_path():
    route, _ = find("/api/fim/completions")
    assert route.operation == "fim"
    assert find("/v1/fim/completions") is None


@pytest.mark.parametrize("model", ["gemini-3-pro", "kilo/auto", "a/b:free"])
@pytest.mark.parametrize(
    ("verb", "operation", "is_stream"),
    [
        ("generateContent", "chat", False),
        ("streamGenerateContent", "chat", True),
        ("countTokens", "count_tokens", False),
    ],
)
def test_a_gemini_path_names_its_model_and_what_to_do(model, verb, operation, is_stream):
    route, model_id = find(f"/v1beta/models/{model}:{verb}")
    assert (route.operation, route.is_stream, route.dialect) == (operation, is_stream, "gemini")
    assert model_id == model


def test_an_id_with_a_slash_may_stand_without_models_before_it():
    route, model_id = find("/v1beta/sim/echo:generateContent")
    assert (route.operation, model_id) == ("chat", "sim/echo")


def test_googles_client_may_ask_with_version_v1():
    route, model_id = find("/v1/models/a/b:generateContent")
    assert (route.dialect, model_id) == ("gemini", "a/b")


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1beta/models", ""),
        ("/v1beta/models/", ""),
        ("/v1beta/models/a/b", "a/b"),
        ("/v1beta/models/a/b:free", "a/b:free"),
    ],
)
def test_gemini_lists_models_too(path, model):
    route, model_id = find(path)
    assert (route.page, model_id) == ("gemini_models", model)


@pytest.mark.parametrize("path", ["/v1beta/modelsx", "/v1beta/other", "/v1beta/tunedModels"])
def test_other_gemini_paths_are_nothing(path):
    assert find(path) is None


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1beta/x", "gemini"),
        ("/v1/messages/batches", "anthropic_messages"),
        ("/v1/x", "openai_chat"),
    ],
)
def test_what_is_not_there_is_told_in_the_callers_dialect(path, dialect):
    assert dialect_of(path) == dialect


@pytest.mark.parametrize(("path", "route"), OWN.items())
def test_own_pages_are_found_below_no_prefix(path, route):
    assert find(path) == (route, "")
    assert find("/v1" + path) is None
    assert not is_elsewhere(path)


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
    assert not is_elsewhere(path)


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
        assert (route.method == "POST") == (route.operation is not None or route.page == "validate")
        assert route.purpose.endswith(".")


def test_nothing_is_both_served_and_elsewhere():
    assert not [path for path in ROUTES if is_elsewhere(path)]
    assert all(any(path.startswith(head) for path in NOT_OURS) for head in ELSEWHERE)


@pytest.mark.parametrize(
    ("path", "model", "is_stream"),
    [
        ("/model/us.anthropic.claude-v1:0/converse", "us.anthropic.claude-v1:0", False),
        ("/model/kilo/auto/converse-stream", "kilo/auto", True),
        (
            "/model/arn:aws:bedrock:r:1:inference-profile/x/converse",
            "arn:aws:bedrock:r:1:inference-profile/x",
            False,
        ),
    ],
)
def test_bedrocks_paths_name_a_model(path, model, is_stream):
    route, found = find(path)
    assert (route.dialect, route.operation, route.is_stream) == ("bedrock", "chat", is_stream)
    assert found == model


@pytest.mark.parametrize(
    "path", ["/model/m", "/model//converse", "/model/m/invoke", "/model/converse"]
)
def test_other_paths_below_bedrocks_root_are_nothing(path):
    assert find(path) is None
    assert dialect_of(path) == "bedrock"
