"""A bare copy through loopback: what comes on a connection goes to the mock as it is, and what comes back goes back.

    python copier.py PORT UPSTREAM_PORT

It is the yardstick of large bodies: nothing that stands between a client and an upstream can do less than read every
byte once and write it once.
"""

import socket
import sys
import threading

_PIECE_BYTES = 256 * 1024


def main() -> None:
    """Serve until killed."""
    port, upstream = int(sys.argv[1]), int(sys.argv[2])
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", upstream))
            for one, other in ((client, server), (server, client)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until the end of what comes."""
    piece = memoryview(bytearray(_PIECE_BYTES))
    try:
        while size := source.recv_into(piece):
            target.sendall(piece[:size])
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


if __name__ == "__main__":
    main()
