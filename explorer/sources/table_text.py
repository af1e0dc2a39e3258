"""Decode the bytes of a text file: by byte-order mark, else as UTF-8, else by a guess that is reported."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import SourceError
from ..wording import counted, verb_for

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32": "UTF-32"}
_LETTERS = "äöüßÄÖÜéèêëàâáãçñóòôõúùûíìîïåøæÅØÆœÉÇÑÁÓ"
_WESTERN = {  # letters of the languages that each encoding was made for
    "cp1252": frozenset(_LETTERS),
    "mac_roman": frozenset(_LETTERS),
    "cp1250": frozenset("áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽąćęłńśźżĄĆĘŁŚŹŻäöüßÄÖÜőűŐŰľĺŕ"),
    "cp1254": frozenset("çğıöşüÇĞİÖŞÜâîû"),
}
_WESTERN_OF_NAMES = {"cp1252": _WESTERN["cp1252"], "cp850": _WESTERN["cp1252"], **_WESTERN}
"""Those of names in archives: Windows packs them in its DOS encoding. The first of equals counts, so MacRoman comes after it."""
_SIGNS = frozenset("µ°²³±–—’‘“”„…«»·½¼×§®€£ºª\u00a0")
_GUESSES = {
    **{"cp1252": "Windows-1252", "mac_roman": "MacRoman", "cp1250": "Windows-1250", "cp1254": "Windows-1254", "cp1251": "Windows-1251"},
    **{"gb18030": "GB18030", "big5": "Big5", "cp932": "Shift JIS (cp932)", "cp949": "Korean (cp949)", "cp1253": "Windows-1253"},
}
_OTHERS = ["cp1251", "cp1253"]
"""Encodings that Windows spreadsheets use in Russia and Greece."""
_SAMPLE_BYTES = 200_000
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_FEWEST_KOREAN = 4
_MOST_STRAY_ZEROS = 0.05
"""Greatest share of zero bytes in UTF-8 text with stray ones; in UTF-16 every line break and separator has one."""


class Text(NamedTuple):
    """A decoded file."""

    text: str
    encoding: str
    """Name of the encoding for people."""
    guessed: bool
    """True if the encoding is a guess."""


def decode_text(data: bytes, *, what: str, encoding: str | None = None) -> Text:
    """Text of a file, in ``encoding`` where that is given, else by its first bytes, else by a guess.

    Raises ``SourceError`` where it is no text in the encoding that is given or that its first bytes announce.
    """
    if encoding is not None:
        return Text(_strictly(data, encoding, what, says="was said to be"), encoding, guessed=False)
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Text(_strictly(data, name, what, says="announces"), _NAMES[name], guessed=False)
    zeros = data[:1000].count(0)
    try:
        if zeros <= _MOST_STRAY_ZEROS * len(data[:1000]):
            return Text(data.decode("utf-8"), "UTF-8", guessed=False)
    except UnicodeDecodeError:
        pass
    if zeros:
        return _without_mark(data, what)
    text = data.decode("utf-8", errors="replace")
    broken, sound = text.count("\ufffd"), sum(character > "\x7f" for character in text)
    if sound - broken >= 10 * broken:
        return Text(text, f"UTF-8 in which {counted(broken, 'character')} {verb_for(broken, 'is')} broken", guessed=True)
    name = _guess(data)
    return Text(data.decode(name, errors="replace"), _GUESSES.get(name, name), guessed=True)


def decode_name(raw: bytes) -> str:
    """The name of a file in an archive that does not say its encoding, in the likeliest one."""
    return raw.decode(_guess(raw, _WESTERN_OF_NAMES), errors="replace")


def check_encoding(name: str) -> str:
    """The name of an encoding that Python knows. Raises ``SourceError``."""
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise SourceError(f"There is no encoding {name[:40]!r}; give one such as utf-8, cp1252, mac_roman, gb18030 or cp932.") from error


def _strictly(data: bytes, encoding: str, what: str, *, says: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        name = _NAMES.get(encoding, encoding)
        raise SourceError(f"{what} {says} {name} but is none from byte {error.start} on; save it again as CSV UTF-8.") from error


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


def _guess(data: bytes, western: Mapping[str, frozenset[str]] = _WESTERN) -> str:
    """The likeliest of the encodings that spreadsheets still write.

    Letters common in their languages speak for the Western ones, pairs of bytes in the rows of frequent characters for the
    Chinese, Japanese and Korean ones. Where none of these is likely, charset-normalizer judges.
    """
    sample = data[:_SAMPLE_BYTES] if _HIGH_RUN.search(data[:_SAMPLE_BYTES]) else data
    scores = {name: _western(sample, name, letters) for name, letters in western.items()}
    scores |= {name: _eastern(sample, name) for name in ("gb18030", "big5", "cp932")}
    if _is_hangul(sample):
        scores = {"cp949": 1.0, **scores}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] >= 0.5:
        return best
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=_OTHERS).best()
    return found.encoding if found is not None else best


def _western(sample: bytes, encoding: str, letters: frozenset[str]) -> float:
    """Mean of 1 a common letter, 0.7 a common sign, -1 anything else beyond ASCII, and letters of which three or more follow each other.

    The latter are words of another script: no Western word is made of accented letters.
    """
    worth, count = 0.0, 0
    for run in re.findall(r"[^\x00-\x7f]+", sample.decode(encoding, errors="replace")):
        count += len(run)
        is_word = len(run) >= 3 and any(character in letters for character in run)
        worth += -len(run) if is_word else sum(1.0 if character in letters else 0.7 if character in _SIGNS else -1.0 for character in run)
    return worth / count if count else 0.0


def _eastern(sample: bytes, encoding: str) -> float:
    """Mean of 1 a frequent character of a Chinese or Japanese encoding, 0.7 a sign, 0.4 a rare character, -1 an impossible pair."""
    worth, count, at, end = 0.0, 0, 0, -1
    while at < len(sample):
        lead = sample[at]
        if lead < 0x80:
            at += 1
            continue
        trail = sample[at + 1] if at + 1 < len(sample) else 0
        follows = sample[at + 2] if at + 2 < len(sample) else 0
        alone = trail < 0x80 and end != at and follows < 0x80  # as in "µm", which is a pair of Big5 too
        worth += _PAIRS[encoding](lead, trail) * (0.5 if alone else 1.0)
        count += 1
        at = end = at + 2
    return worth / count if count else 0.0


def _gb_pair(lead: int, trail: int) -> float:
    """GB 2312: its rows 16 to 55 hold the frequent characters, rows 1 to 9 signs."""
    if trail < 0xA1 or lead > 0xF7 or 0xA9 < lead < 0xB0 or lead < 0xA1:
        return -1.0
    return 1.0 if 0xB0 <= lead <= 0xD7 else 0.7 if lead <= 0xA9 else 0.4


def _big5_pair(lead: int, trail: int) -> float:
    """Big5: leads A4 to C6 are the frequent characters, A1 to A3 signs."""
    if not (0xA1 <= lead <= 0xF9 and (0x40 <= trail <= 0x7E or 0xA1 <= trail <= 0xFE)):
        return -1.0
    return 0.9 if 0xA4 <= lead <= 0xC6 else 0.7 if lead <= 0xA3 else 0.4


def _japanese_pair(lead: int, trail: int) -> float:
    """Shift JIS: leads 82 and 83 are kana, 88 to 97 the frequent characters, 81 signs."""
    if not (0x40 <= trail <= 0xFC and trail != 0x7F and (0x81 <= lead <= 0x9F or 0xE0 <= lead <= 0xEA)):
        return -1.0
    return 1.0 if lead in (0x82, 0x83) or 0x88 <= lead <= 0x97 else 0.7 if lead == 0x81 else 0.4


_PAIRS = {"gb18030": _gb_pair, "big5": _big5_pair, "cp932": _japanese_pair}


def _is_hangul(sample: bytes) -> bool:
    """True if all pairs lie in the rows of Korean syllables, which make up less than half of what Chinese text uses."""
    pairs = {run[at : at + 2] for run in _HIGH_RUN.findall(sample) for at in range(0, len(run), 2)}
    return len(pairs) >= _FEWEST_KOREAN and all(len(pair) == 2 and 0xB0 <= pair[0] <= 0xC8 and pair[1] >= 0xA1 for pair in pairs)
