"""Keys of the environment, the region they are used in, and that nothing of them is printed."""

import pytest

from kilo_gateway.core.secret import Secret
from kilo_gateway.upstreams.signing import AwsKeys, aws_keys, is_aws_host

ENVIRON = {"AWS_ACCESS_KEY_ID": " AKID ", "AWS_SECRET_ACCESS_KEY": "secret-1"}


def test_keys_of_the_environment():
    assert aws_keys(ENVIRON, "") == AwsKeys("AKID", Secret("secret-1"), Secret(""), "us-east-1")
    more = ENVIRON | {"AWS_SESSION_TOKEN": "token-1", "AWS_REGION": "eu-west-1"}
    assert aws_keys(more, "127.0.0.1") == AwsKeys(
        "AKID", Secret("secret-1"), Secret("token-1"), "eu-west-1"
    )


@pytest.mark.parametrize("missing", ENVIRON)
def test_half_a_pair_is_none(missing: str):
    assert aws_keys({name: value for name, value in ENVIRON.items() if name != missing}, "") is None


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("bedrock-runtime.us-west-2.amazonaws.com", "us-west-2"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("vpce-0a-1b.bedrock-runtime.eu-central-1.vpce.amazonaws.com", "eu-central-1"),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("example.com", "ap-south-1"),
    ],
)
def test_the_host_names_the_region_before_the_environment_does(host: str, region: str):
    keys = aws_keys(ENVIRON | {"AWS_DEFAULT_REGION": "ap-south-1"}, host)
    assert keys is not None
    assert keys.region == region


def test_only_aws_own_hosts_are_home():
    assert is_aws_host("bedrock-runtime.us-west-2.amazonaws.com")
    assert not is_aws_host("amazonaws.com.example.com")
    assert not is_aws_host("fakeamazonaws.com")


def test_keys_are_not_printed():
    assert "secret-1" not in repr(aws_keys(ENVIRON, ""))
    assert "AKID" not in repr(aws_keys(ENVIRON, ""))
