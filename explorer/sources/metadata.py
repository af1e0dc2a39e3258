"""Convert the user's columns to fields of ``Item``: names are recognised or mapped, cells converted, other columns kept.

Used for tables beside pictures and for manifest tables.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..errors import SourceError
from ..types import Item
from ..wording import counted, verb_for
from . import cell_values
from .reading import short
from .table_reader import Table

TEXT_FIELDS = ("id", "label", "patient", "slide", "site", "split")
NUMBER_FIELDS = ("mpp", "x_px0", "y_px0", "side_px0")
FIELDS = ("uri", *TEXT_FIELDS, *NUMBER_FIELDS)
MAY_BE_UNKNOWN = ("label", "patient", "slide", "site")
"""Fields in which words such as "NA" mean "missing"."""

# Names people give to these columns, lower case with underscores; earlier ones win.
KNOWN = {
    "uri": "uri file path filename file_name filepath file_path image image_name image_path image_file img img_path tile patch patch_path",
    "id": "id image_id tile_id patch_id",
    "label": "label class category class_name majority_vote_label tissue diagnosis target isup_grade",
    "patient": "patient patient_id patientid case case_id subject subject_id submitter_id",
    "slide": "slide slide_id slide_name wsi wsi_id",
    "site": "site center centre hospital institution tissue_source_site tss data_provider",
    "split": "split partition fold set subset",
    "mpp": "mpp mpp_x um_per_px microns_per_pixel",
    "x_px0": "x_px0 x_level0",
    "y_px0": "y_px0 y_level0",
    "side_px0": "side_px0 patch_size_level0",
}

# The same in German, French, Spanish and Italian, without accents; after the English ones, and said where they are taken.
TRANSLATED = {
    "uri": "datei dateiname dateipfad bild bildname bilddatei fichier nom_fichier nom_du_fichier "
    "archivo nombre_archivo nombre_de_archivo imagen",
    "label": "diagnose klasse kategorie gewebe gewebetyp diagnostic classe categorie etiquette tissu "
    "diagnostico clase categoria etiqueta tejido diagnosi etichetta tessuto",
    "patient": "pat_id pat_nr n_patient patienten_id patientenid patienten_nr patientennr patientennummer patient_nr patient_no fallnummer "
    "fall_id patiente id_patient no_patient numero_patient paciente paciente_id id_paciente caso caso_id paziente id_paziente",
    "slide": "schnitt schnitt_id schnittnummer objekttrager praparat lame lame_id id_lame portaobjetos laminilla vetrino",
    "site": "klinik klinikum krankenhaus zentrum standort hopital etablissement centro ospedale",
    "split": "aufteilung teilmenge particion partizione",
}

_MOSTLY = 0.5
_GROUPED_COMMA = re.compile(r",\d{3}(,|\.)")
_TCGA = re.compile(r"TCGA-(?P<site>[A-Z0-9]{2})-[A-Z0-9]{4}(?:-\d{2}[A-Z]-\d{2}-[A-Z]{2}[A-Z0-9]{1,2})?", re.IGNORECASE)


def check_mapping(given: Any) -> dict[str, str | None]:
    """The option ``columns``: our field -> column, or None for a field that no column holds.

    Raises ``SourceError`` where it is no mapping, or names a field that does not exist.
    """
    if not isinstance(given, Mapping):
        raise SourceError('The option columns maps fields to columns of the table, as in {"uri": "my column"}; give it so.')
    for name in given:
        if name not in FIELDS:
            raise SourceError(f"Column mapping names {name!r}, which is none of our fields; use {', '.join(FIELDS)}.")
    return {str(name): str(column) if column else None for name, column in given.items()}


def common_names(field: str) -> list[str]:
    """Names that people give to the column of a field, as ``plain_name`` writes them, likeliest first."""
    return f"{KNOWN[field]} {TRANSLATED.get(field, '')}".split()


def find_columns(names: Iterable[str], given: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """Our field -> the user's column. ``given`` is the user's own mapping (None: no column); others are found by common names.

    Raises ``SourceError`` for a field that does not exist or a column that is not in the table.
    """
    names, given = list(names), check_mapping(given or {})
    for name, column in given.items():
        if column is not None and column not in names:
            raise SourceError(f"The table has no column {column!r} for {name}; it has {_listed(names)}.")
    found = {name: column for name, column in given.items() if column is not None}
    by_plain_name = {plain_name(name): name for name in reversed(names) if name not in given.values()}
    for name in KNOWN:
        if name not in given:
            alias = next((alias for alias in common_names(name) if alias in by_plain_name), None)
            if alias is not None:
                found[name] = by_plain_name.pop(alias)
    return found


def file_columns(table: Table, given: Mapping[str, str | None], *, by_name: bool = False) -> list[str]:
    """Columns that may name the pictures, likeliest first: those named like file names or identifiers, then other text columns.

    With ``by_name`` only the first kind.
    """
    if column := given.get("uri"):
        return [column]
    fields = ("uri", "id", "slide", "patient") if by_name else ("uri", "id", "slide")
    names = [alias for known in (KNOWN, TRANSLATED) for field in fields for alias in known.get(field, "").split()]
    ranks = {alias: rank for rank, alias in enumerate(names)}
    called = sorted((name for name in table.columns if plain_name(name) in ranks), key=lambda name: ranks[plain_name(name)])
    if by_name:
        return called
    others = [
        name
        for name, cells in table.columns.items()
        if name not in called and name not in given.values() and any(isinstance(cell, str) for cell in cells)
    ]
    return called + others


def convert(table: Table, columns: Mapping[str, str], *, empty: Collection[str] = cell_values.EMPTY_WORDS) -> Table:
    """The table with every cell as ``Item`` stores it: our fields as text or numbers, further columns unchanged.

    ``empty`` are words in lower case that mean "missing". Cells of a number field that are not numbers are kept as text in a
    further column of the same name with an underscore. Every change is described in the notes.
    """
    fields = {column: name for name, column in columns.items() if name != "uri"}
    converted: dict[str, list[Any]] = {}
    notes = [
        f"{table.name}: column {short(column, 40)!r} is taken for {name}, which is a guess by its name"
        for name, column in columns.items()
        if name != "uri" and plain_name(column) in TRANSLATED.get(name, "").split()
    ]
    commas: list[str] = []
    points: dict[str, str] = {}
    for name, cells in table.columns.items():
        field = fields.get(name)
        if field in TEXT_FIELDS:
            texts = [None if cell is None else cell_values.text(cell) for cell in cells]
            converted[name] = _known(texts, field, table.name, empty, notes) if field in MAY_BE_UNKNOWN else texts
        elif field in NUMBER_FIELDS:
            known = _known(cells, name, table.name, empty, notes)
            _numbers(converted, name, known, field=field, what=table.name, notes=notes)
        elif table.as_text and name != columns.get("uri"):
            converted[name] = _further(name, cells, table, empty, notes)
            if isinstance(next((cell for cell in converted[name] if cell is not None), ""), float) and _has_comma(cells):
                commas.append(name)
            elif converted[name] is not cells and (point := _thousands_or_decimals(cells)):
                points[name] = point
        else:
            converted[name] = cells
    if commas:
        notes.append(f"{table.name}: the commas in {', '.join(commas)[:80]} are read as decimal points")
        notes += [_read_as_decimal(table, name, point) for name, point in points.items()]
    return table.with_columns(converted, notes)


def make_item(uri: str, record: Mapping[str, Any], columns: Mapping[str, str], **otherwise: str | float | None) -> Item:
    """One row of a converted table as an ``Item``; empty fields are filled from ``otherwise``, then from TCGA barcodes."""
    fields: dict[str, Any] = {name: value for name, value in otherwise.items() if value}
    if record:
        fields |= {name: record[column] for name, column in columns.items() if name != "uri" and record[column] is not None}
    if barcode := _TCGA.search(uri):
        whole = barcode[0].upper()
        fields.setdefault("patient", whole[:12])
        fields.setdefault("site", barcode["site"].upper())
        if len(whole) > 12:
            fields.setdefault("slide", whole)
    fields.setdefault("id", uri)
    ours = columns.values()
    return Item(uri=uri, extra={name: value for name, value in record.items() if name not in ours}, **fields)


def path_key(text: str) -> str:
    """A normalised relative path: forward slashes, no leading ``./``, composed Unicode."""
    plain = text.strip().replace("\\", "/").removeprefix("./")
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


def plain_name(name: str) -> str:
    """A column's name in lower case with underscores and without accents, for comparison."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")


