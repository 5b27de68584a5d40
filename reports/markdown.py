"""Markdown that no value can break out of: escaping by default, tables, figures.

Every value a template prints is escaped unless it is `Markdown`, which only this package makes.
"""

import string
from collections.abc import Sequence

from profile_pipeline.tables import NOT_HELD

PUNCTUATION = frozenset(string.punctuation)
# Raw HTML, TeX, maths and citations are off as well: a second wall behind the escaping.
PANDOC_FORMAT = (
    "markdown-raw_html-raw_tex-raw_attribute-tex_math_dollars-tex_math_single_backslash-citations"
    "-native_divs-native_spans-yaml_metadata_block-pandoc_title_block-example_lists-footnotes"
    "-inline_notes-latex_macros-subscript-superscript-strikeout-emoji-smart"
)


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escape(value: object) -> Markdown:
    """Return a value as Markdown that prints as it stands: punctuation escaped, one line."""
    if isinstance(value, Markdown):
        return value
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return Markdown("".join(f"\\{c}" if c in PUNCTUATION else c for c in text))


def table(
    head: Sequence[object],
    rows: Sequence[Sequence[object]],
    widths: Sequence[int] | None = None,
    caption: object = "",
    text_columns: Sequence[int] = (0,),
) -> Markdown:
    """Return a pipe table; columns are right-aligned but for `text_columns`.

    Args:
        head: column headings.
        rows: cells by row; `None` and empty text print as a dash, `[x]` as "not held".
        widths: relative widths of the columns; equal when not given.
        caption: the caption, with the population it speaks of.
        text_columns: indices of columns aligned to the left.
    """
    if not rows:
        return Markdown("*Nothing is recorded for this table.*")
    widths = widths or [1] * len(head)
    # pandoc takes relative widths from the dashes when a line is longer than the page is wide.
    unit = 120 // sum(widths) + 1
    rule = [
        ":" + "-" * (unit * width) if index in text_columns else "-" * (unit * width) + ":"
        for index, width in enumerate(widths)
    ]
    lines = [
        _line([escape(cell) for cell in head]),
        _line([Markdown(cell) for cell in rule]),
        *(_line([_cell(cell) for cell in row]) for row in rows),
    ]
    if caption:
        lines += ["", f": {escape(caption)}"]
    return Markdown("\n".join(lines))


def _cell(value: object) -> Markdown:
    if value == NOT_HELD:
        return Markdown("not held")
    return Markdown("–") if value is None or value == "" else escape(value)


def _line(cells: Sequence[Markdown]) -> str:
    return "| " + " | ".join(cells) + " |"


def figure(name: str, alt: object, caption: object, width: str = "100%") -> Markdown:
    """Return an image on its own, with caption and a text that says what it shows."""
    plain = str(alt).replace('"', "'")
    text = " ".join("".join(c if c.isprintable() else " " for c in plain).split())
    alternative = "".join(f"\\{c}" if c in '\\"' else c for c in text)
    return Markdown(f'![{escape(caption)}]({name}){{alt="{alternative}" width={width}}}')


def note(text: str, lead: str = "") -> Markdown:
    """Return escaped paragraphs as a block quote, which every format sets apart."""
    parts = [escape(part) for part in text.split("\n\n") if part.strip()]
    if lead and parts:
        parts[0] = Markdown(f"**{escape(lead)}** {parts[0]}")
    return Markdown("\n>\n".join(f"> {part}" for part in parts))


def bullets(items: Sequence[object]) -> Markdown:
    """Return a bullet list."""
    return Markdown("\n".join(f"- {escape(item)}" for item in items))
