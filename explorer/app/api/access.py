"""The access token for people on other machines, and the signed cookie that their browsers keep."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cachetools import TTLCache
from itsdangerous import BadSignature, TimestampSigner

from ...storage import private_folder

FILE = ".token"
COOKIE_LIFE_S = 30 * 24 * 3600
MOST_WRONG = 10
"""Wrong tokens that one address may send before it has to wait."""
WAIT_S = 60.0
_VALUE = b"in"


class Token:
    """One secret per home, in a file that only its owner can read. The file is read at each check, so a new token is valid at once."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def value(self) -> str:
        """The token; it is made on first use."""
        with suppress(FileNotFoundError):
            if text := self.path.read_text(encoding="ascii").strip():
                return text
        return self.renew()

    def renew(self) -> str:
        """Make a new token. The old one, and every cookie signed with it, become invalid."""
        private_folder(self.path.parent)
        part = self.path.with_name(f"{FILE}.{secrets.token_hex(4)}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        part.replace(self.path)
        return self.path.read_text(encoding="ascii")

    def matches(self, text: str) -> bool:
        """Whether ``text`` is the token, compared in constant time."""
        return hmac.compare_digest(self.value().encode(), text.encode("utf-8", "replace"))

    def cookie_name(self) -> str:
        """The name of the cookie; different for each home, because cookies of a host are shared by all its ports."""
        return f"explorer-{hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:8]}"

    def cookie(self) -> str:
        """A signed value that replaces the token for ``COOKIE_LIFE_S`` seconds."""
        return self._signer().sign(_VALUE).decode("ascii")

    def signed(self, cookie: str) -> bool:
        """Whether ``cookie`` was signed with this token and is not too old."""
        try:
            return bool(self._signer().unsign(cookie, max_age=COOKIE_LIFE_S) == _VALUE)
        except BadSignature:
            return False

    def _signer(self) -> TimestampSigner:
        return TimestampSigner(self.value(), salt="explorer.cookie", digest_method=hashlib.sha256)


class WrongTokens:
    """Counts wrong tokens by address: after ``MOST_WRONG`` within ``WAIT_S`` seconds the address must wait."""

    def __init__(self) -> None:
        self._counts: TTLCache[str, int] = TTLCache(maxsize=10_000, ttl=WAIT_S)

    def add(self, address: str) -> None:
        """Count one more wrong token from this address."""
        self._counts[address] = self._counts.get(address, 0) + 1

    def too_many(self, address: str) -> bool:
        """True if this address has to wait."""
        return self._counts.get(address, 0) >= MOST_WRONG
