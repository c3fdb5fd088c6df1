"""The door of the server: who may ask, from where, and how much may be sent.

A page that the user has open elsewhere can send requests to this machine, and a name that points here can make them
look as if they came from one of our pages. So the host must be one of ours, whatever changes something must not come
from another site, and an address that others can reach asks for a token. The headers of each answer keep scripts of
others out of our pages.

References: OWASP cheat sheets on cross-site request forgery and content security policy; Fetch Metadata (W3C).
"""

import hmac
import json
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earmark.web.site import LOCAL, MEGABYTE, Site

COOKIE: Final = "earmark"
READING: Final = ("GET", "HEAD", "OPTIONS")
# Vue compiles templates in the browser (unsafe-eval), and its elements carry styles of their own.
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' ws: wss:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Refused(Exception):  # noqa: N818  no error of ours: an answer
    """A request that is not let in.

    Attributes:
        status: of the answer.
        reason: a sentence.
    """

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Guard:
    """The door, an ASGI middleware.

    Args:
        app: the application behind it.
        site: the settings of the server.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site
        self._hosts = {*LOCAL, site.host} if not site.token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check_host(headers)
            self._check_origin(scope, headers)
            fresh = self._check_token(scope, headers)
            self._check_length(headers)
        except Refused as refused:
            await _answer(scope, send, refused)
            return
        if fresh:
            await _remember(scope, send, self._site.token)
            return
        await self._let_in(scope, receive, send)

    def _check_host(self, headers: dict[str, str]) -> None:
        """The host must be ours; with a token any name will do, for a page of another name has none."""
        host = urlsplit(f"//{headers.get('host', '')}").hostname
        if self._hosts is not None and host not in self._hosts:
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, f"this server is not called {host}")

    def _check_origin(self, scope: Scope, headers: dict[str, str]) -> None:
        """Whatever changes something must come from our own pages, or from a program that is no browser."""
        if scope["type"] == "http" and scope["method"] in READING:
            return
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
        if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(HTTPStatus.FORBIDDEN, "this request comes from another site")

    def _check_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Whether the token stands in the address, to be remembered as a cookie."""
        token = self._site.token
        if not token:
            return False
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        if any(_same(each, token) for each in (bearer, cookie.value if cookie else "")):
            return False
        if scope["type"] == "http" and scope["method"] == "GET" and _same(asked, token):
            return True
        raise Refused(
            HTTPStatus.UNAUTHORIZED, "the token is missing or wrong: `earmark serve` prints the address with it"
        )

    def _check_length(self, headers: dict[str, str]) -> None:
        declared = headers.get("content-length", "0")
        if not declared.isdecimal():
            raise Refused(HTTPStatus.BAD_REQUEST, "the length of the request is no number")
        if int(declared) > self._site.upload_limit:
            raise self._too_long()

    def _too_long(self) -> Refused:
        megabytes = self._site.upload_limit // MEGABYTE
        return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request is longer than {megabytes} MB")

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on; a body that does not say how long it is is cut off where it is too long."""
        got, refused = 0, False

        async def counted() -> Message:
            nonlocal got, refused
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._site.upload_limit and not refused:
                refused = True
                await _answer(scope, send, self._too_long())
            return {"type": "http.disconnect"} if refused else message

        async def sending(message: Message) -> None:
            if not refused:
                await _with_headers(send)(message)

        try:
            await self._app(scope, counted, sending)
        except ClientDisconnect:
            if not refused:  # else it was we who ended it
                raise


def _same(shown: str, token: str) -> bool:
    return hmac.compare_digest(shown.encode(), token.encode())


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *HEADERS]}
        await send(message)

    return sending


async def _answer(scope: Scope, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refused.reason})
        return
    body = json.dumps({"detail": refused.reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await _with_headers(send)({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _remember(scope: Scope, send: Send, token: str) -> None:
    """Set the cookie and go to the same address without the token, so that it does not stay in the history."""
    asked = parse_qs(scope["query_string"].decode("latin-1"))
    asked.pop("token", None)
    rest = urlencode(asked, doseq=True)
    place = scope["path"] + (f"?{rest}" if rest else "")
    headers = [
        (b"location", place.encode()),
        (b"set-cookie", f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict".encode()),
    ]
    await _with_headers(send)({"type": "http.response.start", "status": HTTPStatus.SEE_OTHER, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
