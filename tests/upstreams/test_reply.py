"""Reply: framing, limits, and that no cut or chunking ever gives a wrong body."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.upstreams.reply import BODY, CUT, DONE, GARBAGE, HEAD, Reply

OK = b"HTTP/1.1 200 OK\r\n"
EVENTS = b"".join(b'data: {"n":%d}\n\n' % n for n in range(5)) + b"data: [DONE]\n\n"


def chunked(*pieces: bytes, trailer: bytes = b"") -> bytes:
    return (
        b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        + b"0\r\n"
        + trailer
        + b"\r\n"
    )


WITH_LENGTH = OK + b"Content-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s" % (
    len(EVENTS),
    EVENTS,
)
IN_CHUNKS = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Transfer-Encoding: chunked\r\n\r\n"
    + chunked(EVENTS[:7], EVENTS[7:30], EVENTS[30:], trailer=b"X-Sum: 1\r\n")
)  # fmt: skip


def reply_to(*pieces: bytes) -> Reply:
    reply = Reply()
    reply.expect()
    for piece in pieces:
        reply.feed(piece)
    return reply


def test_a_reply_with_a_length_is_complete_at_its_last_byte():
    reply = reply_to(OK + b"Content-Length: 5\r\nX-A: 1\r\n\r\nhel")
    assert (reply.state, reply.status, reply.headers[b"x-a"]) == (BODY, 200, b"1")
    reply.feed(b"lo")
    assert (reply.state, reply.take(), reply.keep_alive) == (DONE, b"hello", True)


def test_body_pieces_of_several_chunks_are_taken_as_one():
    assert reply_to(IN_CHUNKS).take() == EVENTS


def test_trailers_are_no_headers():
    assert b"x-sum" not in reply_to(IN_CHUNKS).headers


def test_the_same_reader_reads_one_reply_after_the_other():
    reply = reply_to(WITH_LENGTH)
    reply.expect()
    assert (reply.state, reply.take(), reply.headers) == (HEAD, b"", {})
    reply.feed(IN_CHUNKS)
    assert (reply.state, reply.take()) == (DONE, EVENTS)


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body_whatever_the_head_says(status):
    reply = reply_to(b"HTTP/1.1 %d X\r\nContent-Length: 7\r\n\r\n" % status)
    assert (reply.state, reply.status, reply.keep_alive) == (DONE, status, True)


def test_without_a_length_the_body_ends_with_the_connection():
    reply = reply_to(OK + b"\r\nhello")
    assert reply.state == BODY
    reply.end(None)
    assert (reply.state, reply.take(), reply.keep_alive) == (DONE, b"hello", False)


def test_an_error_does_not_end_a_body_without_a_length():
    reply = reply_to(OK + b"\r\nhello")
    reply.end(ConnectionResetError("reset"))
    assert (reply.state, reply.problem) == (CUT, "reset")


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_the_server_says_whether_the_connection_goes_on(head, keeps):
    assert reply_to(head + b"Content-Length: 2\r\n\r\nok").keep_alive == keeps


@pytest.mark.parametrize(
    "surplus", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"garbage"]
)
def test_bytes_after_the_end_spoil_the_connection_but_not_the_reply(surplus):
    reply = reply_to(OK + b"Content-Length: 2\r\n\r\nok" + surplus)
    assert (reply.state, reply.status, reply.take(), reply.keep_alive) == (DONE, 200, b"ok", False)


def test_up_to_sixteen_informational_replies_are_skipped():
    hints = b"HTTP/1.1 102 Processing\r\n\r\n"
    assert reply_to(hints * 16 + WITH_LENGTH).status == 200
    assert reply_to(hints * 17 + WITH_LENGTH).state == GARBAGE


def test_headers_of_informational_replies_are_dropped():
    assert b"link" not in reply_to(IN_CHUNKS).headers


def test_of_repeated_headers_the_first_wins():
    assert reply_to(OK + b"X-A: 1\r\nX-A: 2\r\n\r\n").headers[b"x-a"] == b"1"


def test_content_encodings_over_two_lines_are_one_list():
    reply = reply_to(OK + b"Content-Encoding: gzip\r\nContent-Encoding: br\r\n\r\n")
    assert reply.headers[b"content-encoding"] == b"gzip,br"


GARBAGE_REPLIES = {
    "html": b"<html>",
    "http/2 preface": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "status 99": b"HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nok",
    "upgrade": b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nabc",
    "upgrade without a header": b"HTTP/1.1 101 X\r\n\r\nabc",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
    "length list": OK + b"Content-Length: 2, 3\r\n\r\nokk",
    "negative length": OK + b"Content-Length: -2\r\n\r\nok",
    "signed length": OK + b"Content-Length: +2\r\n\r\nok",
    "length overflow": OK + b"Content-Length: 99999999999999999999\r\n\r\nok",
    "length and chunked": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "gzip transfer coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "other transfer coding": OK + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "chunked is not last": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": OK
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "chunk size overflow": OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc",
    "chunk longer than said": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "folded header": OK + b"X-A: a\r\n b\r\n\r\n",
    "blank before colon": OK + b"X-A : a\r\n\r\n",
    "NUL in a header": OK + b"X-A: a\0b\r\n\r\n",
    "a header of 65 KiB": OK + b"X-A: " + b"a" * 66_000 + b"\r\n\r\n",
    "257 headers": OK + b"X-A: a\r\n" * 257 + b"\r\n",
}


@pytest.mark.parametrize("data", GARBAGE_REPLIES.values(), ids=GARBAGE_REPLIES)
def test_what_is_not_http_as_we_accept_it_is_garbage(data):
    reply = reply_to(data)
    assert reply.state == GARBAGE
    assert reply.problem


def test_a_head_without_end_is_garbage_after_64_kib():
    reply = reply_to(OK)
    for _ in range(70):
        reply.feed(b"X" * 1024)
    assert reply.state == GARBAGE


@pytest.mark.parametrize("size", [40_000, 1, 7])
def test_a_head_of_forty_kib_is_fine_however_it_is_cut(size):
    recorded = OK + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 390) for n in range(100)) + b"\r\n"
    assert reply_to(*(recorded[n : n + size] for n in range(0, len(recorded), size))).state == BODY


def test_a_trailer_without_end_is_garbage_after_64_kib():
    reply = reply_to(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: ")
    for _ in range(70):
        reply.feed(b"X" * 1024)
    assert (reply.state, reply.take()) == (GARBAGE, b"ok")


def test_what_came_before_garbage_is_kept():
    reply = reply_to(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n")
    assert (reply.state, reply.take()) == (GARBAGE, b"ok")


@pytest.mark.parametrize("recorded", [WITH_LENGTH, IN_CHUNKS], ids=["content-length", "chunked"])
def test_a_cut_at_any_byte_is_seen_and_what_came_before_is_a_prefix(recorded):
    for cut in range(len(recorded)):
        reply = reply_to(recorded[:cut])
        reply.end(None)
        assert reply.state == CUT, cut
        assert EVENTS.startswith(reply.take()), cut
    assert reply_to(recorded).state == DONE


@given(
    recorded=st.sampled_from([WITH_LENGTH, IN_CHUNKS]),
    cuts=st.lists(st.integers(0, max(len(WITH_LENGTH), len(IN_CHUNKS))), max_size=30),
)
def test_any_chunking_gives_the_same_reply(recorded, cuts):
    borders = [0, *sorted(cuts), len(recorded)]
    reply = reply_to(*(recorded[a:b] for a, b in itertools.pairwise(borders) if b > a))
    assert (reply.state, reply.status, reply.take(), reply.keep_alive) == (DONE, 200, EVENTS, True)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_make_it_raise(data):
    reply = reply_to(data, data)
    reply.end(None)
    assert reply.state in {CUT, GARBAGE, DONE}
