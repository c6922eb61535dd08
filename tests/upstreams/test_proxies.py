"""Proxy URLs, and what the environment says about them."""

import pytest

from kilo_gateway.upstreams.proxies import is_loopback, parse_proxy, proxy_from_environment

ENVIRON = {"HTTPS_PROXY": "http://proxy:3128"}


def test_a_proxy_url_may_hold_credentials():
    proxy = parse_proxy("http://me:p%40ss@proxy.example:3128")
    assert (proxy.host, proxy.port, proxy.authorization.reveal()) == (
        "proxy.example",
        3128,
        "Basic bWU6cEBzcw==",
    )


def test_a_proxy_may_be_given_as_host_and_port():
    proxy = parse_proxy("proxy.example:8080")
    assert (proxy.host, proxy.port, bool(proxy.authorization)) == ("proxy.example", 8080, False)


@pytest.mark.parametrize(
    "url",
    [
        "https://proxy",
        "socks5://proxy:1080",
        "socks4://proxy",
        "http://",
        "http://p:x",
        "http://p:0",
    ],
)
def test_what_is_no_plain_http_proxy_is_refused(url):
    with pytest.raises(ValueError, match="prox"):
        parse_proxy(url)


def test_the_error_does_not_repeat_a_password():
    with pytest.raises(ValueError, match="socks5://") as caught:
        parse_proxy("socks5://me:hunter2@proxy")
    assert "hunter2" not in str(caught.value)


def test_the_variable_of_the_scheme_decides():
    assert proxy_from_environment("https", "example.com", 443, ENVIRON) == parse_proxy("proxy:3128")
    assert proxy_from_environment("http", "example.com", 80, ENVIRON) is None


def test_lower_case_comes_first_and_all_proxy_last():
    environ = {
        "https_proxy": "http://lower:1",
        "HTTPS_PROXY": "http://upper:2",
        "ALL_PROXY": "http://all:3",
    }
    assert proxy_from_environment("https", "example.com", 443, environ) == parse_proxy("lower:1")
    assert proxy_from_environment("http", "example.com", 80, environ) == parse_proxy("all:3")


@pytest.mark.parametrize("host", ["localhost", "api.localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_loopback_never_goes_through_a_proxy_of_the_environment(host):
    assert is_loopback(host)
    assert proxy_from_environment("https", host, 443, ENVIRON) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "is_direct"),
    [
        ("*", "example.com", True),
        ("example.com", "example.com", True),
        ("example.com", "api.example.com", True),
        (".example.com", "api.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("example.com", "badexample.com", False),
        ("other.org, EXAMPLE.com", "example.com", True),
        ("example.com:443", "example.com", True),
        ("example.com:8443", "example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "example.com", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::1", "2001:db8::1", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("", "example.com", False),
        (" , .", "example.com", False),
    ],
)
def test_no_proxy_exempts_names_suffixes_ports_addresses_and_networks(no_proxy, host, is_direct):
    found = proxy_from_environment("https", host, 443, {**ENVIRON, "NO_PROXY": no_proxy})
    assert (found is None) == is_direct
