"""Charts of the report, drawn from the tables as printed: what is suppressed is in no chart.

Colours are Okabe and Ito's, told apart by colour-blind readers and in grey; each chart has a text
that says what it shows, and its numbers stand in the table beside it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from profile_pipeline.tables import NOT_HELD, SUPPRESSED, TOTAL

BLUE, ORANGE, VERMILION, GREEN, GREY = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#8a8f94"
HIDDEN = -1.0  # stands for a suppressed count in the overlap table, drawn grey
TEXT_WIDTH = 680  # pixels of a chart that fills the line
FONT = "Liberation Sans, Arial, sans-serif"
LEVELS = {"at_risk": "at risk", "significant": "significant", "serious": "serious"}
INTERVIEWS = {
    "within_72_hours": "within 72 hours",
    "late": "later than 72 hours",
    "none": "none recorded",
}


@dataclass(frozen=True)
class Chart:
    """A chart: Vega-Lite specification, what it shows in words."""

    spec: dict[str, Any]
    alt: str


def number(text: str | None) -> float | None:
    """Return a printed figure as a number; None for suppressed, withheld or empty."""
    try:
        return float(text or "")
    except ValueError:
        return None


def draw(tables: Mapping[str, pl.DataFrame], labels: Mapping[str, str]) -> dict[str, Chart]:
    """Return the charts that the tables allow, by name; a chart of nothing is left out."""
    makers = {
        "cohort": _cohort,
        "indicators": _indicators,
        "overlap": _overlap,
        "interviews": _interviews,
        "representation": _representation,
    }
    charts = {name: make(tables, labels) for name, make in makers.items()}
    return {name: chart for name, chart in charts.items() if chart is not None}


def svg(chart: Chart) -> bytes:
    """Return a chart as SVG; the same chart gives the same bytes."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(json.dumps(chart.spec))).encode()


def png(chart: Chart) -> bytes:
    """Return a chart as PNG for print."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(json.dumps(chart.spec), scale=3))


def width_percent(drawing: bytes) -> str:
    """Return how much of the text's width a chart takes, so that all have letters of one size."""
    found = re.search(rb'<svg[^>]* width="([0-9.]+)"', drawing)
    natural = float(found[1]) if found else TEXT_WIDTH
    return f"{min(100, round(100 * natural / TEXT_WIDTH))}%"


def _table(tables: Mapping[str, pl.DataFrame], name: str) -> pl.DataFrame:
    return tables.get(name, pl.DataFrame())


def _finish(chart: Any) -> dict[str, Any]:
    styled = (
        chart.configure(font=FONT, background="white")
        .configure_axis(
            labelFontSize=11, titleFontSize=11, titleFontWeight="normal", gridColor="#e4e8eb"
        )
        .configure_legend(labelFontSize=11, titleFontSize=11, orient="top", symbolSize=120)
        .configure_view(stroke=None)
    )
    specification: dict[str, Any] = styled.to_dict()
    return specification


def _told(text: str) -> str:
    return "not held" if text == NOT_HELD else text


def _hidden(count: int) -> str:
    if not count:
        return ""
    return f" {count} suppressed figure{'s are' if count > 1 else ' is'} not drawn."


def _stacked(
    rows: list[dict[str, Any]],
    series: list[str],
    colours: list[str],
    title: str,
    empty: Mapping[str, str],
    quarters: list[str],
) -> dict[str, Any]:
    """Return stacked bars; a quarter without any says why (`empty`), lest it read as nought."""
    import altair as alt

    domain = alt.Scale(domain=quarters)
    bars = (
        alt.Chart(alt.InlineData(values=rows), width=520, height=230)
        .mark_bar(stroke="white", strokeWidth=1)
        .encode(
            x=alt.X(
                "quarter:N", title=None, sort=None, scale=domain, axis=alt.Axis(labelAngle=-35)
            ),
            y=alt.Y("count:Q", title=title, axis=alt.Axis(tickMinStep=1, format="d")),
            color=alt.Color(
                "series:N",
                title=None,
                sort=series,
                scale=alt.Scale(domain=series, range=colours),
            ),
            order=alt.Order("order:Q"),
        )
    )
    if not empty:
        return _finish(bars)
    said = [{"quarter": quarter, "said": text, "at": 0} for quarter, text in empty.items()]
    words = (
        alt.Chart(alt.InlineData(values=said))
        .mark_text(dy=-8, fontSize=11, color="#444444")
        .encode(
            x=alt.X("quarter:N", title=None, sort=None, scale=domain),
            y=alt.Y("at:Q", title=title),
            text="said:N",
        )
    )
    return _finish(bars + words)


