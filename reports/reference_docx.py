"""The look of the Word report: pandoc's own reference document, restyled by code."""

import io
import subprocess

INK, RULE, BAND = "1F3A4D", "B8C4CC", "EEF2F4"


def reference_docx(marking: str, footer: str) -> bytes:
    """Return a reference document: A4, headings, table lines, the marking on top of each page.

    Args:
        marking: protective marking and edition, in the header.
        footer: title and date, in the footer before the page number.
    """
    import pypandoc
    from docx import Document
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt, RGBColor

    default = subprocess.run(  # noqa: S603 our own pandoc
        [pypandoc.get_pandoc_path(), "--print-default-data-file=reference.docx"],
        capture_output=True,
        check=True,
    ).stdout
    document = Document(io.BytesIO(default))
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.0)
    section.top_margin = section.bottom_margin = Cm(2.2)
    for style in document.styles:
        if getattr(style, "font", None) is not None:
            _font(style, "Arial")
    sizes = {"Title": 24, "Subtitle": 13, "Heading 1": 17, "Heading 2": 13, "Heading 3": 11}
    for name, size in sizes.items():
        style = document.styles[name]
        style.font.size, style.font.color.rgb = Pt(size), RGBColor.from_string(INK)
        style.font.bold = name != "Subtitle"
    for name, points in {"Normal": 10, "Body Text": 10, "Compact": 8.5, "Table Caption": 9}.items():
        document.styles[name].font.size = Pt(points)
    document.styles["Body Text"].paragraph_format.space_after = Pt(6)
    _lines(document.styles["Table"])
    head = section.header.paragraphs[0]
    head.text, head.alignment = marking, WD_ALIGN_PARAGRAPH.CENTER
    head.runs[0].font.bold, head.runs[0].font.size = True, Pt(9)
    foot = section.footer.paragraphs[0]
    foot.text = f"{footer} · page "
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _page_number(foot)
    for run in foot.runs:
        run.font.size = Pt(8)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def _font(style: object, name: str) -> None:
    """Set a style's font for every script; pandoc's reference names theme fonts, which win."""
    from docx.oxml.ns import qn

    properties = style.element.get_or_add_rPr()  # type: ignore[attr-defined]
    fonts = properties.get_or_add_rFonts()
    for attribute in list(fonts.attrib):
        del fonts.attrib[attribute]
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), name)


def _lines(style: object) -> None:
    """Give tables thin lines between rows and a shaded first row."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="{RULE}"/>'
        for edge in ("top", "bottom", "insideH")
    )
    margins = "".join(
        f'<w:{side} w:w="{width}" w:type="dxa"/>'
        for side, width in (("top", 30), ("left", 70), ("bottom", 30), ("right", 70))
    )
    element = style.element  # type: ignore[attr-defined]
    for child in list(element):
        if child.tag.endswith(("}tblPr", "}tblStylePr")):
            element.remove(child)
    element.append(
        parse_xml(
            f"<w:tblPr {nsdecls('w')}><w:tblBorders>{edges}</w:tblBorders>"
            f"<w:tblCellMar>{margins}</w:tblCellMar></w:tblPr>"
        )
    )
    element.append(
        parse_xml(
            f'<w:tblStylePr {nsdecls("w")} w:type="firstRow"><w:rPr><w:b/></w:rPr><w:tcPr>'
            f'<w:shd w:val="clear" w:color="auto" w:fill="{BAND}"/></w:tcPr></w:tblStylePr>'
        )
    )


def _page_number(paragraph: object) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    paragraph._p.append(  # type: ignore[attr-defined]
        parse_xml(
            f'<w:fldSimple {nsdecls("w")} w:instr="PAGE"><w:r><w:t>1</w:t></w:r></w:fldSimple>'
        )
    )
