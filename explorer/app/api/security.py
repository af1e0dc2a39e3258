"""Access control: who may call the server.

Browsers on this machine may, and those on other machines with the token, each only from pages of this app.

* A call from this machine by a name of this machine (``localhost``), or by an allowed name, needs no token.
* Every other call needs the token, whatever its Host header says: as ``?token=`` in a link, which is answered by a signed
  cookie, or as ``Authorization: Bearer``. Its Host must be an IP address, a name of this machine, or an allowed name.
* A call that changes something, and a websocket, must come from a page of this server (Origin), and routes require the header
  ``x-explorer: 1``. Without both, any page open in a browser could post to a server on localhost or, through a name that points
  to 127.0.0.1, read everything.

Forwarding headers (X-Forwarded-For, -Host, -Proto) count only from the proxies named in the settings.
"""

from __future__ import annotations

import html
import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .access import COOKIE_LIFE_S, Token, WrongTokens
from .problems import NOTHING, answer

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
HEADER = b"x-explorer"
"""Header required on every call that changes something: a form or a link of another page cannot send it."""
SAFE = ("GET", "HEAD", "OPTIONS")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NEEDS_TOKEN = "This server needs its token: open the link that 'explorer app' printed, or send it as 'Authorization: Bearer TOKEN'."
_FORWARDING = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_EVERYWHERE = {b"x-content-type-options": b"nosniff", b"referrer-policy": b"same-origin", b"cross-origin-resource-policy": b"same-origin"}
_ROUTES = _EVERYWHERE | {
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"private, no-cache",  # of patients, unless a route says that it is not
}
_PAGES = _EVERYWHERE | {
    # Streamlit's page needs inline scripts and styles; nothing may come from, or go to, anywhere but this server.
    b"content-security-policy": b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    b"style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    b"frame-ancestors 'self'"
}


