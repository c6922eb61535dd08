"""What is of this machine."""

import pytest

from genesis.core.hosts import is_local_url, is_loopback


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("LocalHost", True),
        ("evil.localhost", False),
        ("127.0.0.1.example", False),
        ("0.0.0.0", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_alone(host, here):
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:4000/x/", True),
        ("http://localhost:1/", True),
        ("http://[::1]:8/v1", True),
        ("http://0.0.0.0:8/v1", True),
        ("http://mac.local/v1", True),
        ("http://me.localhost/", True),
        ("http://localhost.example/", False),
        ("http://127.0.0.1.example/", False),
        ("http://[/", False),
        ("https://api.kilo.ai/", False),
        ("", False),
    ],
)
def test_local_is_this_machine_or_its_network(url, is_local):
    assert is_local_url(url) is is_local
