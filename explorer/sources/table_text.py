"""Decode the bytes of a text file: by byte-order mark, else as UTF-8, else by a guess that is reported."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from ..errors import SourceError

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32": "UTF-32"}
_GUESSES = {"cp1252": "Windows-1252", "mac_roman": "MacRoman", "gb18030": "GB18030"}
_OTHERS = ["cp1250", "cp1251", "cp1253", "cp1254", "cp932", "cp949", "big5"]
"""Encodings that Windows spreadsheets use in Central Europe, Russia, Greece, Turkey, Japan, Korea and Taiwan."""
_SAMPLE_BYTES = 200_000
_LETTERS = set("äöüßÄÖÜéèêëàâáãçñóòôõúùûíìîïåøæÅØÆœÉÇÑÁÓ")
_SIGNS = set("µ°²³±–—’‘“”„…«»·½¼×§®€£ºª\u00a0")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


class Text(NamedTuple):
    """A decoded file."""

    text: str
    encoding: str
    """Name of the encoding for people."""
    guessed: bool
    """True if the encoding is a guess."""


def decode_text(data: bytes, *, what: str) -> Text:
    """Text of a file. Raises ``SourceError`` where it is no text in the encoding its first bytes announce."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return Text(data.decode(encoding), _NAMES[encoding], guessed=False)
            except UnicodeDecodeError as error:
                raise SourceError(
                    f"{what} announces {_NAMES[encoding]} but is none from byte {error.start} on; save it again as CSV UTF-8."
                ) from error
    if b"\0" in data[:1000]:
        return _without_mark(data, what)
    try:
        return Text(data.decode("utf-8"), "UTF-8", guessed=False)
    except UnicodeDecodeError:
        encoding = _guess(data)
        return Text(data.decode(encoding, errors="replace"), _GUESSES.get(encoding, encoding), guessed=True)


def _without_mark(data: bytes, what: str) -> Text:
    """UTF-16 or UTF-32 without a byte-order mark, recognised by the positions of zero bytes in mostly Latin text."""
    head = data[:1000]
    zeros = [head[start::4].count(0) * 4 >= len(head) for start in range(4)]
    encoding = (
        "utf-32-le"
        if zeros == [False, True, True, True]
        else "utf-32-be"
        if zeros == [True, True, True, False]
        else "utf-16-le"
        if head[1::2].count(0) > head[::2].count(0)
        else "utf-16-be"
    )
    try:
        return Text(data.decode(encoding), encoding[:6].upper(), guessed=True)
    except UnicodeDecodeError as error:
        raise SourceError(f"{what} is no text (it holds zero bytes); save it again as CSV UTF-8.") from error


def _guess(data: bytes) -> str:
    """The likeliest of the encodings that spreadsheets still write.

    Letters common in their languages speak for Windows-1252 and MacRoman, pairs of high bytes in the rows of GB 2312 for
    GB18030. Where none of the three is likely, charset-normalizer judges.
    """
    sample = data[:_SAMPLE_BYTES] if _HIGH_RUN.search(data[:_SAMPLE_BYTES]) else data
    scores = {"cp1252": _western(sample, "cp1252"), "mac_roman": _western(sample, "mac_roman"), "gb18030": _chinese(sample)}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] >= 0.5:
        return best
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=_OTHERS).best()
    return found.encoding if found is not None else best


def _western(sample: bytes, encoding: str) -> float:
    """Mean of 1 a common letter, 0.7 a common sign, -1 anything else beyond ASCII, and letters of which three or more follow each other.

    The latter are words of another script: no Western word is made of accented letters.
    """
    worth, count = 0.0, 0
    for run in re.findall(r"[^\x00-\x7f]+", sample.decode(encoding, errors="replace")):
        count += len(run)
        is_word = len(run) >= 3 and any(character in _LETTERS for character in run)
        worth += -len(run) if is_word else sum(1.0 if character in _LETTERS else 0.7 if character in _SIGNS else -1.0 for character in run)
    return worth / count if count else 0.0


def _chinese(sample: bytes) -> float:
    """Mean of 1 for a frequent character of GB 2312 (its rows 16 to 55), 0.7 a sign of it, 0.4 a rare character, -1 anything else."""
    worth, pairs = 0.0, 0
    for run in _HIGH_RUN.findall(sample):
        for at in range(0, len(run), 2):
            pairs += 1
            lead, trail = run[at], run[at + 1] if at + 1 < len(run) else 0
            if trail < 0xA1 or lead > 0xF7 or 0xA9 < lead < 0xB0 or lead < 0xA1:
                worth -= 1.0
            else:
                worth += 1.0 if 0xB0 <= lead <= 0xD7 else 0.7 if lead <= 0xA9 else 0.4
    return worth / pairs if pairs else 0.0
