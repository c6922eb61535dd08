"""The table of URLs, all of them. One handler set under every prefix; a trailing slash is fine."""

from typing import Literal, NamedTuple

from kilo_gateway.core.deployment import Operation

PREFIXES = (
    "/v1",
    "/api/v1",
    "/api/gateway",
    "/api/gateway/v1",
    "/api/openrouter",
    "/api/openrouter/v1",
)

Page = Literal[
    "models",
    "gemini_models",
    "endpoints",
    "by_provider",
    "embedding_models",
    "transcription_models",
    "validate",
    "providers",
    "defaults",
    "front",
    "live",
    "ready",
    "metrics",
]


class Route(NamedTuple):
    """One row: the method it takes, what it runs (`operation`, in `dialect`) or shows (`page`), and a sentence for the docs.

    `is_stream`: the path itself asks for a stream.
    """

    method: Literal["POST", "GET"]
    operation: Operation | None
    page: Page | None
    purpose: str
    dialect: str = "openai_chat"
    is_stream: bool = False


class Found(NamedTuple):
    """The row of a path, and the model id if the path names one."""

    route: Route
    model_id: str = ""


# Below every prefix.
API: dict[str, Route] = {
    "/chat/completions": Route("POST", "chat", None, "Chat Completions, whole or streamed."),
    "/completions": Route(
        "POST", "completions", None, "Completions of a prompt, whole or streamed."
    ),
    "/embeddings": Route("POST", "embeddings", None, "Embeddings of texts."),
    "/responses": Route(
        "POST", "chat", None, "Responses, whole or streamed; nothing is stored.", "openai_responses"
    ),
    "/responses/input_tokens": Route(
        "POST", "count_tokens", None, "Input tokens of a Responses request.", "openai_responses"
    ),
    "/messages": Route(
        "POST", "chat", None, "Anthropic Messages, whole or streamed.", "anthropic_messages"
    ),
    "/messages/count_tokens": Route(
        "POST", "count_tokens", None, "Input tokens of a Messages request.", "anthropic_messages"
    ),
    "/rerank": Route("POST", "rerank", None, "Documents by how well they answer a query."),
    "/moderations": Route("POST", "moderations", None, "Whether texts are harmful."),
    "/audio/transcriptions": Route(
        "POST", "transcriptions", None, "Speech to text; a form with a file, or JSON."
    ),
    "/audio/speech": Route("POST", "speech", None, "Text to speech."),
    "/images/generations": Route("POST", "images", None, "Pictures of a description."),
    "/models": Route(
        "GET", None, "models", "Models that the key may use; `/models/{id}` is one of them."
    ),
    "/models/validate": Route(
        "POST", None, "validate", 'Whether a model is there for the key: `{"modelId": ...}`.'
    ),
    "/models-by-provider": Route(
        "GET", None, "by_provider", "Upstreams, each with its models and their prices."
    ),
    "/embedding-models": Route(
        "GET", None, "embedding_models", "Embedding models of known width, and which is best."
    ),
    "/transcription-models": Route(
        "GET", None, "transcription_models", "Models that turn speech into text."
    ),
    "/providers": Route("GET", None, "providers", "Upstreams that serve these models."),
}

# Below none.
OWN: dict[str, Route] = {
    "/": Route("GET", None, "front", "What this server is."),
    "/health/live": Route("GET", None, "live", "200 while the process runs."),
    "/health/ready": Route(
        "GET", None, "ready", "200 while calls are served, else 503 with the reason."
    ),
    "/metrics": Route("GET", None, "metrics", "Prometheus metrics."),
    "/api/defaults": Route("GET", None, "defaults", "Models for clients that have not chosen one."),
    "/api/fim/completions": Route(
        "POST", "fim", None, "Code that fits between a prompt and a suffix."
    ),
}

