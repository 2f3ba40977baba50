"""The HTTP client of the adapters, against a server that does everything wrong."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dragoman.engines.base import EngineUnavailable
from dragoman.engines.cancellation import Cancellation
from dragoman.engines.shared.endpoint import Endpoint
from dragoman.engines.shared.endpoint_errors import (
    EndpointFailed,
    EndpointLimits,
    EndpointNonsense,
    EndpointRefused,
    EndpointTimedOut,
    EndpointUnreachable,
    RequestCancelled,
)
from tests.endpoints.http_server import Call, LoopbackServer, in_turn

SECRET = "sk-very-secret"
CONTENT = "the words of a speaker"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


def opened(server: LoopbackServer, **limits: float) -> Endpoint:
    endpoint = Endpoint("test", server.url, limits=EndpointLimits(**limits))
    endpoint.open()
    return endpoint


def asked(endpoint: Endpoint, cancellation: Cancellation | None = None) -> object:
    body = {"text": CONTENT}
    with endpoint.request("POST", "work", json=body, cancellation=cancellation) as answer:
        return answer.json()


def failure_of(endpoint: Endpoint) -> EndpointFailed:
    with pytest.raises(EndpointFailed) as raised:
        asked(endpoint)
    assert CONTENT not in str(raised.value)
    return raised.value


# ---------------------------------------------------------------- what goes well
def test_json_goes_and_comes_over_one_connection(server: LoopbackServer) -> None:
    server.routes["POST /v1/work"] = lambda call: call.json({"ok": call.request.json()})
    endpoint = opened(server)
    assert [asked(endpoint) for _ in range(3)] == [{"ok": {"text": CONTENT}}] * 3
    assert server.connections == 1
    assert server.received[0].headers["content-type"] == "application/json"


def test_a_form_carries_lists_and_files(server: LoopbackServer) -> None:
    server.routes["POST /v1/work"] = lambda call: call.json({})
    form = {"model": "whisper", "granularities[]": ["word", "segment"]}
    files = {"file": ("a.wav", b"RIFF\r\n\x00", "audio/wav")}
    with opened(server).request("POST", "work", form=form, files=files) as answer:
        answer.json()
    assert server.received[0].form() == {
        "model": [b"whisper"],
        "granularities[]": [b"word", b"segment"],
        "file": [b"RIFF\r\n\x00"],
    }


def test_pieces_come_while_the_server_still_works(server: LoopbackServer) -> None:
    first_was_read = threading.Event()

    def route(call: Call) -> None:
        call.start("audio/pcm")
        call.piece(b"one")
        assert first_was_read.wait(20)
        call.piece(b"two")
        call.end()

    server.routes["POST /v1/work"] = route
    with opened(server).request("POST", "work") as answer:
        pieces = answer.pieces()
        assert next(pieces) == b"one"
        first_was_read.set()
        assert list(pieces) == [b"two"]


def test_events_are_found_wherever_the_pieces_are_cut(server: LoopbackServer) -> None:
    stream = ': hello\n\ndata: {"a": "ñ"}\r\n\r\nevent: x\ndata:one\ndata: two\n\ndata: [DONE]\n\n'
    data = stream.encode()
    server.routes["POST /v1/work"] = lambda call: sent_in_pieces(call, data, 1)
    with opened(server).request("POST", "work") as answer:
        assert list(answer.events()) == ['{"a": "ñ"}', "one\ntwo", "[DONE]"]


def sent_in_pieces(call: Call, data: bytes, size: int) -> None:
    call.start()
    for at in range(0, len(data), size):
        call.piece(data[at : at + size])
    call.end()


def test_the_key_comes_from_the_environment(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", f" {SECRET}\n")
    server.routes["POST /v1/work"] = lambda call: call.reply(500, SECRET.encode())
    endpoint = Endpoint("test", server.url, key_env="MY_KEY")
    endpoint.open()
    assert SECRET not in str(failure_of(endpoint))
    assert server.received[0].headers["authorization"] == f"Bearer {SECRET}"


# ---------------------------------------------------------------- a second try
def test_a_kept_connection_that_was_closed_is_no_failure(server: LoopbackServer) -> None:
    server.routes["POST /v1/work"] = in_turn(
        lambda call: call.json(1), lambda call: call.hang_up(reset=True), lambda call: call.json(2)
    )
    endpoint = opened(server)
    assert [asked(endpoint), asked(endpoint)] == [1, 2]
    assert len(server.received) == 3


def test_a_busy_server_is_asked_once_more_when_it_says_so(server: LoopbackServer) -> None:
    busy = lambda call: call.reply(429, Retry_After="0")  # noqa: E731
    server.routes["POST /v1/work"] = in_turn(busy, lambda call: call.json("now"))
    assert asked(opened(server)) == "now"
    server.routes["POST /v1/work"] = busy
    server.received.clear()
    failure = failure_of(opened(server))
    assert failure.kind == "overloaded"
    assert len(server.received) == 2


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "30"}, {"Retry_After": "soon"}])
def test_a_busy_server_is_left_alone_otherwise(
    server: LoopbackServer, headers: dict[str, str]
) -> None:
    server.routes["POST /v1/work"] = lambda call: call.reply(503, **headers)
    assert failure_of(opened(server)).kind == "overloaded"
    assert len(server.received) == 1


def test_what_was_answered_in_part_is_not_asked_again(server: LoopbackServer) -> None:
    def route(call: Call) -> None:
        call.start("application/json")
        call.piece(b'{"half": ')
        call.hang_up()

    server.routes["POST /v1/work"] = route
    failure = failure_of(opened(server))
    assert isinstance(failure, EndpointUnreachable)
    assert "in the middle" in str(failure)
    assert len(server.received) == 1


# ---------------------------------------------------------------- what goes wrong
def test_nobody_listens(server: LoopbackServer) -> None:
    endpoint = opened(server)
    server.close()
    failure = failure_of(endpoint)
    assert isinstance(failure, EndpointUnreachable)
    assert str(failure) == f"{server.origin} cannot be reached"


def test_every_wait_has_a_limit_of_its_own(server: LoopbackServer) -> None:
    def silent(call: Call) -> None:
        call.wait_until_gone()

    def stalls(call: Call) -> None:
        call.start("application/json")
        call.piece(b"[1,")
        call.wait_until_gone()

    def dribbles(call: Call) -> None:
        call.start("application/json")
        while True:
            call.piece(b" ")

    cases = (
        (silent, {"first_byte_s": 0.2}, "did not answer within 0.2 s"),
        (stalls, {"between_s": 0.1}, "did not go on with its answer within 0.1 s"),
        (dribbles, {"total_s": 0.3, "answer_bytes": 1e12}, "took more than 0.3 s"),
    )
    for route, limits, told in cases:
        server.routes["POST /v1/work"] = route
        failure = failure_of(opened(server, **limits))
        assert isinstance(failure, EndpointTimedOut)
        assert str(failure) == f"{server.origin} {told}"
    server.wait(lambda now: now.open == 0)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "refused"), (404, "refused"), (500, "failed"), (502, "failed")]
)
def test_a_status_is_told_and_not_the_answer(
    server: LoopbackServer, status: int, kind: str
) -> None:
    server.routes["POST /v1/work"] = lambda call: call.reply(status, CONTENT.encode())
    failure = failure_of(opened(server))
    assert isinstance(failure, EndpointRefused)
    assert (failure.status, failure.kind) == (status, kind)


def test_a_redirect_is_not_followed(server: LoopbackServer) -> None:
    with LoopbackServer() as other:
        server.routes["POST /v1/work"] = lambda call: call.reply(307, Location=other.url)
        assert "points to another address" in str(failure_of(opened(server)))
        assert not other.received


@pytest.mark.parametrize(
    "answer",
    [
        lambda call: call.reply(200, b'{"half": '),
        lambda call: call.reply(200, b"<html>hello</html>", "text/html"),
        lambda call: call.reply(200, b"\xff\xfe", "application/json"),
        lambda call: call.reply(200, b"[" * 10_000),
        lambda call: call.reply(200, b"{}", Content_Encoding="gzip"),
        lambda call: call.reply(200, b"[" + b" " * 10_000 + b"]", "application/json"),
    ],
)
def test_nonsense_is_called_so(server: LoopbackServer, answer: object) -> None:
    server.routes["POST /v1/work"] = answer  # type: ignore[assignment]
    endpoint = opened(server, answer_bytes=10_000)
    assert isinstance(failure_of(endpoint), EndpointNonsense)
    server.routes["POST /v1/work"] = lambda call: call.json("works again")
    assert asked(endpoint) == "works again"


def test_what_is_no_http_is_a_broken_connection(server: LoopbackServer) -> None:
    def route(call: Call) -> None:
        call.send_raw(b"SSH-2.0-OpenSSH_9\r\n")
        call.hang_up()

    server.routes["POST /v1/work"] = route
    assert isinstance(failure_of(opened(server)), EndpointUnreachable)


def test_an_answer_without_events_is_nonsense(server: LoopbackServer) -> None:
    server.routes["POST /v1/work"] = lambda call: call.json({})
    answer = opened(server).request("POST", "work")
    with answer, pytest.raises(EndpointNonsense):
        list(answer.events())


# ---------------------------------------------------------------- cancelling
def test_leaving_early_closes_the_connection(server: LoopbackServer) -> None:
    gone = threading.Event()

    def route(call: Call) -> None:
        call.start()
        call.event({"n": 1})
        if call.wait_until_gone():
            gone.set()

    server.routes["POST /v1/work"] = route
    with opened(server).request("POST", "work") as answer:
        assert next(answer.events())
    assert gone.wait(20)


def begins_late(call: Call) -> None:
    call.wait_until_gone()


def stops_in_the_middle(call: Call) -> None:
    call.start("application/json")
    call.piece(b"[")
    call.wait_until_gone()


@pytest.mark.parametrize("route", [begins_late, stops_in_the_middle])
def test_another_thread_cancels_at_any_moment(server: LoopbackServer, route: object) -> None:
    server.routes["POST /v1/work"] = route  # type: ignore[assignment]
    endpoint, cancellation = opened(server), Cancellation()
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(asked, endpoint, cancellation)
        server.wait(lambda now: now.open == 1)
        cancellation.cancel()
        with pytest.raises(RequestCancelled):
            call.result(20)
    server.wait(lambda now: now.open == 0)  # the server saw it
    server.routes["POST /v1/work"] = lambda call: call.json("works again")
    assert asked(endpoint) == "works again"


def test_what_was_cancelled_before_is_not_asked(server: LoopbackServer) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(RequestCancelled):
        asked(opened(server), cancellation)
    assert not server.received


# ---------------------------------------------------------------- load
def test_check_tells_the_models_or_what_to_mend(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = opened(server)
    assert endpoint.check() == (), "a server without that page is there"
    server.routes["GET /v1/models"] = lambda call: call.json({"data": [{"id": "m"}, {}]})
    assert endpoint.check() == ("m",)
    server.routes["GET /v1/models"] = lambda call: call.reply(401)
    with pytest.raises(EngineUnavailable, match="does not accept the key"):
        endpoint.check()
    server.routes["GET /v1/models"] = lambda call: call.reply(502)
    with pytest.raises(EngineUnavailable, match="HTTP status 502"):
        endpoint.check()
    server.close()
    with pytest.raises(EngineUnavailable, match=r"cannot be reached\. Start the model server"):
        opened(server).check()
    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(EngineUnavailable, match="variable NO_KEY holds no key"):
        Endpoint("test", server.url, key_env="NO_KEY").open()
    with pytest.raises(EngineUnavailable, match=r"test\?url="):
        Endpoint("test", "").open()


@pytest.mark.parametrize(
    "url", ["gpu:8000", "ftp://gpu", "http://user:pass@gpu", "http://gpu?key=1", "http://"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        Endpoint("test", url)
