"""Settings, keys, plug-ins, catalog and discovery joined."""

import msgspec
import pytest

from genesis.auth.profiles import Profile, Profiles
from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.fault import AuthMissingError, GenesisError
from genesis.core.refs import ModelRef, key, parse
from genesis.core.secret import Secret
from genesis.providers.anthropic.plugin import Anthropic
from genesis.providers.openai_compatible.plugin import OpenAICompatible
from genesis.providers.registry import Registry
from genesis.session.sources import Sources
from tests.genesis.servers import Answer, serving

AUTO = ModelRef("kilocode", "kilo/auto")
MINE = ModelRef("mine", "m")
LOCAL = {"baseUrl": "http://127.0.0.1:1/v1", "models": [{"id": "m", "name": "M"}]}
LISTED = b'{"data":[{"id":"m","pricing":{},"context_length":5000},{"id":"n","pricing":{}}]}'


class Home:
    """A state folder, and Sources opened on it."""

    def __init__(self, folder):
        self.environ = {"HOME": str(folder)}
        self.paths = Paths.of(self.environ)
        self.paths.state_dir.mkdir()

    def configure(self, providers=None, **defaults):
        content = {"models": {"providers": providers or {}}, "agents": {"defaults": defaults}}
        self.paths.config_path.write_bytes(msgspec.json.encode(content))

    def store(self, name, text):
        Profiles(self.paths.auth_profiles).put(
            name, Profile("api_key", name.partition(":")[0], Secret(text))
        )

    def open(self):
        loaded = load(self.paths, self.environ).require()
        return Sources(loaded, Registry(warn=pytest.fail), lambda: 1_000.0)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


async def target(sources, ref, profile=None):
    """The target of a model; nothing goes on loading behind it."""
    try:
        return await sources.target(ref, profile)
    finally:
        await sources.discovery.close()


async def test_a_target_has_the_address_the_key_and_the_settings_parameters(home):
    definition = {"id": "m", "name": "M", "headers": {"X-M": "2"}, "params": {"temperature": 0.5}}
    block = LOCAL | {"models": [definition], "headers": {"X-P": "1", "X-M": "1"}, "apiKey": "k-1"}
    home.configure(
        {"mine": block},
        params={"temperature": 0.1, "topP": 1},
        models={"mine/m": {"params": {"maxTokens": 9}}, "mine/other": {"params": {"topP": 0}}},
    )
    found = await target(home.open(), MINE)
    assert (found.endpoint.base_url, found.endpoint.key) == (LOCAL["baseUrl"], Secret("k-1"))
    assert found.endpoint.headers == {"X-P": "1", "X-M": "2"}
    assert found.params == {"temperature": 0.5, "topP": 1, "maxTokens": 9}


@pytest.mark.parametrize(
    ("api", "own", "plugin"),
    [
        (None, None, OpenAICompatible),
        ("anthropic-messages", None, Anthropic),
        ("openai-completions", "anthropic-messages", Anthropic),
    ],
)
async def test_the_wire_format_is_the_models_own_else_its_providers(home, api, own, plugin):
    model = {"id": "m", "name": "M"} | ({"api": own} if own else {})
    home.configure({"mine": LOCAL | {"models": [model]} | ({"api": api} if api else {})})
    assert isinstance((await target(home.open(), MINE)).provider, plugin)


@pytest.mark.parametrize(
    ("limit", "window", "expected"),
    [(1_000, 5_000, 1_000), (9_000, 5_000, msgspec.UNSET), (0, 5_000, msgspec.UNSET)],
)
async def test_the_settings_limit_of_a_context_is_the_models(home, limit, window, expected):
    models = [{"id": "m", "name": "M", "contextWindow": window}]
    home.configure({"mine": LOCAL | {"models": models}}, contextTokens=limit)
    assert (await target(home.open(), MINE)).model.context_tokens == expected


async def test_a_model_that_no_list_has_is_asked_where_the_provider_decides(home):
    home.configure({"mine": LOCAL})
    found = await target(home.open(), ModelRef("mine", "unheard/of"))
    assert found.model.id == "unheard/of"


def test_the_order_of_keys(home):
    home.environ["KILOCODE_API_KEY"] = "from-env"
    sources = home.open()
    assert sources.key_of("kilocode").source == "env: KILOCODE_API_KEY"
    home.store("kilocode:a", "stored-a")
    home.store("kilocode:b", "stored-b")
    assert sources.key_of("kilocode").key == Secret("stored-a")
    assert sources.require_key(AUTO, "kilocode:b").key == Secret("stored-b")
    assert sources.require_key(parse("kilocode/kilo/auto@kilocode:b")).key == Secret("stored-b")
    assert sources.require_key(AUTO, "kilocode:gone").key == Secret("stored-a")


