"""parse_target."""

import pytest

from kilo_gateway.upstreams.target import parse_target


def test_a_base_url_is_taken_apart_and_its_trailing_slash_dropped():
    target = parse_target("acme", "https://API.example.com/v1/")
    assert (target.scheme, target.host, target.port, target.path) == (
        "https",
        "api.example.com",
        443,
        "/v1",
    )


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://example.com", "example.com"),
        ("http://example.com:80/v1", "example.com"),
        ("https://example.com:80", "example.com:80"),
        ("http://127.0.0.1:11434", "127.0.0.1:11434"),
        ("http://[::1]:8000/v1", "[::1]:8000"),
        ("https://[2001:db8::1]", "[2001:db8::1]"),
    ],
)
def test_the_authority_is_what_the_host_header_wants(url, authority):
    assert parse_target("acme", url).authority == authority


def test_ipv6_hosts_are_kept_without_brackets():
    assert parse_target("acme", "http://[::1]:8000").host == "::1"


def test_a_path_may_be_absent():
    assert parse_target("acme", "http://example.com/").path == ""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "empty"),
        ("example.com/v1", "must start with http"),
        ("ftp://example.com", "must start with http"),
        ("http://", "no valid host"),
        ("http:///v1", "no valid host"),
        ("http://exa mple.com", "blanks"),
        ("http://example.com/\r\nx: y", "blanks"),
        ("http://exämple.com", "non-ASCII"),
        ("http://user:pass@example.com", "user name or password"),
        ("http://example.com:99999", "malformed"),
        ("http://example.com:0", "port 0"),
        ("http://example.com:x", "malformed"),
        ("http://example.com/v1?key=1", "must end with its path"),
        ("http://example.com/v1#top", "must end with its path"),
        ("http://[::1", "malformed"),
        ("http://a..b", "no valid host"),
        ("http://" + "a" * 64, "no valid host"),
        ("http://exa%6dple.com", "no valid host"),
    ],
)
def test_what_is_no_base_url_is_refused_with_the_reason(url, why):
    with pytest.raises(ValueError, match=why):
        parse_target("acme", url)


def test_an_explicit_proxy_is_checked_at_once():
    with pytest.raises(ValueError, match="socks5"):
        parse_target("acme", "http://example.com", proxy="socks5://127.0.0.1:1080")


def test_the_representation_hides_the_password_of_a_proxy():
    target = parse_target("acme", "http://example.com", proxy="http://me:hunter2@proxy:3128")
    assert "hunter2" not in repr(target)


def test_a_password_in_a_base_url_is_not_repeated_in_the_error():
    with pytest.raises(ValueError, match="user name") as caught:
        parse_target("acme", "http://user:hunter2@example.com")
    assert "hunter2" not in str(caught.value)