def _further(name: str, cells: list[Any], table: Table, empty: Collection[str], notes: list[str]) -> list[Any]:
    """A column of the user's own from a text file: numbers where all cells are (but for words that mean nothing is known), else text."""
    found = cell_values.numbers(cells, decimal_comma=table.decimal_comma)
    if found is not None:
        return found
    said: list[str] = []
    known = _known(cells, name, table.name, empty, said)
    apart = cell_values.without_thousands(known)
    found = cell_values.numbers(known if apart is None else apart, decimal_comma=table.decimal_comma)
    if found is not None:
        notes += said
        if apart is not None:
            notes.append(f"{table.name}: what stands between the thousands in {short(name, 40)} is left out, as in {_widest(known)!r}")
            same = (cell for cell, before in zip(apart, known, strict=True) if cell is not None and cell == before)
            notes += [_read_as_decimal(table, name, cell) for cell in same if cell_values.may_be_thousands(cell)][:1]
        return found
    texts = [cell for cell in known if cell is not None]
    if texts and all(map(cell_values.is_number_somehow, texts)):
        kinds: dict[tuple[bool, bool], str] = {}
        for text in texts:
            if not text.isdecimal():
                kinds.setdefault(("," in text, "." in text), text)
        shown = " and ".join(repr(short(text, 30)) for text in list(kinds.values())[:2])
        notes.append(f"{table.name}: column {short(name, 40)!r} stays text, since its numbers can be read in several ways, such as {shown}")
        return cells
    share, odd = cell_values.share_of_numbers(known)
    if share >= _MOSTLY and odd:
        notes.append(
            f"{table.name}: column {short(name, 40)!r} stays text, since not all of its cells are numbers, such as {short(odd, 40)!r}"
        )
    return cells