@dataclass(frozen=True, slots=True)
class _Call:
    """The headers of a request that matter here, and the address it was really sent from."""

    headers: Mapping[bytes, bytes]
    address: str
    """IP address of the client, if known."""
    host: str
    name: str
    """The host name without its port."""
    scheme: str
    through_unknown_proxy: bool

    def text(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


class Guard:
    """ASGI middleware, so that it sees websockets too and passes streams through."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: Token,
        api_path: str,
        allowed_hosts: Collection[str] = (),
        own_names: Collection[str] = (),
        trusted_proxies: Iterable[Network] = (),
    ) -> None:
        self.app = app
        self.token = token
        self.api_path = api_path + "/"
        self.cookie_path = api_path.removesuffix("/api") or "/"
        self.allowed = frozenset(allowed_hosts)
        self.allowed_names = frozenset(_name(host) for host in allowed_hosts)
        self.own_names = frozenset(name.lower() for name in own_names)
        self.trusted_proxies = tuple(trusted_proxies)
        self.wrong_tokens = WrongTokens()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the call, or pass it on and add headers against content sniffing, framing and loading from other servers."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        ours = scope["path"].startswith(self.api_path)
        call = self._call(scope)
        refusal = self._refusal(scope, call, ours=ours)
        if refusal is None and _CONTROL.search(scope["path"]):  # no route has one, and routers disagree on what they match
            refusal = answer(404, NOTHING)
        if refusal is None:
            await self.app(_as_same_origin(scope, call), receive, _adding(send, _ROUTES if ours else _PAGES))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await refusal(scope, receive, _adding(send, _ROUTES))

    def _call(self, scope: Scope) -> _Call:
        headers = dict(scope["headers"])
        several_hosts = sum(name == b"host" for name, _ in scope["headers"]) > 1
        host = "" if several_hosts else headers.get(b"host", b"").decode("latin-1")
        address, scheme = (scope.get("client") or ("", 0))[0], scope.get("scheme", "http")
        trusted = self._trusts(address)
        if trusted:
            hops = [hop.strip() for hop in headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",") if hop.strip()]
            address = next((hop for hop in reversed(hops) if not self._trusts(hop)), hops[0] if hops else address)
            host = headers.get(b"x-forwarded-host", b"").decode("latin-1") or host
            scheme = headers.get(b"x-forwarded-proto", b"").decode("latin-1") or scheme
        unknown_proxy = not trusted and any(name in headers for name in _FORWARDING)
        return _Call(headers, address, host, _name(host), scheme, unknown_proxy)

    def _trusts(self, address: str) -> bool:
        ip = _ip(address)
        return ip is not None and any(ip in network for network in self.trusted_proxies)

    def _refusal(self, scope: Scope, call: _Call, *, ours: bool) -> Response | None:
        here = _is_loopback(call.address)
        local = here and (call.name in self.allowed_names or (call.name in LOCAL and not call.through_unknown_proxy))
        known = call.name in self.allowed_names | self.own_names | LOCAL or _is_foreign_ip(call.name)
        if not known:
            return answer(403, "This server does not answer to this name; its administrator can allow it by EXPLORER_ALLOWED_HOSTS.")
        if not local and (refusal := self._without_token(scope, call)) is not None:
            return refusal
        if scope["type"] == "http" and scope["method"] in SAFE:
            return None
        origin = call.headers.get(b"origin")
        if origin is not None and not self._same_site(origin.decode("latin-1"), call):
            shown = origin.decode("latin-1")[:80]
            return answer(
                403,
                f"This call comes from another site's page ({shown}); open the app at its own address, or, behind a proxy that "
                "shows the app there, name that host (and :port) in EXPLORER_ALLOWED_HOSTS.",
            )
        if ours and scope["type"] == "http" and call.headers.get(HEADER) != b"1":
            return answer(403, "Calls that change something need the header 'x-explorer: 1'; add it.")
        return None

    def _without_token(self, scope: Scope, call: _Call) -> Response | None:
        """None for a call with a valid token or cookie; else the refusal."""
        if self.token.signed(_cookie(call.text(b"cookie"), self.token.cookie_name())):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        linked = next((value for name, value in query if name == "token"), "")
        scheme, _, sent = call.text(b"authorization").partition(" ")
        given = linked or (sent.strip() if scheme.lower() == "bearer" else "")
        if given and self.wrong_tokens.too_many(call.address):
            return answer(429, "Too many wrong tokens came from this address; wait a minute.")
        if given and not self.token.matches(given):
            self.wrong_tokens.add(call.address)
        elif given and not linked:
            return None
        elif given and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            return self._welcome(scope, call, [pair for pair in query if pair[0] != "token"])
        if scope["type"] == "http" and "text/html" in call.text(b"accept") and scope["method"] in ("GET", "HEAD"):
            return HTMLResponse(_SIGN_IN.format(action=html.escape(_path(scope))), 401)
        return answer(401, _NEEDS_TOKEN)

    def _welcome(self, scope: Scope, call: _Call, query: list[tuple[str, str]]) -> Response:
        """Set the cookie, and redirect to the same address without the token."""
        found = RedirectResponse(_path(scope) + (f"?{urlencode(query)}" if query else ""), 303, headers={"Cache-Control": "no-store"})
        found.set_cookie(
            self.token.cookie_name(), self.token.cookie(), max_age=COOKIE_LIFE_S, path=self.cookie_path,
            httponly=True, samesite="lax", secure=call.scheme in ("https", "wss"),
        )  # fmt: skip
        return found

    def _same_site(self, origin: str, call: _Call) -> bool:
        try:
            parts = urlsplit(origin)
            port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        except ValueError:
            return False
        name = _name(parts.netloc)
        if parts.scheme not in _DEFAULT_PORTS or not name:
            return False
        if parts.netloc == call.host:
            return True
        # The proxy dropped the port: accept the name with this port or with any port.
        return name == call.name and (name in self.allowed or f"{name}:{port}" in self.allowed)


_SIGN_IN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pathology explorer</title>
<h1>This explorer needs its token</h1>
<p>Open the link that <code>explorer app</code> printed when it was started, or enter its token here.</p>
<form method="get" action="{action}"><label>Token <input type="password" name="token" autofocus></label>
<button>Enter</button></form></html>
"""


def _path(scope: Scope) -> str:
    """The path as a link to this server: two leading slashes would name another host."""
    return quote("/" + scope["path"].lstrip("/"))


def _cookie(header: str, name: str) -> str:
    try:
        return SimpleCookie(header)[name].value
    except (CookieError, KeyError):
        return ""


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _is_loopback(address: str) -> bool:
    ip = _ip(address)
    return ip is not None and ip.is_loopback


def _is_foreign_ip(name: str) -> bool:
    """True for an IP address of another machine, which nobody can redirect as they can a host name."""
    ip = _ip(name)
    return ip is not None and not ip.is_loopback and not ip.is_unspecified


def _as_same_origin(scope: Scope, call: _Call) -> Scope:
    """The call with the Host header that its page used for this server; Streamlit compares Host and Origin."""
    origin = call.text(b"origin")
    host = urlsplit(origin).netloc if origin and scope["type"] == "websocket" else call.host
    if host == call.text(b"host"):
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {**scope, "headers": [*headers, (b"host", host.encode("latin-1"))]}


def _adding(send: Send, headers: dict[bytes, bytes]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present: list[tuple[bytes, bytes]] = list(message.get("headers", []))
            named = {name.lower() for name, _ in present}
            message = {**message, "headers": present + [(name, value) for name, value in headers.items() if name not in named]}
        await send(message)

    return sending
