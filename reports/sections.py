"""The parts of the report that are made from tables: each returns Markdown, none judges a figure.

All figures are text as the edition prints them; `[c]` stays `[c]`.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from profile_pipeline.quarters import parse_quarter
from profile_pipeline.tables import NOT_RECORDED, SUPPRESSED, TOTAL
from reports.context import ReportContext
from reports.markdown import Markdown, bullets, escape, table

QUARTERS_SHOWN = 4
PAIRS_SHOWN = 15
ABSENT = Markdown("*No table: nothing is held to make it from. This is a gap.*")
DIMENSIONS = {
    "age_band": "Age",
    "sex": "Sex",
    "ethnic_group": "Ethnic group (self-defined)",
    "looked_after": "Looked after",
    "missing_in_year": "Missing in the year to the quarter",
    "model": "Model of exploitation",
    "method": "Method",
    "risk_level": "Level",
    "place_type": "Offences by kind of place",
    "online": "Offences with an online element",
    "found_place_type": "Missing episodes by kind of place where the child was found",
    "reported_from": "Missing episodes by where the child was reported from",
    "appearance": "Appearance (officer-defined codes, not ethnicity)",
    "relationship": "Relationship to the child",
    "datasets": "Datasets that speak of the suspect",
    "seen_in": "Seen in one dataset or more",
}
DELIVERED = {
    "loaded": "yes",
    "missing": "**no**",
    "unreadable": "unreadable",
    "unusable": "unusable",
    "superseded": "replaced",
}
CORE = "complete_percent:"


def words(name: str) -> str:
    """Return an id or a category in words."""
    return name.replace("_", " ")


def title(dimension: str) -> str:
    """Return a dimension as a heading."""
    return DIMENSIONS.get(dimension, words(dimension).capitalize())


def of(ctx: ReportContext, name: str) -> pl.DataFrame:
    """Return a table as printed; an empty frame without columns when there is none."""
    return ctx.tables.get(name, pl.DataFrame())


def findings(ctx: ReportContext) -> Markdown:
    """Key findings, numbered, each with confidence and the table it rests on."""
    frame = of(ctx, "key_findings")
    if frame.is_empty():
        return Markdown("*No finding could be drawn from the tables.*")
    return Markdown(
        "\n".join(
            f"{number}. {escape(row['finding'][:1].upper() + row['finding'][1:])} "
            f"*(confidence {escape(row['confidence'])}; table {escape(row['table'])})*"
            for number, row in enumerate(frame.iter_rows(named=True), start=1)
        )
    )


def regional(ctx: ReportContext) -> Markdown:
    """Neighbours' and regional totals of the latest quarter each has published."""
    frame = of(ctx, "regional_summary")
    if frame.is_empty():
        return ABSENT
    latest = frame.sort("quarter", maintain_order=True).unique(
        "authority", keep="last", maintain_order=True
    )
    return table(
        ["Authority", "Quarter", "Total", "At risk", "Significant", "Serious"],
        latest.select("authority", "quarter", "total", "at_risk", "significant", "serious").rows(),
        [4, 3, 2, 2, 2, 2],
        "Children at risk as published by neighbours and region (children)",
        (0, 1),
    )


def deliveries(ctx: ReportContext) -> Markdown:
    """Dataset by quarter: what arrived."""
    frame = ctx.deliveries.filter(pl.col("status") != "superseded")
    if frame.is_empty():
        return ABSENT
    quarters = sorted(set(frame["quarter"].to_list()))
    best = {
        (dataset, quarter): status
        for dataset, quarter, status in frame.select("dataset", "quarter", "status").iter_rows()
    }
    agencies = dict(frame.select("dataset", "agency").rows())
    rows = [
        [
            words(dataset),
            agency,
            *(Markdown(DELIVERED.get(best.get((dataset, q), ""), "–")) for q in quarters),
        ]
        for dataset, agency in sorted(agencies.items())
    ]
    return table(
        ["Dataset", "Agency", *(_short(quarter) for quarter in quarters)],
        rows,
        [6, 6, *[2] * len(quarters)],
        "Deliveries by dataset and quarter; a dash means that nothing was due",
        tuple(range(2 + len(quarters))),
    )


