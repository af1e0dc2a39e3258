"""Files of tables that tests make for themselves."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape


def workbook(rows: list[list[object]]) -> bytes:
    """A minimal .xlsx: text cells in place, numbers as they are, one sheet."""
    letters = "ABCDEFG"
    cells = "".join(
        f'<row r="{r}">'
        + "".join(
            f'<c r="{letters[c]}{r}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
            if isinstance(value, str)
            else f'<c r="{letters[c]}{r}"><v>{value}</v></c>'
            for c, value in enumerate(row)
            if value is not None
        )
        + "</row>"
        for r, row in enumerate(rows, start=1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006/relationships"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Tabelle1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{packages}"><Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{packages}"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>')
    return out.getvalue()