# What follows the colon in Gemini's paths, `/v1beta/models/{id}:verb`; an id may hold slashes.
GEMINI_ROOT = "/v1beta/"
GEMINI: dict[str, Route] = {
    "generateContent": Route("POST", "chat", None, "Gemini, whole.", "gemini"),
    "streamGenerateContent": Route(
        "POST",
        "chat",
        None,
        "Gemini, streamed: events with `alt=sse`, else a JSON array.",
        "gemini",
        True,
    ),
    "countTokens": Route(
        "POST", "count_tokens", None, "Input tokens of a Gemini request.", "gemini"
    ),
    "embedContent": Route("POST", "embeddings", None, "The embedding of one content.", "gemini"),
    "batchEmbedContents": Route(
        "POST", "embeddings", None, "Embeddings of many contents.", "gemini"
    ),
}

# What follows the model in Bedrock's paths, `/model/{id}/verb`; an id may be an ARN, which holds slashes.
BEDROCK_ROOT = "/model/"
BEDROCK: dict[str, Route] = {
    "converse": Route("POST", "chat", None, "Bedrock Converse, whole.", "bedrock"),
    "converse-stream": Route("POST", "chat", None, "Bedrock Converse, streamed.", "bedrock", True),
}

GEMINI_LIST = Route(
    "GET",
    None,
    "gemini_models",
    "Models in Gemini's form; `/v1beta/models/{id}` is one of them.",
    "gemini",
)

# Paths of the public gateway that belong to its accounts, organisations and statistics: this one has none of them.
ELSEWHERE = (
    "/api/profile",
    "/api/users",
    "/api/organizations",
    "/api/device-auth",
    "/api/models",
    "/api/modelstats",
    "/api/edit/completions",
)

ENDPOINTS = Route("GET", None, "endpoints", "Upstreams that serve one model, with their prices.")
_ENDPOINTS = "/endpoints"
ROUTES: dict[str, Route] = OWN | {
    prefix + path: route for prefix in PREFIXES for path, route in API.items()
}
_BELOW_ELSEWHERE = tuple(f"{path}/" for path in ELSEWHERE)
_ONE_MODEL = tuple(f"{prefix}/models/" for prefix in PREFIXES)


def find(path: str) -> Found | None:
    """The row of a path; None if there is no such path."""
    route = ROUTES.get(path)
    if route is not None:
        return Found(route)
    if path.startswith(BEDROCK_ROOT):
        model_id, _, verb = path[len(BEDROCK_ROOT) :].rpartition("/")
        return Found(BEDROCK[verb], model_id) if model_id and verb in BEDROCK else None
    if path.startswith(GEMINI_ROOT):
        return _of_gemini(path[len(GEMINI_ROOT) :].rstrip("/"))
    if len(path) > 1 and path.endswith("/"):
        return find(path.rstrip("/") or "/")
    for head in _ONE_MODEL:
        if path.startswith(head):
            return _of_model(path[len(head) :])
    return None


def _of_model(rest: str) -> Found:
    """What follows `/models/`."""
    # Google's client asks so with version v1 of its API.
    model_id, _, verb = rest.rpartition(":")
    if model_id and verb in GEMINI:
        return Found(GEMINI[verb], model_id)
    if rest.endswith(_ENDPOINTS):
        return Found(ENDPOINTS, rest.removesuffix(_ENDPOINTS))
    return Found(API["/models"], rest)


def _of_gemini(rest: str) -> Found | None:
    """What follows the version; some clients leave `models/` out where an id holds a slash."""
    target, colon, verb = rest.rpartition(":")
    if colon and verb in GEMINI:
        return Found(GEMINI[verb], target.removeprefix("models/"))
    if rest == "models":
        return Found(GEMINI_LIST)
    if rest.startswith("models/"):
        return Found(GEMINI_LIST, rest.removeprefix("models/"))
    return None


def is_elsewhere(path: str) -> bool:
    """Whether a path is one of the public gateway's alone."""
    return f"{path.rstrip('/')}/".startswith(_BELOW_ELSEWHERE)


def is_api(path: str) -> bool:
    """Whether a path lies below one of the prefixes."""
    return path.startswith(tuple(f"{prefix}/" for prefix in PREFIXES))


def dialect_of(path: str) -> str:
    """The dialect in which a path that is not there is said not to be."""
    if path.startswith("/v1beta/"):
        return "gemini"
    if path.startswith(BEDROCK_ROOT):
        return "bedrock"
    return "anthropic_messages" if "/messages" in path else "openai_chat"