def _short(quarter: str) -> str:
    """Return `15-16 Q4`, for a narrow column; anything else as it stands."""
    try:
        return parse_quarter(quarter)[2:]
    except ValueError:
        return quarter


def _latest_quality(ctx: ReportContext) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Return for each dataset its agency, latest quarter with rows, and measures of it."""
    frame = of(ctx, "data_quality")
    if frame.is_empty():
        return {}
    found: dict[str, tuple[str, str, dict[str, str]]] = {}
    received = frame.filter(
        (pl.col("measure") == "rows_received") & ~pl.col("value").is_in(["", "0"])
    )
    for dataset, quarter in (
        received.group_by("dataset").agg(pl.col("quarter").max()).sort("dataset").iter_rows()
    ):
        rows = frame.filter((pl.col("dataset") == dataset) & (pl.col("quarter") == quarter))
        measures = dict(rows.select("measure", "value").rows())
        found[dataset] = (rows["agency"][0], quarter, measures)
    return found


def quality(ctx: ReportContext) -> Markdown:
    """Rows received, used and set aside in the latest delivery of each dataset."""
    latest = _latest_quality(ctx)
    if not latest:
        return ABSENT
    measures = {
        "rows_received": "Received",
        "rows_harmonised": "Used",
        "rows_quarantined": "Set aside",
        "rows_duplicate": "Duplicate",
        "rows_kept_apart": "Kept apart",
        "linked_percent": "Seen in another dataset %",
        "days_late": "Days late",
    }
    rows = [
        [words(dataset), _short(quarter), *(values.get(measure, "") for measure in measures)]
        for dataset, (_, quarter, values) in latest.items()
    ]
    return table(
        ["Dataset", "Quarter", *measures.values()],
        rows,
        [6, 3, *[3] * len(measures)],
        "Rows in the latest delivery of each dataset (rows, not children)",
        (0, 1),
    )


def completeness(ctx: ReportContext) -> Markdown:
    """Completeness of core fields in the latest delivery, with a RAG word."""
    latest = _latest_quality(ctx)
    fields = sorted({m for _, _, values in latest.values() for m in values if m.startswith(CORE)})
    if not fields:
        return ABSENT
    limit = ctx.settings.gaps.not_recorded_percent
    rows = [
        [words(dataset), *(_rag(values.get(field, ""), limit) for field in fields)]
        for dataset, (_, _, values) in latest.items()
        if any(field in values for field in fields)
    ]
    return table(
        ["Dataset", *(words(field.removeprefix(CORE)) for field in fields)],
        rows,
        [5, *[3] * len(fields)],
        f"Percent of records that give a field; red below {100 - limit:g}, green from 95",
    )


def _rag(text: str, limit: float) -> Markdown:
    try:
        percent = float(text)
    except ValueError:
        return escape(text or "–")
    colour = "green" if percent >= 95 else "amber" if percent >= 100 - limit else "red"
    return Markdown(f"{escape(text)} {'**red**' if colour == 'red' else colour}")


def linkage(ctx: ReportContext) -> Markdown:
    """How sure it is that records are the right child's, and whose records can't be joined."""
    accuracy, bare = of(ctx, "linkage_accuracy"), of(ctx, "unlinkable_share")
    parts = []
    told = (
        accuracy.filter(pl.col("value") != "") if accuracy.width else pl.DataFrame()
    )  # fmt: skip
    if told.is_empty():
        parts.append(
            "How many joins are wrong (precision) or missed (recall) has not been measured, of all "
            "children or of the priority cohort apart: no sample of pairs has been decided by "
            "people. This is a gap."
        )
    else:
        figures = {
            (dimension, category, measure): f"{value}% ({lower} to {upper})"
            for dimension, category, measure, value, lower, upper in told.select(
                "dimension", "category", "measure", "value", "lower", "upper"
            ).iter_rows()
        }
        groups = list(dict.fromkeys((d, c) for d, c, _ in figures))
        every = dict.fromkeys(accuracy.select("dimension", "category").rows())
        untold = [_group(*group) for group in every if group not in groups]
        notes = {(d, c): n for d, c, n in told.select("dimension", "category", "note").rows() if n}
        parts.append(
            table(
                ["Group", "Right of the joins made", "Made of those to be made", "Reading"],
                [
                    [
                        _group(dimension, category),
                        figures.get((dimension, category, "precision"), ""),
                        figures.get((dimension, category, "recall"), ""),
                        notes.get((dimension, category), ""),
                    ]
                    for dimension, category in groups
                ],
                [5, 4, 4, 3],
                "Accuracy of joining children's records, from pairs that people decided, with 95% "
                "limits, before their decisions mended it (pairs of identities, not children). "
                "Joins to be made are counted among the pairs compared; records too unlike to be "
                "compared are missed too and not counted, so the true share made is lower",
                (0, 3),
            )
        )
        if untold:
            parts.append(
                f"Not yet estimated, as too few pairs have been decided: {', '.join(untold)}."
            )
    if bare.height:
        parts.append(
            table(
                ["Group", "Percent", "95% limits", "Higher than others beyond chance"],
                [
                    [_group(dimension, category), percent, _limits(lower, upper), higher]
                    for dimension, category, percent, lower, upper, higher in bare.select(
                        "dimension", "category", "percent", "lower", "upper", "higher"
                    ).iter_rows()
                ],
                [6, 2, 3, 4],
                "Children's records that hold too little to be joined to any other (records)",
                (0, 3),
            )
        )
    return Markdown("\n\n".join(escape(p) if not isinstance(p, Markdown) else p for p in parts))


def _group(dimension: str, category: str) -> str:
    if category == TOTAL:
        return "All"
    return f"{title(dimension)}: {words(category)}"


def rag(ctx: ReportContext) -> Markdown:
    """Dataset by quarter: the worst colour of its delivery, and what is red in the newest."""
    frame = ctx.rag
    if frame is None or frame.is_empty():
        return ABSENT
    overall = frame.filter(pl.col("measure") == "overall")
    quarters = sorted(set(overall["quarter"].to_list()))
    colour = {(d, q): c for d, q, c in overall.select("dataset", "quarter", "rag").iter_rows()}
    newest = (
        overall.filter(pl.col("rag") != "not told").group_by("dataset").agg(pl.col("quarter").max())
    )
    red = dict(
        frame.join(newest, on=["dataset", "quarter"])
        .filter(pl.col("rag") == "red", pl.col("measure") != "overall")
        .group_by("dataset")
        .agg(pl.col("group").unique().sort().str.join(", "))
        .iter_rows()
    )
    rows = [
        [
            words(dataset),
            *(_colour(colour.get((dataset, quarter), "")) for quarter in quarters),
            red.get(dataset, "nothing"),
        ]
        for dataset in sorted(set(overall["dataset"].to_list()))
    ]
    return table(
        ["Dataset", *(_short(quarter) for quarter in quarters), "Red in the newest"],
        rows,
        [6, *[2] * len(quarters), 6],
        "Deliveries by the limits of the plan: the worst of delivery, timeliness, columns, usable "
        "rows, repairs, duplicates, completeness, number of rows, unknown values, expectations",
        tuple(range(2 + len(quarters))),
    )


def _colour(word: str) -> Markdown:
    return Markdown("**red**") if word == "red" else escape(word or "–")


def warnings(ctx: ReportContext) -> Markdown:
    """What inspectors found wrong with other profiles, and whether this one has it."""
    frame = ctx.warnings
    if frame is None or frame.is_empty():
        return ABSENT
    return table(
        ["Fault", "Here", "What was found"],
        [
            [fault, Markdown("**yes**") if found == "yes" else found, said]
            for fault, found, said in frame.select("fault", "found", "said").iter_rows()
        ],
        [4, 2, 12],
        f"Faults of other profiles ({', '.join(frame['source'].unique().sort())}), looked for here",
        (0, 1, 2),
    )


def coverage(ctx: ReportContext) -> Markdown:
    """Indicator by agency: which dataset evidences it, what nobody supplies."""
    frame = ctx.coverage
    if frame is None or frame.is_empty():
        return ABSENT
    rows = [
        [ctx.labels.get(str(first), words(str(first))), *rest] for first, *rest in frame.iter_rows()
    ]
    return table(
        ["Indicator", *frame.columns[1:]],
        rows,
        [5, *[2] * (frame.width - 1)],
        "Indicators by the agency whose data evidence them",
        tuple(range(frame.width)),
    )


def cohort(ctx: ReportContext) -> Markdown:
    """Children, opened, closed and carried over by quarter and level."""
    frame = of(ctx, "cohort_by_quarter")
    if frame.is_empty():
        return ABSENT
    rows = [
        [
            quarter if level == frame["risk_level"][0] else Markdown(" "),
            Markdown(f"**{escape('all levels')}**") if level == TOTAL else words(level),
            *counts,
        ]
        for quarter, level, *counts in frame.select(
            "quarter", "risk_level", "children", "opened", "closed", "carried_over"
        ).iter_rows()
    ]
    printed = table(
        ["Quarter", "Level", "Children", "Opened", "Closed", "Carried over"],
        rows,
        [3, 3, 2, 2, 2, 2],
        "Children open and at risk at the end of each quarter (distinct children)",
        (0, 1),
    )
    breaks = [
        f"Break in the series: risk levels changed on {change.first_day:%d %B %Y}. {change.why}"
        for change in ctx.settings.tracker.level_changes
        if ctx.settings.period.start < change.first_day <= ctx.settings.as_at
    ]
    return Markdown("\n\n".join([printed, *(f"**{escape(line)}**" for line in breaks)]))


def by_dimension(ctx: ReportContext, name: str, count: str, mark: str = "##") -> Markdown:
    """One table a dimension: categories by the last four quarters, share, not recorded."""
    frame = of(ctx, name)
    if frame.is_empty():
        return ABSENT
    quarters = sorted(set(frame["quarter"].to_list()))[-QUARTERS_SHOWN:]
    frame = frame.filter(pl.col("quarter").is_in(quarters))
    parts = [
        f"{mark} {escape(title(str(dimension)))}\n\n"
        f"{_dimension(str(dimension), rows, quarters, count)}"
        for (dimension,), rows in frame.group_by("dimension", maintain_order=True)
    ]
    return Markdown("\n\n".join(parts))


def _dimension(dimension: str, rows: pl.DataFrame, quarters: Sequence[str], count: str) -> Markdown:
    cells = {
        (category, quarter): (number, percent, unknown)
        for quarter, category, number, percent, unknown in rows.select(
            "quarter", "category", count, "percent", "not_recorded_percent"
        ).iter_rows()
    }
    last = quarters[-1]
    names = list(dict.fromkeys(rows["category"].to_list()))
    shown, nowhere = [], []
    for name in names:
        numbers = [cells.get((name, quarter), ("", "", ""))[0] for quarter in quarters]
        if set(numbers) <= {"0", ""} and name not in (TOTAL, NOT_RECORDED):
            nowhere.append(words(name))
            continue
        share = cells.get((name, last), ("", "", ""))[1]
        strong = name == TOTAL
        label = escape(words(name))
        shown.append(
            [
                Markdown(f"**{label}**") if strong else label,
                *numbers,
                Markdown(" ") if name in (TOTAL, NOT_RECORDED) else _percent(share),
            ]
        )
    whole, _, unknown = cells.get((TOTAL, last), ("", "", ""))
    caption = (
        f"{title(dimension)}, {count} by quarter; of {whole or 'none'} in {last}, "
        f"{_percent(unknown) if unknown else 'none to be'} not recorded"
    )
    made = table(
        [title(dimension), *quarters, "Share of recorded"],
        shown,
        [5, *[2] * len(quarters), 3],
        caption,
    )
    if not nowhere:
        return made
    return Markdown(f"{made}\n\nNone in these quarters: {escape(', '.join(nowhere))}.")


def _percent(text: str) -> str:
    return text if text in ("", SUPPRESSED) else f"{text}%"


def prevalence(ctx: ReportContext) -> Markdown:
    """Children, events and repeats by indicator."""
    frame = of(ctx, "indicator_prevalence")
    if frame.is_empty():
        return ABSENT
    rows = [
        [ctx.labels.get(indicator, words(indicator)), *counts, sources.replace("_", " ")]
        for indicator, *counts, sources in frame.select(
            "indicator", "children", "events", "repeat_children", "sources"
        ).iter_rows()
    ]
    return table(
        ["Indicator", "Children", "Events", "Children with two or more", "Sources"],
        rows,
        [5, 2, 2, 3, 5],
        "Indicators in the last four quarters (distinct children; a source of none is a gap)",
        (0, 4),
    )


def distribution(ctx: ReportContext) -> Markdown:
    """Children by number of indicators, known to the CSE team or not."""
    frame = of(ctx, "overlap_distribution")
    if frame.is_empty():
        return ABSENT
    return table(
        ["Indicators", "Children", "Ever in the tracker", "At risk now"],
        frame.select("indicators", "children", "known_to_cse", "at_risk_now").rows(),
        [2, 2, 3, 2],
        "Children by number of indicators in the last four quarters (distinct children)",
        (),
    )


def pairs(ctx: ReportContext) -> Markdown:
    """The pairs of indicators that meet most often; ties at the end are all shown."""
    frame = of(ctx, "indicator_overlap")
    if frame.is_empty():
        return ABSENT
    counted = frame.with_columns(pl.col("children").cast(pl.Int64, strict=False).alias("n")).sort(
        ["n", "indicator_a", "indicator_b"], descending=[True, False, False], nulls_last=True
    )
    counted = counted.filter(pl.col("n") > 0)
    if counted.height > PAIRS_SHOWN:
        counted = counted.filter(pl.col("n") >= int(counted["n"][PAIRS_SHOWN - 1]))
    rows = [
        [ctx.labels.get(a, words(a)), ctx.labels.get(b, words(b)), children]
        for a, b, children in counted.select("indicator_a", "indicator_b", "children").iter_rows()
    ]
    return table(
        ["Indicator", "and", "Children"],
        rows,
        [5, 5, 2],
        "Pairs that meet most often in one child (distinct children; ties at the end all shown)",
        (0, 1),
    )


def hotspots(ctx: ReportContext) -> Markdown:
    """Hotspots without positions or counts."""
    frame = of(ctx, "hotspots")
    if frame.width == 0:
        return ABSENT
    columns = ["hotspot", "wards", "count_band", "status", "when", "kinds_of_place", "layers"]
    heads = ["Hotspot", "Wards", "Events", "Status", "When", "Kinds of place", "Nearby"]
    return table(
        heads,
        frame.select(columns).rows(),
        [2, 4, 2, 3, 4, 4, 4],
        "Hotspots of offending (offences, in bands)",
        tuple(range(len(heads))),
    )


def representation(ctx: ReportContext) -> Markdown:
    """Known, at risk and population by group."""
    frame = of(ctx, "representation")
    if frame.is_empty():
        return ABSENT
    parts = []
    for (dimension,), rows in frame.group_by("dimension", maintain_order=True):
        name = title(str(dimension))
        parts.append(
            table(
                ["Group", "Known", "At risk", "Population", "Ratio", "95% limits", "Reading"],
                [
                    [words(category), *counts, ratio, _limits(lower, upper), finding]
                    for category, *counts, ratio, lower, upper, finding in rows.select(
                        "category", "known", "at_risk", "population", "ratio", "lower", "upper",
                        "finding",
                    ).iter_rows()
                ],
                [4, 2, 2, 3, 2, 3, 6],
                f"Known, at risk and population by {name.lower()} (distinct children)",
                (0, 6),
            )
        )  # fmt: skip
    return Markdown("\n\n".join(parts))


def _limits(lower: str, upper: str) -> str:
    if SUPPRESSED in (lower, upper):
        return SUPPRESSED
    return f"{lower} to {upper}" if lower and upper else ""


def prevalence_estimate(ctx: ReportContext) -> Markdown:
    """The estimate, or why there is none."""
    frame = of(ctx, "prevalence_estimate")
    if frame.is_empty():
        return Markdown(
            "*Not estimated: how many children no agency has listed can't be told from the data "
            "held. This is a gap.*"
        )
    return table(
        ["Method", "On any list", "Estimate", "95% limits", "What the figure can't say"],
        [
            [words(method), observed, estimate, _limits(lower, upper), caveat]
            for method, observed, estimate, lower, upper, caveat in frame.select(
                "method", "observed", "estimate", "lower", "upper", "caveat"
            ).iter_rows()
        ],
        [3, 2, 2, 3, 8],
        "Children on lists, and an estimate of all (children)",
        (0, 4),
    )


def interviews(ctx: ReportContext) -> Markdown:
    """Return interviews by quarter."""
    frame = of(ctx, "return_interviews")
    if frame.is_empty():
        return ABSENT
    columns = ["quarter", "episodes", "due", "within_72_hours", "late", "none"]
    return table(
        ["Quarter", "Episodes", "Interviews due", "On time", "Late", "None recorded"],
        frame.select(columns).rows(),
        [3, 2, 2, 2, 2, 2],
        "Missing episodes and return interviews by quarter (episodes, not children)",
    )


def screening(ctx: ReportContext) -> Markdown:
    """Coverage of the groups that are to be screened."""
    frame = of(ctx, "screening_coverage")
    if frame.is_empty():
        return ABSENT
    return table(
        ["Group", "Children", "Ever screened", "Share of the group"],
        [
            [group, children, screened, _percent(percent)]
            for group, children, screened, percent in frame.select(
                "group", "children", "screened", "percent"
            ).iter_rows()
        ],
        [6, 2, 2, 2],
        "Children of the groups to be screened routinely, whole period (distinct children)",
    )


def disruption(ctx: ReportContext) -> Markdown:
    """Actions by quarter."""
    frame = of(ctx, "disruption_outcomes")
    if frame.is_empty():
        return ABSENT
    quarters = sorted(set(frame["quarter"].to_list()))
    cells = {(o, q): n for q, o, n in frame.select("quarter", "outcome", "count").iter_rows()}
    return table(
        ["Action", *(_short(quarter) for quarter in quarters)],
        [
            [words(outcome), *(cells.get((outcome, q), "") for q in quarters)]
            for outcome in dict.fromkeys(frame["outcome"].to_list())
        ],
        [5, *[2] * len(quarters)],
        "Disruption and outcomes by quarter (actions)",
    )


def gaps(ctx: ReportContext) -> Markdown:
    """Intelligence gaps, high priority first."""
    frame = of(ctx, "intelligence_gaps")
    if frame.is_empty():
        return ABSENT
    order = {"high": 0, "medium": 1, "low": 2}
    rows = sorted(
        frame.iter_rows(named=True), key=lambda r: (order.get(r["priority"], 3), r["gap"])
    )
    return table(
        ["Gap", "What is not known", "Rests on", "Who may know, and the question", "By"],
        [
            [
                Markdown(f"**{escape(row['gap'])}** {escape(row['priority'])}"),
                row["finding"],
                row["evidence"],
                Markdown(f"**{escape(row['agency'])}:** {escape(row['question'])}"),
                _day(row["due"]),
            ]
            for row in rows
        ],
        [3, 9, 7, 9, 3],
        "Intelligence gaps, by priority",
        (0, 1, 2, 3, 4),
    )


def suspects_in_doubt(ctx: ReportContext) -> Markdown:
    """What is not known of suspects: who may be whom, who is under 18, who is also a child."""
    frame = of(ctx, "intelligence_gaps")
    if frame.is_empty():
        return Markdown("")
    told = frame.filter(pl.col("theme") == "suspects").sort("gap").select("gap", "finding")
    lines = [f"- {escape(finding)} ({escape(gap)})" for gap, finding in told.iter_rows()]
    return Markdown("\n".join(["What is not known of them:", "", *lines]) if lines else "")


def actions(ctx: ReportContext) -> Markdown:
    """The draft action plan, by strand."""
    frame = of(ctx, "action_plan")
    if frame.is_empty():
        return ABSENT
    parts = []
    for strand in ("prevent", "protect", "pursue"):
        rows = frame.filter(pl.col("strand") == strand)
        if rows.is_empty():
            continue
        made = table(
            ["Action", "Lead", "By", "Current position", "Measure", "Outcome", "RAG"],
            [
                [*cells[:2], _day(cells[2]), *cells[3:]]
                for cells in rows.select(
                    "action", "lead", "target_date", "current_position", "measure", "outcome",
                    "rag",
                ).iter_rows()
            ],
            [6, 4, 3, 6, 5, 5, 2],
            f"Draft actions to {strand}",
            tuple(range(7)),
        )  # fmt: skip
        parts.append(f"## {strand.capitalize()}\n\n{made}")
    return Markdown("\n\n".join(parts))


def _day(text: str) -> str:
    """Return an ISO date as `30 May 2016`; anything else as it stands."""
    from datetime import date

    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {day:%b %Y}"


COLLECTED = {"dataset": "Dataset", "agency": "Agency", "what": "What", "why": "Why", "how": "How"}
TERMS = {
    "dataset": "Dataset",
    "lead": "Lead",
    "lawful_basis": "Lawful basis",
    "due": "Due",
    "keep_for": "Kept for",
}


def plan(ctx: ReportContext) -> Markdown:
    """The collection plan, a summary in two tables: what is collected, and on what terms."""
    if not ctx.plan:
        return ABSENT
    tables = [
        table(
            list(columns.values()),
            [[_stated(entry, field) for field in columns] for entry in ctx.plan],
            widths,
            caption,
            tuple(range(len(columns))),
        )
        for columns, widths, caption in (
            (COLLECTED, [5, 5, 6, 7, 5], "Data collection plan: what, why and how"),
            (
                TERMS,
                [5, 4, 11, 4, 3],
                "Data collection plan: lead, lawful basis, due date, retention",
            ),
        )
    ]
    return Markdown("\n\n".join(tables))


def _stated(entry: Mapping[str, str], field: str) -> str:
    text = str(entry.get(field) or "not stated")
    return words(text) if field == "dataset" else text


def code_lists(ctx: ReportContext) -> Markdown:
    """Code lists used, with their source."""
    if not ctx.code_lists:
        return Markdown(
            "Categories are those of the tables; each dataset's codes are mapped to them in the "
            "data collection plan."
        )
    return bullets([f"{name}: {source}" for name, source in ctx.code_lists.items()])


def short_period(ctx: ReportContext) -> bool:
    """Whether the period is too short to show a pattern."""
    period = ctx.settings.period
    months = (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1
    return months < ctx.settings.gaps.minimum_months
