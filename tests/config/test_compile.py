"""Settings, variables and vendors' rows become plans: where each upstream is, what it is sent, how it is named."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kilo_gateway.catalog.source import Override
from kilo_gateway.config.compile import (
    UpstreamPlan,
    aliases,
    configured_plans,
    environment_plans,
    loopback_rows,
    overrides,
    own_plan,
    terms,
)
from kilo_gateway.config.schema import Settings
from kilo_gateway.config.secrets import SecretError
from kilo_gateway.core.deployment import Limits
from kilo_gateway.core.money import Price
from kilo_gateway.core.secret import Secret
from kilo_gateway.relay.view import Terms
from kilo_gateway.upstreams.pool import Timeouts
from kilo_gateway.upstreams.profiles import profiles
from kilo_gateway.upstreams.signing import GoogleAccount

OWN_URL = "http://10.0.0.7:8000/v1"
NOBODY: frozenset[str] = frozenset()


def settings(data: dict[str, Any]) -> Settings:
    return msgspec.convert(data, Settings)


def plans(
    *rows: dict[str, Any], environ: dict[str, str] | None = None, base: Path = Path()
) -> tuple[UpstreamPlan, ...]:
    return configured_plans(settings({"upstreams": list(rows)}), environ or {}, base)


def plan(
    name: str, *, environ: dict[str, str] | None = None, base: Path = Path(), **fields: Any
) -> UpstreamPlan:
    (only,) = plans({"name": name, **fields}, environ=environ, base=base)
    return only


def test_a_vendors_name_alone_is_enough():
    found = plan("openai", environ={"OPENAI_API_KEY": " sk-a \n"})
    assert found.profile == profiles()["openai"]
    assert found.target.origin + found.target.path == "https://api.openai.com/v1"
    assert found.target.name == found.name == "openai"
    assert found.key == Secret("sk-a")
    assert found.prefix == "openai"
    assert found.origin == "settings"
    assert (found.target.ca_file, found.target.proxy) == (None, None)
    assert (found.headers, found.models) == ((), None)
    assert (found.priority, found.weight, found.max_connections) == (0, 1, 512)
    assert found.timeouts == Timeouts()


def test_what_the_settings_say_wins_over_the_vendors_row():
    found = plan(
        "fast",
        vendor="groq",
        base_url=OWN_URL,
        api_key="k",
        prefix="mine",
        models=["a", "b"],
        priority=-2,
        weight=7,
        max_connections=3,
        connect_timeout_s=1.5,
        first_byte_timeout_s=20,
        silence_timeout_s=4,
    )
    assert found.profile == profiles()["groq"]
    assert (found.name, found.target.name) == ("fast", "fast")
    assert (found.target.host, found.target.port, found.target.path) == ("10.0.0.7", 8000, "/v1")
    assert (found.prefix, found.models) == ("mine", ("a", "b"))
    assert (found.priority, found.weight, found.max_connections) == (-2, 7, 3)
    assert found.timeouts == Timeouts(connect_s=1.5, first_byte_s=20, silence_s=4)


def test_a_second_account_at_a_vendor_has_the_vendors_prefix():
    found = plan("openai-2", vendor="openai", api_key="k")
    assert (found.name, found.prefix) == ("openai-2", "openai")


def test_an_unknown_name_is_a_server_of_ones_own():
    assert plan("mine", base_url=OWN_URL).profile == profiles()["custom"]


def test_the_order_of_the_file_stays_and_what_is_disabled_is_left_out():
    found = plans(
        {"name": "z", "base_url": OWN_URL},
        {"name": "off", "base_url": "not even a URL", "enabled": False},
        {"name": "a", "base_url": OWN_URL},
    )
    assert [one.name for one in found] == ["z", "a"]


@pytest.mark.parametrize(
    ("fields", "prefix"),
    [
        ({"base_url": OWN_URL}, "mine"),
        ({"base_url": OWN_URL, "models": ["m"]}, ""),
        ({"base_url": OWN_URL, "models": []}, ""),
        ({"base_url": OWN_URL, "models": ["m"], "prefix": "p"}, "p"),
        ({"base_url": OWN_URL, "prefix": ""}, ""),
        ({"base_url": OWN_URL, "vendor": "custom", "models": ["m"]}, ""),
        ({"vendor": "mistral"}, "mistralai"),
        ({"vendor": "mistral", "models": ["m"]}, "mistralai"),
        ({"vendor": "mistral", "prefix": ""}, ""),
        ({"vendor": "openrouter"}, ""),
    ],
)
def test_clients_see_models_behind_a_prefix(fields: dict[str, Any], prefix: str):
    assert plan("mine", **fields).prefix == prefix


def test_a_key_is_taken_from_where_the_settings_say(tmp_path: Path):
    (tmp_path / "key.txt").write_text("sk-file\n")
    environ = {"OPENAI_API_KEY": "sk-usual", "MY_KEY": "sk-mine"}
    assert plan("openai", api_key="env:MY_KEY", environ=environ).key == Secret("sk-mine")
    assert plan("openai", api_key="file:key.txt", base=tmp_path).key == Secret("sk-file")
    assert plan("openai", api_key="sk-text", environ=environ).key == Secret("sk-text")


def test_a_key_that_is_not_there_is_told():
    with pytest.raises(SecretError, match="NOPE is not set"):
        plan("openai", api_key="env:NOPE")


@pytest.mark.parametrize(
    "base_url",
    [
        OWN_URL,
        "http://api.openai.com/v1",
        "https://api.openai.com:444/v1",
        "https://api.openai.com.example/v1",
        "https://api.openai.com/v2",
    ],
)
def test_a_vendors_variable_is_never_sent_to_another_address(base_url: str):
    found = plan("openai", base_url=base_url, environ={"OPENAI_API_KEY": "sk-a"})
    assert found.key == Secret("")
    other = plan("x", vendor="openai", base_url=base_url, environ={"OPENAI_API_KEY": "sk-a"})
    assert other.key == Secret("")


def test_a_vendors_variable_is_sent_to_the_vendor_also_when_its_address_is_spelled_out():
    environ = {"OPENAI_API_KEY": "sk-a"}
    found = plan("openai", base_url="https://api.openai.com/v1", environ=environ)
    assert found.key == Secret("sk-a")


def test_a_key_that_is_named_goes_to_another_address():
    found = plan("openai", base_url=OWN_URL, api_key="env:K", environ={"K": "sk-a"})
    assert found.key == Secret("sk-a")


def test_no_variable_and_no_key_is_no_key():
    assert plan("openai").key == Secret("")
    assert plan("kilo", environ={"KILOCODE_API_KEY": "kg_live_" + "0" * 49}).key == Secret("")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({}, None),
        ({"proxy": ""}, ""),
        ({"proxy": "http://p:3128"}, "http://p:3128"),
        ({"proxy": "env:MY_PROXY"}, "http://u:pw@p:3128"),
    ],
)
def test_a_proxy_is_given_by_text_or_by_reference(given: dict[str, Any], used: str | None):
    found = plan("openai", environ={"MY_PROXY": "http://u:pw@p:3128"}, **given)
    assert found.target.proxy == used
    assert "pw" not in repr(found)


def test_an_unusable_proxy_is_told():
    with pytest.raises(ValueError, match="proxy"):
        plan("openai", proxy="ftp://p:1")


def test_headers_are_given_by_text_or_by_reference(tmp_path: Path):
    (tmp_path / "h").write_text("from-file")
    headers = {"X-Text": "plain", "x-env": "env:H", "x-file": "file:h", "x-empty": ""}
    found = plan("openai", headers=headers, environ={"H": "from-env"}, base=tmp_path)
    assert found.headers == (
        ("X-Text", "plain"),
        ("x-env", "from-env"),
        ("x-file", "from-file"),
        ("x-empty", ""),
    )


def test_a_ca_file_is_relative_to_the_configuration_file(tmp_path: Path):
    assert plan("openai", ca_file="ca.pem", base=tmp_path).target.ca_file == f"{tmp_path}/ca.pem"
    absolute = str(tmp_path / "x.pem")
    assert plan("openai", ca_file=absolute, base=Path("elsewhere")).target.ca_file == absolute


def test_an_api_version_replaces_the_rows_own_and_leaves_the_row_alone():
    fields: dict[str, Any] = {"vendor": "azure-deployments", "base_url": "https://r.example"}
    assert plan("az", **fields).profile.query == {"api-version": "2024-10-21"}
    found = plan("az", api_version="2026-01-01", **fields)
    assert found.profile.query == {"api-version": "2026-01-01"}
    assert profiles()["azure-deployments"].query == {"api-version": "2024-10-21"}
    other = plan("mine", base_url=OWN_URL, api_version="v9")
    assert other.profile.query == {"api-version": "v9"}


def test_an_address_that_is_none_is_told():
    with pytest.raises(ValueError, match="base URL of upstream 'mine'"):
        plan("mine")


def test_equal_settings_make_equal_plans_and_another_key_another_plan():
    environ = {"K": "one"}
    first = plan("mine", base_url=OWN_URL, api_key="env:K", environ=environ)
    assert plan("mine", base_url=OWN_URL, api_key="env:K", environ=environ) == first
    assert plan("mine", base_url=OWN_URL, api_key="env:K", environ={"K": "two"}) != first


def test_a_plan_does_not_print_its_key():
    assert "sk-a" not in repr(plan("openai", api_key="sk-a"))


@pytest.mark.parametrize(
    "vendor", sorted(n for n, row in profiles().items() if row.base_url and "{" not in row.base_url)
)
def test_every_vendor_with_an_address_can_be_named_alone(vendor: str):
    row = profiles()[vendor]
    found = plan(vendor)
    assert found.target.origin + found.target.path == row.base_url
    assert found.prefix == row.prefix


def test_vendors_whose_variable_is_set_are_found_in_the_order_of_the_rows():
    environ = {"GROQ_API_KEY": "g", "OPENAI_API_KEY": " o ", "XAI_API_KEY": "  "}
    found = list(environment_plans(environ, NOBODY))
    assert [(one.name, one.key) for one in found] == [
        ("openai", Secret("o")),
        ("groq", Secret("g")),
    ]
    assert {one.origin for one in found} == {"environment"}
    assert found[0].target.origin == "https://api.openai.com"


def test_a_name_that_the_settings_take_is_not_found_again():
    environ = {"GROQ_API_KEY": "g", "OPENAI_API_KEY": "o"}
    found = environment_plans(environ, frozenset({"openai"}))
    assert [one.name for one in found] == ["groq"]


def test_a_vendor_without_an_address_of_its_own_is_not_found():
    assert list(environment_plans({"AZURE_OPENAI_API_KEY": "a"}, NOBODY)) == []


def test_a_key_of_our_own_kind_is_not_taken_for_a_vendors():
    own = "kg_live_" + "0" * 49
    assert list(environment_plans({"KILOCODE_API_KEY": own, "OPENAI_API_KEY": own}, NOBODY)) == []


def test_servers_of_this_machine_are_looked_for_at_their_usual_ports():
    found = {row.name: row.loopback_port for row in loopback_rows(NOBODY)}
    assert found == {"ollama": 11434, "lmstudio": 1234, "vllm": 8000, "llamacpp": 8080}
    assert "vllm" not in {row.name for row in loopback_rows(frozenset({"vllm"}))}


def test_a_found_upstream_has_the_rows_prefix_or_its_name():
    rows = profiles()
    assert own_plan(rows["custom"], OWN_URL, Secret(""), "loopback").prefix == "custom"
    found = own_plan(rows["mistral"], OWN_URL, Secret("k"), "built-in")
    assert (found.name, found.prefix, found.origin) == ("mistral", "mistralai", "built-in")
    assert found.key == Secret("k")


def test_prices_are_exact_nanodollars_for_a_million_tokens():
    model = {
        "input_price": 0.1,
        "output_price": 2.675,
        "cache_read_price": 0.000000001,
        "cache_write_price": 0,
        "cache_write_1h_price": 0.5,
    }
    (found,) = overrides(settings({"models": {"m": model}})).values()
    assert found.price == Price(
        input=100_000_000,
        output=2_675_000_000,
        cache_read=1,
        cache_write=0,
        cache_write_1h=500_000_000,
        source="settings",
    )


def test_a_price_that_is_not_given_stays_unknown():
    (found,) = overrides(settings({"models": {"m": {"output_price": 0}}})).values()
    assert found.price == Price(output=0, source="settings")


def test_what_is_said_of_a_model_is_found_by_its_lower_case_id():
    model = {
        "name": "Mine",
        "context_length": 1000,
        "max_output": 50,
        "capabilities": ["tools", "vision"],
    }
    assert overrides(settings({"models": {"Acme/Big": model, "b": {}}})) == {
        "acme/big": Override(
            name="Mine",
            limits=Limits(1000, 50),
            capabilities=frozenset({"tools", "vision"}),
        ),
        "b": Override(),
    }


def test_no_capabilities_are_not_the_same_as_none_said():
    (found,) = overrides(settings({"models": {"m": {"capabilities": []}}})).values()
    assert found.capabilities == frozenset()


def test_an_alias_is_one_model_or_several_in_order():
    given = {"fast": "a/b", "best": ["c", "a/b"]}
    assert aliases(settings({"aliases": given})) == {"fast": ("a/b",), "best": ("c", "a/b")}


def test_terms_follow_the_settings():
    given = settings(
        {
            "server": {"max_reply_bytes": 2048, "cost_in_body": False, "comment_interval_s": 0},
            "routing": {"max_attempts": 2, "retry_after_max_s": 1.5},
        }
    )
    assert terms(given) == Terms(
        max_attempts=2,
        retry_after_max_s=1.5,
        max_reply_bytes=2048,
        cost_in_body=False,
        comment_interval_s=0,
    )


def test_terms_by_default_are_those_of_the_schema():
    assert terms(Settings()) == Terms()


def test_a_vendors_variable_with_a_line_break_is_told():
    with pytest.raises(SecretError):
        plan("openai", environ={"OPENAI_API_KEY": "sk-a\r\nx-evil: 1"})


def test_a_plan_does_not_print_its_headers_values():
    found = plan("openai", headers={"x-secret": "env:H"}, environ={"H": "hush"})
    assert "hush" not in repr(found)


def test_a_key_that_no_header_can_carry_is_told():
    with pytest.raises(SecretError):
        plan("openai", api_key="sk-\u201cquoted\u201d")


AWS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"}


def test_bedrock_is_where_the_region_is_and_signs_with_the_environments_keys():
    found = plan("bedrock", environ=AWS | {"AWS_REGION": "eu-west-1"}, models=["m"])
    assert found.target.origin == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert found.aws is not None
    assert (found.aws.region, found.key) == ("eu-west-1", Secret(""))
    assert "AKID" not in repr(found)
    here = plan("bedrock", environ=AWS, base_url="http://127.0.0.1:1", models=["m"])
    assert here.aws is not None


def test_bedrocks_key_goes_to_aws_alone_and_needs_no_signature():
    environ = AWS | {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-key", "AWS_REGION": "us-east-1"}
    found = plan("bedrock", environ=environ, models=["m"])
    assert (found.key, found.aws) == (Secret("bedrock-key"), None)
    own = "https://bedrock-runtime-fips.us-east-1.amazonaws.com"
    assert plan("bedrock", environ=environ, base_url=own, models=["m"]).key == found.key
    other = plan("bedrock", environ=environ, base_url="https://example.com", models=["m"])
    assert other.key == Secret("")
    assert not list(environment_plans(environ, NOBODY))


def test_both_dialects_of_bedrock_sign():
    one = plan("b", environ=AWS, dialect="bedrock", base_url=OWN_URL, models=["m"])
    other = plan("b", environ=AWS, dialect="bedrock_anthropic", base_url=OWN_URL, models=["m"])
    assert (one.profile.auth, other.profile.auth) == ("aws", "aws")
    assert None not in {one.aws, other.aws}


def test_vertex_signs_in_unless_it_is_given_a_key():
    file = {"GOOGLE_APPLICATION_CREDENTIALS": "/a.json"}
    found = plan("vertex", environ=file, base_url=OWN_URL, models=["m"])
    assert found.google == GoogleAccount("/a.json")
    assert plan("vertex", base_url=OWN_URL, models=["m"]).google == GoogleAccount()
    assert plan("vertex", base_url=OWN_URL, models=["m"], api_key="k").google is None


def test_an_upstream_is_known_by_its_own_name_and_its_vendors():
    site = plan("openai-eu", vendor="openai", api_key="k").site
    assert (site.names, site.is_router) == ({"openai-eu", "openai"}, False)
    assert (site.collects_data, site.keeps_nothing, site.quantization) == (None, None, "")
    assert plan("gemini", api_key="k").site.names == {"gemini", "google", "google-ai-studio"}
    assert plan("mine", base_url=OWN_URL).site.names == {"mine"}
    assert plan("openrouter", api_key="k").site.is_router


@pytest.mark.parametrize(("told", "collects"), [("allow", True), ("deny", False), (None, None)])
def test_what_the_operator_tells_of_an_upstream_is_known(told: str | None, collects: bool | None):
    site = plan("a", base_url=OWN_URL, data_collection=told, zdr=True, quantization="FP8").site
    assert (site.collects_data, site.keeps_nothing, site.quantization) == (collects, True, "fp8")


def test_what_runs_inside_this_program_keeps_nothing():
    local = own_plan(profiles()["local"], OWN_URL, Secret(""), "built-in").site
    found = own_plan(profiles()["ollama"], OWN_URL, Secret(""), "loopback").site
    assert (local.collects_data, local.keeps_nothing) == (False, True)
    assert (found.collects_data, found.keeps_nothing) == (None, None)


def test_a_model_may_have_a_policy_of_its_own():
    found = overrides(settings({"models": {"a/b": {"policy": "cheapest"}, "c": {}}}))
    assert (found["a/b"].policy, found["c"].policy) == ("cheapest", None)
