"""The door of the server: host, origin, token, size, headers."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from earmark.web.guard import BODY_LIMIT, Guard
from earmark.web.site import MEGABYTE, Site

LIMIT = 1000


async def _body(request: Request) -> JSONResponse:
    return JSONResponse({"got": len(await request.body())})


def _client(site: Site) -> TestClient:
    inner = Starlette(routes=[Route("/", _body, methods=["GET", "POST"])])
    return TestClient(Guard(inner, site), base_url=f"http://localhost:{site.port}", follow_redirects=False)


def _site(**changes: object) -> Site:
    from dataclasses import replace  # noqa: PLC0415  used here only
    from pathlib import Path  # noqa: PLC0415

    values: dict[str, object] = {"upload_limit": LIMIT, **changes}
    return replace(Site(Path("none.db")), **values)  # type: ignore[arg-type]


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Return a client of a server on this machine."""
    with _client(_site()) as opened:
        yield opened


@pytest.mark.parametrize("host", ["localhost:8020", "127.0.0.1:8020", "[::1]:8020", "localhost"])
def test_the_names_of_this_machine_are_let_in(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


def test_what_is_no_name_at_all_is_refused(client: TestClient) -> None:
    assert client.get("/", headers={"host": "[::1"}).status_code == 421
    assert client.post("/", headers={"origin": "http://[::1"}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8020", "", "127.0.0.1.evil.example"])
def test_another_name_that_points_here_is_not(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "this server is not called" in answer.json()["detail"]


def test_a_page_of_another_site_cannot_change_anything(client: TestClient) -> None:
    assert client.post("/", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/", headers={"origin": "null"}).status_code == 403
    assert client.post("/", headers={"origin": "http://localhost:9999"}).status_code == 403
    assert client.post("/", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post("/", headers={"sec-fetch-site": "same-site"}).status_code == 403


def test_a_page_of_another_site_reads_nothing_and_has_nothing_heard(client: TestClient) -> None:
    assert client.get("/", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}).status_code == 403
    link = client.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})
    assert link.status_code == 200
    assert link.headers["cross-origin-resource-policy"] == "same-origin"


def test_our_own_page_and_a_program_can(client: TestClient) -> None:
    assert client.post("/").status_code == 200
    assert (
        client.post("/", headers={"origin": "http://localhost:8020", "sec-fetch-site": "same-origin"}).status_code
        == 200
    )


def test_a_body_that_is_too_long_is_refused_before_and_while_it_is_read(client: TestClient) -> None:
    assert client.post("/", content=b"x" * LIMIT).json() == {"got": LIMIT}
    assert client.post("/", content=b"x" * (LIMIT + 1)).status_code == 413
    chunks = (b"x" * 300 for _ in range(5))  # of unknown length
    assert client.post("/", content=chunks).status_code == 413
    assert client.post("/", headers={"content-length": "-1"}).status_code == 400


def test_only_files_may_be_long() -> None:
    with _client(_site(upload_limit=10 * MEGABYTE)) as client:
        content = b"x" * (BODY_LIMIT + 1)
        assert client.post("/", content=content, headers={"content-type": "application/json"}).status_code == 413
        assert client.post("/", files={"file": ("x.wav", content)}).status_code == 200
        kind = {"content-type": "Multipart/Form-Data; boundary=B"}  # as some clients write it
        assert client.post("/", content=content, headers=kind).status_code == 200


def _at_once(site: Site, sizes: list[int | None]) -> list[tuple[int, dict[bytes, bytes]]]:
    """Status and headers of the answers to files that are sent at once, and all of which have begun before one ends."""
    answers: list[tuple[int, dict[bytes, bytes]]] = []

    async def inner(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await ended.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answers.append((int(message["status"]), dict(message["headers"])))

    async def post(size: int | None) -> None:
        headers = [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=B")]
        headers += [] if size is None else [(b"content-length", str(size).encode())]
        await guard(
            {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}, receive, send
        )

    async def all_of_them() -> None:
        for _ in range(2):  # room is given back
            ended.clear()
            sending = [asyncio.create_task(post(size)) for size in sizes]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            ended.set()
            await asyncio.gather(*sending)

    ended = asyncio.Event()
    guard = Guard(inner, site)
    asyncio.run(all_of_them())
    assert answers[: len(sizes)] == answers[len(sizes) :]
    return answers[: len(sizes)]


@pytest.mark.parametrize(
    ("limits", "sizes", "refused"),
    [
        ({"waiting_limit": 3}, [10] * 5, 2),
        ({"waiting_limit": 9, "disk_limit": 600}, [100, 100, 100], 0),
        ({"waiting_limit": 9, "disk_limit": 600}, [100, 100, 101, 100], 1),
        ({"waiting_limit": 9, "disk_limit": 600}, [LIMIT, 1], 1),
        ({"waiting_limit": 9, "disk_limit": 2 * LIMIT}, [None, 1], 1),
    ],
)
def test_more_files_than_there_is_room_for_are_told_when_to_come_again(
    limits: dict[str, int], sizes: list[int | None], refused: int
) -> None:
    answers = _at_once(_site(**limits), sizes)
    assert sorted(status for status, _ in answers) == [200] * (len(sizes) - refused) + [429] * refused
    assert {headers.get(b"retry-after") for status, headers in answers if status == 429} <= {b"5"}


def test_room_is_for_files_only() -> None:
    with _client(_site(waiting_limit=0)) as client:
        assert client.post("/", content=b"x").status_code == 200
        answer = client.post("/", files={"file": ("x.wav", b"x")})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        assert answer.json() == {"detail": "too many files are sent at once; try again in a moment"}


def test_a_file_that_nobody_goes_on_to_send_gives_its_room_back() -> None:
    async def receive() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": True}
        await asyncio.sleep(60)
        raise AssertionError

    async def send(message: Message) -> None:
        answers.append(message)

    async def inner(scope: Scope, receive: Receive, _: Send) -> None:
        await Request(scope, receive).body()

    parts, answers = [b"half", b"of it"], list[Message]()
    headers = [
        (b"host", b"localhost"),
        (b"content-type", b"multipart/form-data; boundary=B"),
        (b"content-length", b"9"),
    ]
    guard = Guard(inner, _site(waiting_limit=1, silence=0.1))
    for _ in range(2):
        asyncio.run(
            guard(
                {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}, receive, send
            )
        )
    assert [answer["status"] for answer in answers[::2]] == [408, 408]
    assert answers[1]["body"] == b'{"detail": "nothing more of the request came"}'


@pytest.mark.parametrize("gone", [True, False])
def test_a_tab_that_is_closed_meanwhile_is_no_fault(*, gone: bool) -> None:
    async def fail(_: Scope, receive: Receive, __: Send) -> None:
        await receive()
        raise RuntimeError("No response returned.")

    async def receive() -> Message:
        return {"type": "http.disconnect"} if gone else {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", b"localhost")]}
    with nullcontext() if gone else pytest.raises(RuntimeError):
        asyncio.run(Guard(fail, _site())(scope, receive, send))


def test_scripts_of_others_are_kept_out_by_headers(client: TestClient) -> None:
    headers = client.get("/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "connect-src 'self' ws://localhost:8020 wss://localhost:8020;" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_with_a_token_only_who_knows_it_is_let_in() -> None:
    with _client(_site(token="secret", host="0.0.0.0")) as client:  # noqa: S104, S106  that is the case to test
        assert client.get("/", headers={"host": "any.name"}).status_code == 401
        assert client.get("/", headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/", headers={"authorization": "Bearer secret"}).status_code == 200
        assert client.get("/?token=wrong").status_code == 401


def test_the_token_of_the_first_address_becomes_a_cookie_and_leaves_the_address() -> None:
    with _client(_site(token="secret", host="0.0.0.0")) as client:  # noqa: S104, S106
        first = client.get("/?token=secret&page=2")
        assert first.status_code == 303
        assert first.headers["location"] == "/?page=2"
        assert "HttpOnly; SameSite=Lax" in first.headers["set-cookie"]
        client.cookies.clear()
        assert client.get("/", headers={"cookie": "earmark-8020=secret"}).status_code == 200
        assert client.get("/", headers={"cookie": "earmark-8020=another"}).status_code == 401
        beside = (
            "a:b=1; c[d]=2; x; earmark-8021=another; earmark-8020=secret"  # those of other programs on this machine
        )
        assert client.get("/", headers={"cookie": beside}).status_code == 200


def test_the_way_on_stays_on_this_server() -> None:
    with _client(_site(token="secret", host="0.0.0.0")) as client:  # noqa: S104, S106
        place = client.get("http://localhost:8020//evil.example/%0d%0aX:%20y?token=secret").headers["location"]
        assert place == "/evil.example/%0D%0AX%3A%20y"


def test_an_address_that_others_can_reach_gets_a_token_of_its_own() -> None:
    assert Site.of(host="127.0.0.1").token == ""
    one, two = (Site.of(host="192.168.1.4").token for _ in range(2))
    assert len(one) >= 32
    assert one != two


def test_the_address_that_is_printed_can_be_opened_from_elsewhere() -> None:
    assert Site.of(host="::1").address == "http://[::1]:8020"
    site = Site.of(host="0.0.0.0", port=9000)  # noqa: S104
    assert site.address == f"http://{socket.gethostname()}:9000/?token={site.token}"