def test_a_key_that_is_asked_for_by_name_has_no_stand_in(home):
    home.environ["KILOCODE_API_KEY"] = "from-env"
    with pytest.raises(AuthMissingError, match='No API key found for provider "kilocode"'):
        home.open().require_key(parse("kilocode/kilo/auto@gone"))


def test_a_server_of_this_machine_is_asked_without_a_key(home):
    home.configure({"mine": LOCAL, "far": LOCAL | {"baseUrl": "https://api.example/v1"}})
    sources = home.open()
    assert (sources.has_key("mine"), sources.require_key(MINE)) == (True, None)
    assert sources.has_key("far") is False
    with pytest.raises(AuthMissingError):
        sources.require_key(ModelRef("far", "m"))


def test_every_key_is_known_as_a_secret(home):
    home.environ |= {"KILOCODE_API_KEY": "from-env-1", "GENESIS_GATEWAY_TOKEN": "daemon-token"}
    home.configure({"mine": LOCAL | {"apiKey": "from-file-1"}})
    home.store("kilocode:a", "stored-key-1")
    known = {secret.reveal() for secret in home.open().secrets()}
    assert {"from-env-1", "daemon-token", "from-file-1", "stored-key-1"} <= known


async def test_what_a_server_offers_is_found_kept_and_known_at_the_next_start(home):
    async with serving(lambda _: Answer(200, LISTED)) as server:
        home.configure({"mine": {"baseUrl": server.url, "models": []}})
        sources = home.open()
        await sources.discovery.load()
        assert sources.catalog().find(MINE).context_window == 5_000
    again = home.open()
    assert [key(ref) for ref in again.catalog().references()].count("mine/n") == 1


async def test_a_server_that_is_away_is_a_warning_once(home):
    home.configure({"mine": LOCAL | {"models": []}})
    sources = home.open()
    await sources.discovery.load()
    await sources.discovery.load()
    told = [text for text in sources.warnings() if '"mine"' in text]
    assert len(told) == 1
    assert sources.warnings() == []


async def test_a_plugin_that_breaks_its_promise_stops_nothing(home, monkeypatch):
    async def broken(*_args, **_more):
        raise RuntimeError("oops")

    home.configure({"mine": LOCAL})
    monkeypatch.setattr(OpenAICompatible, "discover", broken)
    sources = home.open()
    await sources.discovery.load()
    assert "mine could not tell its models: oops" in sources.warnings()


@pytest.mark.parametrize(
    ("defaults", "level"),
    [
        ({}, "off"),
        ({"thinkingDefault": "high"}, "high"),
        ({"thinkingDefault": "high", "params": {"thinking": "low"}}, "low"),
    ],
)
def test_how_much_a_model_thinks(home, defaults, level):
    home.configure({"mine": LOCAL}, **defaults)
    assert home.open().level(MINE) == level


def test_the_chain_is_the_choice_and_its_fallbacks(home):
    home.configure({"mine": LOCAL}, model={"primary": "mine/m", "fallbacks": ["kilocode/a/b"]})
    assert [key(ref) for ref in home.open().chain(None)] == ["mine/m", "kilocode/a/b"]


def test_a_provider_that_is_switched_off_says_so(home):
    registry = Registry(deny=("kilocode",), warn=pytest.fail)
    with pytest.raises(GenesisError, match="is switched off in the settings"):
        registry.load("kilocode")


SEER = {"id": "seer", "name": "S", "input": ["text", "image"]}


@pytest.mark.parametrize(
    ("model", "image_model", "expected"),
    [
        ("mine/m", {"primary": "mine/seer", "fallbacks": ["mine/x"]}, ["mine/seer", "mine/x", "mine/m"]),
        ("mine/m", "mine/seer", ["mine/seer", "mine/m"]),
        ("mine/m", None, ["mine/m"]),
        ("mine/seer", "mine/x", ["mine/seer"]),
    ],
)  # fmt: skip
async def test_who_answers_a_message_with_pictures(home, model, image_model, expected):
    images = {"imageModel": image_model} if image_model else {}
    models = [{"id": "m", "name": "M", "input": ["text"]}, SEER]
    home.configure({"mine": LOCAL | {"models": models}}, model=model, **images)
    sources = home.open()
    try:
        chain = await sources.seeing(sources.chain(None))
    finally:
        await sources.discovery.close()
    assert [key(ref) for ref in chain] == expected
