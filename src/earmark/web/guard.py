"""The door of the server: who may ask, from where, and how much may be sent.

A page that the user has open elsewhere can send requests to this machine, and a name that points here can make them
look as if they came from one of our pages. So the host must be one of ours, nothing but a link leads here from another
site, and an address that others can reach asks for a token. The headers of each answer keep scripts of others out of
our pages.

References: OWASP cheat sheets on cross-site request forgery and content security policy; Fetch Metadata (W3C).
"""

import asyncio
import hmac
import json
import re
from contextlib import ExitStack
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.requests import ClientDisconnect, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earmark.web.ears import BusyError
from earmark.web.site import LOCAL, MEGABYTE, RETRY_AFTER, Site
from earmark.web.uploads import Uploads

READING: Final = ("GET", "HEAD", "OPTIONS")
BODY_LIMIT: Final = 4 * MEGABYTE  # of a request that sends no file: the ids of 100,000 tracks are a quarter of it
# Vue compiles templates in the browser (unsafe-eval), and its elements carry styles of their own.
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' {sockets}; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
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
        self._uploads = Uploads(site.waiting_limit, site.disk_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        send = _with_headers(send, headers.setdefault("host", ""))
        with ExitStack() as room:
            try:
                self._check_host(headers)
                self._check_origin(scope, headers)
                fresh = self._check_token(scope, headers)
                self._check_length(headers)
                self._check_room(headers, room)
            except Refused as refused:
                await _answer(scope, send, refused)
                return
            if fresh:
                await self._remember(scope, send)
                return
            await self._let_in(scope, receive, send, self._limit(headers))

    def _check_host(self, headers: dict[str, str]) -> None:
        """The host must be ours; with a token any name will do, for a page of another name has none."""
        named = headers["host"]
        try:
            host = urlsplit(f"//{named}").hostname
        except ValueError:
            host = None
        if host is None or (self._hosts is not None and host not in self._hosts):
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, f"this server is not called {host or named}")

    def _check_origin(self, scope: Scope, headers: dict[str, str]) -> None:
        """Requests come from our own pages, from links, or from programs that are no browsers."""
        reading = scope["type"] == "http" and scope["method"] in READING
        link = reading and headers.get("sec-fetch-mode") == "navigate"
        elsewhere = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
        foreign = "origin" in headers and headers["origin"].partition("://")[2] != headers["host"]
        if foreign or (elsewhere and not link):
            raise Refused(HTTPStatus.FORBIDDEN, "this request comes from another site")

    def _check_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Whether the token stands in the address, to be remembered as a cookie."""
        token = self._site.token
        if not token:
            return False
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        cookie = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        if _same(bearer, token) or _same(cookie, token):
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
        if int(declared) > self._limit(headers):
            raise _too_long(self._limit(headers))

    def _limit(self, headers: dict[str, str]) -> int:
        """Bytes that a request may have."""
        return self._site.upload_limit if _is_upload(headers) else min(BODY_LIMIT, self._site.upload_limit)

    def _check_room(self, headers: dict[str, str], room: ExitStack) -> None:
        """There must be room for a file that is sent; for the largest, where it does not say how long it is."""
        if not _is_upload(headers):
            return
        size = int(headers.get("content-length", self._site.upload_limit))
        try:
            room.enter_context(self._uploads.under_way(size))
        except BusyError as busy:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, str(busy)) from None

    @property
    def _cookie(self) -> str:
        """The name of the cookie: cookies do not know ports, and another server of this machine has another token."""
        return f"earmark-{self._site.port}"

    async def _remember(self, scope: Scope, send: Send) -> None:
        """Set the cookie and go to the same address without the token, so that it does not stay in the history.

        A strict cookie would not come along where the address was a link in a page of another site.
        """
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        asked.pop("token", None)
        rest = urlencode(asked, doseq=True)
        place = "/" + quote(scope["path"].lstrip("/")) + (f"?{rest}" if rest else "")
        headers = [
            (b"location", place.encode()),
            (b"set-cookie", f"{self._cookie}={self._site.token}; Path=/; HttpOnly; SameSite=Lax".encode()),
        ]
        await send({"type": "http.response.start", "status": HTTPStatus.SEE_OTHER, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        """Hand the request on; a body is cut off where it is too long, and where nothing more of it comes.

        Who lost the network in the middle of a file tells nobody, and would keep its room for ever.
        """
        got, refused, gone, whole = 0, False, False, scope["type"] == "websocket"

        async def refuse(why: Refused) -> Message:
            nonlocal refused
            if not refused:
                refused = True
                await _answer(scope, send, why)
            return {"type": "http.disconnect"}

        async def counted() -> Message:
            nonlocal got, gone, whole
            try:
                message = await asyncio.wait_for(receive(), None if whole else self._site.silence)
            except TimeoutError:
                return await refuse(Refused(HTTPStatus.REQUEST_TIMEOUT, "nothing more of the request came"))
            gone = gone or message["type"] == "http.disconnect"
            whole = whole or not message.get("more_body", False)
            got += len(message.get("body", b""))
            return await refuse(_too_long(limit)) if refused or got > limit else message

        async def sending(message: Message) -> None:
            if not refused:
                await send(message)

        try:
            await self._app(scope, counted, sending)
        except (ClientDisconnect, RuntimeError):  # the latter of Starlette's middleware: "No response returned"
            if not refused and not gone:
                raise


def _is_upload(headers: dict[str, str]) -> bool:
    return headers.get("content-type", "").lower().startswith("multipart/")


def _same(shown: str, token: str) -> bool:
    return hmac.compare_digest(shown.encode(), token.encode())


def _too_long(limit: int) -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request is longer than {limit // MEGABYTE} MB")


def _with_headers(send: Send, host: str) -> Send:
    """Send with the headers that each answer has; pages speak with this host only."""
    sockets = f"ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    headers = (*HEADERS, (b"content-security-policy", POLICY.format(sockets=sockets).encode()))

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *headers]}
        await send(message)

    return sending


async def _answer(scope: Scope, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refused.reason})
        return
    body = json.dumps({"detail": refused.reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status is HTTPStatus.TOO_MANY_REQUESTS:
        headers.append((b"retry-after", str(RETRY_AFTER).encode()))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
