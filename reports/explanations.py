"""Explanations as one page: text, and each link's match weight as a waterfall. Restricted.

Drawn as plain SVG in the page: no script, and no request to anywhere.
"""

from collections.abc import Sequence
from html import escape
from typing import Protocol

import polars as pl

WIDTH, LABEL, ROW, BAR = 900, 430, 22, 14  # pixels
FOR, AGAINST, SUM = "#2a7a4b", "#b5483a", "#1f3a4d"
STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{white-space:pre-wrap;background:#f5f7f8;padding:.8rem}svg{max-width:100%}"
    "summary{font-weight:600;cursor:pointer;padding:.3rem 0}"
)
NOTICE = (
    "Restricted: person-level data, for the analyst alone. A match weight is the log2 of the odds "
    "that two identities are one person: +1 doubles them. Bars to the right speak for one person, "
    "to the left against; the last is the sum."
)

# How the lines begin that tell how firmly a person's records hold together.
FIRMNESS = ("Weakest link", "At the strict threshold", "The records stay together")


class Told(Protocol):
    """A person's explanation, as `linkage.explained` gives it."""

    @property
    def person(self) -> str:
        """The person's id."""

    @property
    def lines(self) -> list[str]:
        """The explanation in lines of text."""

    @property
    def waterfalls(self) -> list[tuple[str, pl.DataFrame]]:
        """What is held by what, and its steps: `comparison, level, weight, total`."""


def explanations(told: Sequence[Told], title: str) -> str:
    """Return the page; the same explanations give the same text."""
    persons = "\n".join(
        f"<details{' open' if len(told) == 1 else ''}><summary>{escape(_summary(one))}</summary>"
        f"<pre>{escape(chr(10).join(one.lines))}</pre>"
        + "".join(f"<h3>{escape(name)}</h3>{_drawn(name, steps)}" for name, steps in one.waterfalls)
        + "</details>"
        for one in told
    )
    return (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1><p>{escape(NOTICE)}"
        f"</p>{persons}</body></html>\n"
    )


def _summary(one: Told) -> str:
    """Return the person's id with how firmly the records hold, so that one need not open each."""
    firm = [line for line in one.lines if line.startswith(FIRMNESS)]
    return ": ".join([one.person, " ".join(firm)]) if firm else one.person


def _drawn(name: str, steps: pl.DataFrame) -> str:
    """Return a waterfall as SVG: each step from where the one before ended."""
    rows = [
        (f"{comparison}: {level}", weight, total)
        for comparison, level, weight, total in steps.select(
            "comparison", "level", "weight", "total"
        ).iter_rows()
    ]
    if not rows:
        return ""
    ends = [0.0, *(total for _, _, total in rows)]
    least, most = min(ends), max(ends)
    scale = (WIDTH - LABEL - 60) / max(1.0, most - least)

    def x(value: float) -> float:
        return float(round(LABEL + 10 + (value - least) * scale, 1))

    drawn = [
        *((text, total - weight, total, f"{weight:+.1f}") for text, weight, total in rows),
        ("match weight", 0.0, rows[-1][2], f"{rows[-1][2]:.1f}"),
    ]
    parts = [
        f'<line x1="{x(0)}" x2="{x(0)}" y1="0" y2="{ROW * len(drawn)}" stroke="#b8c4cc"/>',
    ]
    for place, (text, start, end, said) in enumerate(drawn):
        last = place == len(drawn) - 1
        colour = SUM if last else FOR if end >= start else AGAINST
        left, right, top = x(min(start, end)), x(max(start, end)), place * ROW
        parts.append(
            f'<text x="{LABEL}" y="{top + 15}" text-anchor="end">{escape(text)}</text>'
            f'<rect x="{left}" y="{top + 4}" width="{max(1.0, round(right - left, 1))}" '
            f'height="{BAR}" fill="{colour}"/>'
            f'<text x="{right + 4}" y="{top + 15}">{escape(said)}</text>'
        )
    height = ROW * len(drawn)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(name, quote=True)}" font-size="12">{"".join(parts)}</svg>'
    )
