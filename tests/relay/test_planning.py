"""What the router is told of a call: its conversation, its size, its wishes."""

import msgspec
import pytest

from kilo_gateway.core.deployment import Deployment, Limits
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.relay.planning import planned
from kilo_gateway.relay.settle import Books
from kilo_gateway.router.affinity import Affinity
from kilo_gateway.router.health import Health
from tests.relay.fakes import GRANT, Names, make_call


def make(name, window=None, **facts):
    limits = Limits(context=window)
    return Deployment(name, "m", "m", "openai_chat", limits=limits, **facts)


class Known(Names):
    """A catalog of one model."""

    def is_ours(self, name):
        return True


@pytest.fixture
def books():
    parts = dict.fromkeys(("journal", "metrics", "log", "clock", "new_id"))
    return Books(health=Health(), affinity=Affinity(), **parts)


def plan(books, call, *deployments):
    call, found = planned(call, GRANT, Known(deployments), books, lambda: 0.5)
    return call, "".join(one.upstream for one in found)


A, B = make("a"), make("b")
HEADERS = {b"x-session-id": b"s"}


def test_a_call_knows_its_conversation_where_it_may_stay_somewhere(books):
    call, order = plan(books, make_call(stream=False, headers=HEADERS), A, B)
    assert (len(call.conversation), order) == (32, "ab")
    books.affinity.answered(call.conversation, B.id, 9, call.arrived)
    assert plan(books, make_call(stream=False, headers=HEADERS), A, B)[1] == "ba"
    assert plan(books, make_call(stream=False, headers={b"x-session-id": b"t"}), A, B)[1] == "ab"


def test_the_same_first_question_again_is_another_conversation(books):
    ask, reply = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}
    call, _ = plan(books, make_call(stream=False, fields={"messages": raw_json([ask])}), A, B)
    books.affinity.answered(call.conversation, B.id, 9, call.arrived)
    again = make_call(stream=False, fields={"messages": raw_json([ask])})
    later = make_call(stream=False, fields={"messages": raw_json([ask, reply, ask])})
    assert (plan(books, again, A, B)[1], plan(books, later, A, B)[1]) == ("ab", "ba")


def test_where_there_is_no_choice_nothing_is_remembered(books):
    assert plan(books, make_call(stream=False, headers=HEADERS), A)[0].conversation == ""


def test_what_is_no_conversation_stays_nowhere(books):
    call = make_call(stream=False, headers=HEADERS, operation="completions")
    assert plan(books, call, A, B)[0].conversation == ""


def test_wishes_are_minded(books):
    assert plan(books, make_call(stream=False, wishes=Preferences(only=("b",))), A, B)[1] == "b"
    with pytest.raises(Fault) as caught:
        plan(books, make_call(stream=False, wishes=Preferences(only=("c",))), A, B)
    assert caught.value.kind is Kind.PROVIDER_NOT_ALLOWED


def with_text(size, **content):
    messages = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "x " * (size // 2)}, *content.values()],
        }
    ]
    fields = {"model": raw_json("m"), "messages": raw_json(messages)}
    return make_call(stream=False, fields=fields, body_bytes=len(msgspec.json.encode(fields)))


SMALL, LARGE = make("a", 10_000), make("b", 100_000, priority=1)


def test_a_long_request_goes_where_there_is_room(books):
    assert plan(books, with_text(20_000), SMALL, LARGE)[1] == "ab"
    assert plan(books, with_text(80_000), SMALL, LARGE)[1] == "ba"


def test_a_picture_is_many_bytes_and_few_tokens(books):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 200_000}}
    assert plan(books, with_text(200, picture=picture), SMALL, LARGE)[1] == "ab"


def test_a_request_that_cannot_be_read_is_sized_by_its_bytes(books):
    fields = {"model": raw_json("m"), "messages": raw_json([{"role": 7}])}
    call = make_call(stream=False, fields=fields, body_bytes=80_000)
    assert plan(books, call, SMALL, LARGE)[1] == "ba"
