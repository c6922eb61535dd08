"""Ports that stay ours."""

import socket
import sys

import pytest

from kilo_gateway.local.port import LOOPBACK, Port


def listener(number: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((LOOPBACK, number))
    server.listen()
    return server


def test_a_child_can_listen_where_we_are_bound_again_and_again() -> None:
    port = Port()
    for _ in range(2):
        with listener(port.renew()), socket.create_connection((LOOPBACK, port.number)):
            pass
    port.release()


def test_nobody_is_reached_while_the_child_is_down() -> None:
    port = Port()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port.number))
    port.release()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a bound socket hold the port")
def test_a_held_port_is_given_to_nobody_else() -> None:
    port = Port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((LOOPBACK, port.number))
    port.release()


def test_a_port_that_was_lost_is_replaced() -> None:
    port = Port()
    lost = port.number
    port.release()
    with listener(lost):
        assert port.renew() != lost
    port.release()


def test_a_port_that_is_free_is_kept_although_not_held() -> None:
    port = Port()
    port.release()
    assert port.renew() == port.number
    port.release()