def _read_as_decimal(table: Table, name: str, cell: str) -> str:
    return f"{table.name}: {cell!r} in {short(name, 40)} was read as a decimal, although it may be {cell.replace('.', '')}"


def _thousands_or_decimals(cells: list[Any]) -> str:
    """The first of the cells with a point where each of these may be a decimal or a number of thousands; empty elsewhere."""
    points = [cell for cell in cells if cell and ("." in cell or "," in cell)]
    return points[0] if points and all(map(cell_values.may_be_thousands, points)) else ""


def _has_comma(cells: list[Any]) -> bool:
    return any("," in cell and not _GROUPED_COMMA.search(cell) for cell in cells if cell)


def _widest(cells: list[Any]) -> str:
    return short(max((cell for cell in cells if cell is not None), key=len), 30)


def _known(texts: list[Any], field: str, what: str, empty: Collection[str], notes: list[str]) -> list[Any]:
    words = cell_values.empty_words({text for text in texts if isinstance(text, str)}, empty)
    if not words:
        return texts
    count = sum(text in words for text in texts)
    shown = ", ".join(sorted(words)[:4])
    notes.append(f"{what}: {field} is not known in {counted(count, 'line')} ({shown}); to keep such words as values, use --option empty=[]")
    return [None if text in words else text for text in texts]


def _numbers(converted: dict[str, list[Any]], name: str, cells: list[Any], *, field: str, what: str, notes: list[str]) -> None:
    """Convert the cells of a number field to numbers; where some cells are not numbers, also keep the whole column as text."""
    read = cell_values.micrometres if field == "mpp" else cell_values.pixels
    values = [None if cell is None else read(cell) for cell in cells]
    converted[name] = values
    with_unit = Counter(cell for cell, value in zip(cells, values, strict=True) if value is not None and _is_worded(cell))
    if with_unit:
        notes.append(
            f"{what}: the unit in {name} is set aside ({with_unit.total()} of {counted(len(cells), 'line')}), as in {min(with_unit)!r}"
        )
    lost = Counter(str(cell) for cell, value in zip(cells, values, strict=True) if cell is not None and value is None)
    if lost:
        beside = f"{name}_"
        while beside in converted:
            beside += "_"
        converted[beside] = [None if cell is None else cell_values.text(cell) for cell in cells]
        unit = "micrometres per pixel" if field == "mpp" else "a whole number of pixels"
        sample = short(lost.most_common(1)[0][0], 30)
        n = lost.total()
        stays = f"{verb_for(n, 'it')} {verb_for(n, 'stays')} as text in {beside}"
        notes.append(f"{what}: {counted(n, 'cell')} of {name} {verb_for(n, 'is')} not {unit}, such as {sample!r}; {stays}")


def _is_worded(cell: Any) -> bool:
    return isinstance(cell, str) and any(character.isalpha() and character not in "eE" for character in cell)


def _listed(names: list[str]) -> str:
    shown = short(", ".join(names[:12]), 120)
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"