def _with_rest(
    rows: list[dict[str, Any]], totals: Mapping[str, str], rest: str, order: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the rows with what of each printed total no printed part tells, and empty quarters.

    A part that is withheld would otherwise be missing from the bar, as if there were none.
    """
    made, empty = list(rows), {}
    for quarter, text in totals.items():
        parts = sum(row["count"] for row in rows if row["quarter"] == quarter)
        whole = number(text)
        if whole is not None and whole > parts:
            made.append(
                {"quarter": quarter, "series": rest, "order": order, "count": whole - parts}
            )
        elif whole is None and not parts:
            empty[quarter] = "not held" if text == NOT_HELD else "withheld"
    return made, empty


def _cohort(tables: Mapping[str, pl.DataFrame], _: Mapping[str, str]) -> Chart | None:
    frame = _table(tables, "cohort_by_quarter")
    if frame.is_empty():
        return None
    rows = [
        {"quarter": q, "series": LEVELS[level], "order": list(LEVELS).index(level), "count": count}
        for q, level, text in frame.select("quarter", "risk_level", "children").iter_rows()
        if level in LEVELS and (count := number(text)) is not None
    ]
    hidden = sum(
        text == SUPPRESSED and level != TOTAL
        for level, text in frame.select("risk_level", "children").iter_rows()
    )
    totals = dict(frame.filter(pl.col("risk_level") == TOTAL).select("quarter", "children").rows())
    rest = "another level, or withheld"
    rows, empty = _with_rest(rows, totals, rest, len(LEVELS))
    if not rows:
        return None
    alt = "Stacked bars of children open and at risk by quarter and level. All levels together: "
    words = "; ".join(f"{quarter} {_told(count)}" for quarter, count in totals.items())
    names, colours = [*LEVELS.values()], [BLUE, ORANGE, VERMILION]
    if any(row["series"] == rest for row in rows):
        names, colours = [*names, rest], [*colours, GREY]
    return Chart(
        _stacked(rows, names, colours, "children", empty, list(totals)),
        f"{alt}{words}.{_hidden(hidden)}",
    )


def _interviews(tables: Mapping[str, pl.DataFrame], _: Mapping[str, str]) -> Chart | None:
    frame = _table(tables, "return_interviews")
    rows = [
        {"quarter": row["quarter"], "series": name, "order": order, "count": count}
        for row in frame.iter_rows(named=True)
        for order, (column, name) in enumerate(INTERVIEWS.items())
        if (count := number(row[column])) is not None
    ]
    if not rows:
        return None
    due = {
        quarter: NOT_HELD if none == NOT_HELD else text
        for quarter, text, none in frame.select("quarter", "due", "none").iter_rows()
    }
    rows, empty = _with_rest(rows, due, "withheld", len(INTERVIEWS))
    hidden = sum(frame[column].to_list().count(SUPPRESSED) for column in INTERVIEWS)
    words = "; ".join(
        f"{row['quarter']} {row['within_72_hours']} in time, {row['late']} late, {row['none']} none"
        if row["none"] != NOT_HELD
        else f"{row['quarter']} not held"
        for row in frame.iter_rows(named=True)
    )
    names, colours = [*INTERVIEWS.values()], [BLUE, ORANGE, VERMILION]
    if any(row["series"] == "withheld" for row in rows):
        names, colours = [*names, "withheld"], [*colours, GREY]
    return Chart(
        _stacked(rows, names, colours, "interviews due", empty, list(due)),
        f"Stacked bars of return interviews due by quarter: {words}.{_hidden(hidden)}",
    )


def _indicators(tables: Mapping[str, pl.DataFrame], labels: Mapping[str, str]) -> Chart | None:
    import altair as alt

    frame = _table(tables, "indicator_prevalence")
    rows = [
        {"indicator": labels.get(name, name.replace("_", " ")), "count": count}
        for name, text in frame.select("indicator", "children").iter_rows()
        if (count := number(text)) is not None
    ] if frame.width else []  # fmt: skip
    if not any(row["count"] for row in rows):
        return None
    rows.sort(key=lambda row: (-row["count"], row["indicator"]))
    base = alt.Chart(alt.InlineData(values=rows), width=330, height=alt.Step(21)).encode(
        x=alt.X("count:Q", title="children", axis=alt.Axis(tickMinStep=1, format="d")),
        y=alt.Y("indicator:N", title=None, sort=None, axis=alt.Axis(labelLimit=290)),
    )
    chart = base.mark_bar(color=BLUE) + base.mark_text(align="left", dx=3, fontSize=11).encode(
        text=alt.Text("count:Q", format="d")
    )
    hidden = frame["children"].to_list().count(SUPPRESSED)
    words = "; ".join(f"{row['indicator']} {row['count']:.0f}" for row in rows)
    return Chart(_finish(chart), f"Bars of children by indicator: {words}.{_hidden(hidden)}")


def _overlap(tables: Mapping[str, pl.DataFrame], labels: Mapping[str, str]) -> Chart | None:
    import altair as alt

    frame = _table(tables, "indicator_overlap")
    if frame.is_empty():
        return None
    pairs = frame.filter(pl.col("children") != NOT_HELD).select(
        "indicator_a", "indicator_b", "children"
    ).rows()  # fmt: skip
    used = sorted({name for a, b, text in pairs if text != "0" for name in (a, b)})
    if not used:
        return None
    named = {name: labels.get(name, name.replace("_", " ")) for name in used}
    rows = [
        {
            "a": named[a],
            "b": named[b],
            "count": HIDDEN if number(text) is None else number(text),
            "text": text,
        }
        for a, b, text in pairs
        if a in named and b in named
    ]
    order = [named[name] for name in used]
    most = max((row["count"] for row in rows), default=0)
    base = alt.Chart(alt.InlineData(values=rows), width=alt.Step(32), height=alt.Step(24)).encode(
        x=alt.X("a:N", title=None, sort=order, axis=alt.Axis(labelAngle=-40, labelLimit=190)),
        y=alt.Y("b:N", title=None, sort=order, axis=alt.Axis(labelLimit=230)),
    )
    cells = base.mark_rect(stroke="white").encode(
        color=alt.condition(
            "datum.count < 0",
            alt.value("#dfe3e6"),
            alt.Color(
                "count:Q", legend=None, scale=alt.Scale(scheme="blues", domain=[0, max(most, 1)])
            ),
        )
    )
    words = base.mark_text(fontSize=10).encode(
        text="text:N",
        color=alt.condition(
            f"datum.count > {0.6 * most}", alt.value("white"), alt.value("#1b2a33")
        ),
    )
    top = sorted(
        (row for row in rows if row["count"] > 0), key=lambda r: (-r["count"], r["a"], r["b"])
    )
    pairs_said = "; ".join(f"{r['a']} with {r['b']} {r['count']:.0f}" for r in top[:5])
    hidden = sum(row["text"] == SUPPRESSED for row in rows)
    return Chart(
        _finish(cells + words),
        "Table of children with both of two indicators, darker for more. Most often: "
        f"{pairs_said}. {hidden} pairs are suppressed and grey.",
    )


def _representation(tables: Mapping[str, pl.DataFrame], _: Mapping[str, str]) -> Chart | None:
    import altair as alt

    frame = _table(tables, "representation")
    rows: list[dict[str, Any]] = []
    for row in frame.iter_rows(named=True):
        ratio, lower, upper = (number(row[column]) for column in ("ratio", "lower", "upper"))
        if ratio and lower and upper:  # zero has no place on a log scale
            group = f"{row['category']} ({row['dimension'].replace('_', ' ')})"
            rows.append({"group": group, "ratio": ratio, "lower": lower, "upper": upper})
    if not rows:
        return None
    high = max(row["upper"] for row in rows)
    low = min(row["lower"] for row in rows)
    scale = alt.Scale(type="log", domain=[min(0.25, low), max(4, high)], nice=False)
    base = alt.Chart(alt.InlineData(values=rows), width=330, height=alt.Step(20)).encode(
        y=alt.Y("group:N", title=None, sort=None, axis=alt.Axis(labelLimit=260))
    )
    marks = [0.1, 0.25, 0.5, 1, 2, 4, 10]
    limits = base.mark_rule(color=BLUE, strokeWidth=2).encode(
        x=alt.X(
            "lower:Q",
            scale=scale,
            title="share of the open over share of those with several indicators (1 is equal; log)",
            axis=alt.Axis(values=marks, format="~g"),
        ),
        x2="upper:Q",
    )
    points = base.mark_point(color=BLUE, filled=True, size=70, opacity=1).encode(
        x=alt.X("ratio:Q", scale=scale)
    )
    one = (
        alt.Chart(alt.InlineData(values=[{"one": 1}]))
        .mark_rule(color=VERMILION, strokeDash=[4, 3])
        .encode(x=alt.X("one:Q", scale=scale))
    )
    words = "; ".join(f"{r['group']} {r['ratio']} ({r['lower']} to {r['upper']})" for r in rows)
    return Chart(
        _finish(limits + points + one),
        "Ratio and 95% limits by group, below 1 where a smaller share is open to the team than "
        f"shows several indicators: {words}.",
    )
