"""Login by a page and a code (RFC 8628), with a clock that the test owns."""

import pytest

from genesis.auth.device import Answered, Time, device_login
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret

BASE = "https://kilo.example/api/gateway/"
BEGUN = {
    "device_code": "d-code",
    "user_code": "AB-CD",
    "verification_uri": "https://kilo.example/device",
    "interval": 5,
    "expires_in": 60,
}
PENDING = Answered(400, {"error": "authorization_pending"})
SLOWER = Answered(400, {"error": "slow_down"})
KEY = Answered(200, {"access_token": "kk-device\n"})


class Talk:
    """Answers one request after the other, and is the clock."""

    def __init__(self, *answers):
        self.answers, self.asked, self.shown, self.waits, self.now = list(answers), [], [], [], 0.0

    def post(self, url, form):
        self.asked.append((url, dict(form)))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def login(self):
        show = lambda page, code: self.shown.append((page, code))  # noqa: E731
        return device_login(BASE, self.post, show, Time(lambda: self.now, self.sleep))


def test_the_key_comes_once_the_person_has_confirmed():
    talk = Talk(Answered(200, BEGUN), PENDING, PENDING, KEY)
    assert talk.login() == Secret("kk-device")
    assert talk.shown == [("https://kilo.example/device", "AB-CD")]
    assert [url for url, _ in talk.asked] == [f"{BASE}device/code", *[f"{BASE}device/token"] * 3]
    assert talk.asked[1][1] == {
        "client_id": "genesis",
        "device_code": "d-code",
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
    }


@pytest.mark.parametrize(
    "answer",
    [SLOWER, None, Answered(503, {}), Answered(429, {})],
    ids=["told", "away", "503", "429"],
)
def test_it_asks_less_often_when_it_should(answer):
    talk = Talk(Answered(200, BEGUN), answer, answer, PENDING, KEY)
    talk.login()
    assert talk.waits == [5, 10, 15, 15]


@pytest.mark.parametrize(
    ("begun", "waits"),
    [
        (BEGUN | {"interval": 1}, [1]),
        (BEGUN | {"interval": "soon"}, [5]),
        (BEGUN | {"interval": -1}, [5]),
        (BEGUN | {"interval": float("inf")}, [5]),
        ({name: BEGUN[name] for name in ("device_code", "user_code", "verification_uri")}, [5]),
    ],
)
def test_the_gateway_says_how_often(begun, waits):
    talk = Talk(Answered(200, begun), KEY)
    talk.login()
    assert talk.waits == waits


def test_a_code_that_nobody_confirms_expires():
    talk = Talk(Answered(200, BEGUN), PENDING)
    with pytest.raises(GenesisError, match="has expired before it was confirmed"):
        talk.login()
    assert talk.now <= 60


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([None], "cannot be reached"),
        ([Answered(404, {})], "has no device login"),
        ([Answered(400, {"error": {"code": "invalid_path"}})], "has no device login"),
        ([Answered(200, {})], "has no device login"),
        ([Answered(500, {})], r"did not begin a device login \(HTTP 500\)"),
        (
            [Answered(200, BEGUN | {"verification_uri": "file:///etc/passwd"})],
            "a page that is no web address",
        ),
        ([Answered(200, BEGUN), Answered(400, {"error": "access_denied"})], "was refused"),
        ([Answered(200, BEGUN), Answered(400, {"error": "expired_token"})], "has expired"),
        ([Answered(200, BEGUN), Answered(401, {"error": {}})], r"ended the login \(HTTP 401\)"),
        ([Answered(200, BEGUN), Answered(200, {})], r"ended the login \(HTTP 200\)"),
    ],
)
def test_a_login_that_fails_says_why_and_what_to_do(answers, message):
    with pytest.raises(GenesisError, match=message) as caught:
        Talk(*answers).login()
    assert caught.value.message.endswith(".")
    assert "d-code" not in caught.value.message
