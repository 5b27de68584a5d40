"""The parts of the report that are made from tables: each returns Markdown, none judges a figure.

All figures are text as the edition prints them; `[c]` stays `[c]`.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from profile_pipeline.quarters import (
    first_day,
    last_day,
    parse_quarter,
    previous_quarter,
    quarter_of,
)
from profile_pipeline.tables import NOT_HELD, NOT_RECORDED, SUPPRESSED, TOTAL
from reports.context import ReportContext
from reports.markdown import Markdown, bullets, escape, table

QUARTERS_SHOWN = 4
PAIRS_SHOWN = 15
ABSENT = Markdown("*No table: nothing is held to make it from. This is a gap.*")
# What a table is made of, in words, and under which kind and name `quality.holding` has it.
MADE_OF = {
    "cohort_by_quarter": ("the CSE team's tracker", "measure", "cse_tracker"),
    "victim_profile": ("the CSE team's tracker", "measure", "cse_tracker"),
    "suspect_profile": ("suspects", "role", "suspect"),
    "offences": ("recorded crimes", "measure", "offence"),
    "episodes": ("missing episodes one by one", "measure", "missing_episode"),
    "return_interviews": ("missing episodes one by one", "measure", "missing_episode"),
    "interviews": ("return interviews", "field", "missing_episode.interview_at"),
    "disruption_outcomes": ("disruption and outcomes", "measure", "disruption"),
    "screening": ("dates of screening", "field", "cse_tracker.screening_date"),
}
OF_EPISODES = ("found_place_type", "reported_from")
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
    "datasets": "Datasets that speak of the suspect in the quarter",
    "editions": "In this profile",
    "grades": "Grades for reliability and accuracy",
    "seen_in": "Seen in one dataset or more, up to the end of the quarter",
}
WINDOWS = {
    "datasets": "Each suspect stands once, by all the datasets of that quarter alone",
    "seen_in": "Counted over the whole period up to the end of the quarter, so that a suspect whom "
    "another dataset named earlier is in more than one here and may be in one alone in the table "
    "before",
    "missing_in_year": "The year is the four quarters up to the end of the quarter; not held where "
    "one of them isn't",
    "ward": "A ward is not recorded where the place is online, unknown or not usable",
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


def dataset(ctx: ReportContext, name: str) -> str:
    """Return a dataset's title; its id in words when it has none."""
    return ctx.datasets.get(name, words(name))


def not_held(ctx: ReportContext, thing: str) -> Markdown:
    """Say that a table's figures aren't known, and why: never supplied, or never received."""
    what, kind, name = MADE_OF[thing]
    states = _states(ctx, kind, name)
    because = (
        "nothing usable was received of it"
        if "not received" in states
        else "no dataset supplies it"
    )
    return Markdown(
        f"*Not held: {escape(what)}; {because}. Nothing can be told here, which doesn't mean that "
        "there is nothing. It is an intelligence gap (section 13).*"
    )


def _states(ctx: ReportContext, kind: str, name: str) -> dict[str, list[str]]:
    """Return the quarters of each state of what is held of a kind and name."""
    frame = ctx.holding
    if frame is None:
        return {}
    rows = frame.filter(pl.col("kind") == kind, pl.col("name") == name).sort("quarter")
    found: dict[str, list[str]] = {}
    for state, quarter in rows.select("state", "quarter").iter_rows():
        found.setdefault(state, []).append(quarter)
    return found


def received(ctx: ReportContext, thing: str, quarters: Sequence[str] | None = None) -> str:
    """Say which quarters of a table were not received or only in part; nothing when all were."""
    what, kind, name = MADE_OF[thing]
    states = {
        state: [quarter for quarter in found if quarters is None or quarter in quarters]
        for state, found in _states(ctx, kind, name).items()
    }
    said = []
    if states.get("not received") and states.keys() & {"held", "partly"}:
        said.append(
            f"No usable row was received for {', '.join(states['not received'])} of: {what}. "
            "Whether there was nothing to send is not known; it is no nought."
        )
    if states.get("partly"):
        said.append(
            f"Received in part for {', '.join(states['partly'])}: {what}. A file is missing, and "
            "what others tell of these quarters is counted."
        )
    return " ".join(said)


def _noted(made: Markdown, *lines: str) -> Markdown:
    """Return a table with sentences below it."""
    return Markdown("\n\n".join([made, *(escape(line) for line in lines if line)]))


def _unknown(frame: pl.DataFrame, *columns: str) -> bool:
    """Whether nothing is held of any of a table's figures."""
    return all(value == NOT_HELD for column in columns for value in frame[column].to_list())


def year(ctx: ReportContext) -> tuple[str, str]:
    """Return the first and last day of the last four quarters."""
    last = first = quarter_of(ctx.settings.as_at)
    for _ in range(3):
        first = previous_quarter(first)
    return _day(first_day(first).isoformat()), _day(last_day(last).isoformat())


def terms(ctx: ReportContext) -> Markdown:
    """The words of the report, each with the children and the days it speaks of."""
    least, (first, last) = ctx.settings.overlap_at_least, year(ctx)
    settings, as_at = ctx.settings, _day(ctx.settings.as_at.isoformat())
    until = min(settings.period.end, settings.as_at)
    return table(
        ["Word", "What it means here"],
        [
            [
                "Open and at risk; open now",
                f"A child of the area, under {settings.tracker.under_age}, whose case is open to "
                "the CSE team at a level that the plan counts, on the last day of a quarter, by "
                f"the team's tracker. Now is {as_at}. The lowest level is itself called 'at risk'.",
            ],
            [
                "Ever in the tracker",
                f"A child in any list of the tracker by {as_at}, whatever screening said",
            ],
            [
                f"{least} or more indicators",
                f"A child of whom agencies recorded {least} or more different indicators in the "
                "last four quarters, in the tracker or not: a child to ask about",
            ],
            ["Last four quarters", f"{first} to {last}"],
            [
                "Whole period",
                f"{_day(settings.period.start.isoformat())} to {_day(until.isoformat())}",
            ],
            [
                "Suspect",
                "A person whom crimes or reports speak of, until an outcome says otherwise",
            ],
            ["Not recorded", "A record was sent, and doesn't say"],
            ["Not held", "Nobody sent what would tell: no nought, and a gap in section 13"],
            [SUPPRESSED, "Withheld, so that no child can be told from a small number"],
            ["0", "Asked for, received, and none recorded"],
        ],
        [4, 14],
        "Words of this profile",
        (0, 1),
    )


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
    levels = ("at_risk", "significant", "serious")
    return table(
        ["Authority", "Quarter", "Total", "At risk", "Significant", "Serious"],
        [*_ours(ctx, levels), *latest.select("authority", "quarter", "total", *levels).rows()],
        [4, 3, 2, 2, 2, 2],
        "Children at risk: this profile's count, and what neighbours and region published "
        "(children)",
        (0, 1),
    )


def _ours(ctx: ReportContext, levels: Sequence[str]) -> list[list[object]]:
    """Return the area's own line of the newest quarter, as the cohort's table prints it."""
    frame = of(ctx, "cohort_by_quarter")
    if frame.is_empty():
        return []
    quarter = str(frame["quarter"].max())
    counts = dict(
        frame.filter(pl.col("quarter") == quarter).select("risk_level", "children").rows()
    )
    name = f"{ctx.settings.area.name} (this profile)"
    return [[name, quarter, *(counts.get(level, "") for level in (TOTAL, *levels))]]


def deliveries(ctx: ReportContext) -> Markdown:
    """Dataset by quarter: what arrived."""
    frame = ctx.deliveries.filter(pl.col("status") != "superseded")
    if frame.is_empty():
        return ABSENT
    each = frame.with_columns(quarter=pl.coalesce("carries", "quarter").str.split(", ")).explode(
        "quarter"
    )
    quarters = sorted(set(each["quarter"].to_list()))
    best = {
        (name, quarter): status
        for name, quarter, status in each.select("dataset", "quarter", "status").iter_rows()
    }
    agencies = dict(frame.select("dataset", "agency").rows())
    rows = [
        [
            dataset(ctx, name),
            agency,
            *(Markdown(DELIVERED.get(best.get((name, q), ""), "–")) for q in quarters),
        ]
        for name, agency in sorted(agencies.items())
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
    came = frame.filter((pl.col("measure") == "rows_received") & ~pl.col("value").is_in(["", "0"]))
    for name, quarter in (
        came.group_by("dataset").agg(pl.col("quarter").max()).sort("dataset").iter_rows()
    ):
        rows = frame.filter((pl.col("dataset") == name) & (pl.col("quarter") == quarter))
        measures = dict(rows.select("measure", "value").rows())
        found[name] = (rows["agency"][0], quarter, measures)
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
        "linked_percent": "In another dataset too %",
        "days_late": "Days late",
    }
    rows = [
        [dataset(ctx, name), _short(quarter), *(values.get(measure, "") for measure in measures)]
        for name, (_, quarter, values) in latest.items()
    ]
    return table(
        ["Dataset", "Quarter", *measures.values()],
        rows,
        [6, 3, *[3] * len(measures)],
        "Rows in the latest delivery of each dataset (rows, not children). In another dataset too: "
        "of the people in these rows, those whom another dataset names in any quarter. "
        "Days late: a dash where the day of arrival can't be told",
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
        [dataset(ctx, name), *(_rag(values.get(field, ""), limit) for field in fields)]
        for name, (_, _, values) in latest.items()
        if any(field in values for field in fields)
    ]
    return table(
        ["Dataset", *(_field(field.removeprefix(CORE)) for field in fields)],
        rows,
        [5, *[3] * len(fields)],
        "Percent of the records of the latest delivery that give a field; red below "
        f"{100 - limit:g}, green from 95; a dash where the dataset isn't asked for it. A dataset "
        "that gives postcode sectors by design is judged by the sector",
    )


def _field(name: str) -> str:
    return "ethnic group" if name == "ethnicity_code" else words(name)


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
        untold = [_group(ctx, *group) for group in every if group not in groups]
        notes = {(d, c): n for d, c, n in told.select("dimension", "category", "note").rows() if n}
        parts.append(
            table(
                ["Group", "Right of the joins made", "Made of those to be made", "Reading"],
                [
                    [
                        _group(ctx, dimension, category),
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
                    [
                        _group(ctx, dimension, category),
                        percent,
                        _limits(lower, upper),
                        higher or ("" if SUPPRESSED in (percent, lower) else "no"),
                    ]
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


def _group(ctx: ReportContext, dimension: str, category: str) -> str:
    if category == TOTAL:
        return "All"
    if dimension in ("dataset", "source"):
        return f"{title(dimension)}: {dataset(ctx, category)}"
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
            dataset(ctx, name),
            *(_colour(colour.get((name, quarter), "")) for quarter in quarters),
            red.get(name, "nothing"),
        ]
        for name in sorted(set(overall["dataset"].to_list()))
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


def reports_left_out(ctx: ReportContext) -> Markdown:
    """Information reports by how they were handled, and the decisions of the plan about them."""
    frame = of(ctx, "information_reports")
    if frame.is_empty():
        return Markdown("*No information report of the period was received.*")
    rows = [
        [title(aspect) if first else Markdown(" "), words(category), count]
        for (aspect,), part in frame.group_by("aspect", maintain_order=True)
        for first, (category, count) in zip(
            [True, *[False] * (part.height - 1)],
            part.select("category", "reports").iter_rows(),
            strict=True,
        )
    ]
    made = table(
        ["", "Reports that are", "Reports"],
        rows,
        [3, 8, 2],
        "Information reports of the period by how they were handled (reports)",
        (0, 1),
    )
    decided = bullets(list(ctx.handling)) if ctx.handling else ""
    return Markdown(f"{made}\n\n{decided}" if decided else made)


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
        "Indicators by the agency whose data evidence them, by the plan (what came is told above)",
        tuple(range(frame.width)),
    )


def cohort(ctx: ReportContext) -> Markdown:
    """Children, opened, closed and carried over by quarter and level."""
    frame = of(ctx, "cohort_by_quarter")
    if frame.is_empty():
        return ABSENT
    if _unknown(frame, "children"):
        return not_held(ctx, "cohort_by_quarter")
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
        "Children open and at risk at the end of each quarter (distinct children). Closed: open at "
        "the level a quarter before and not now; not held where the quarter before isn't",
        (0, 1),
    )
    breaks = [
        f"Break in the series: risk levels changed on {change.first_day:%d %B %Y}. {change.why}"
        for change in ctx.settings.tracker.level_changes
        if ctx.settings.period.start < change.first_day <= ctx.settings.as_at
    ]
    breaks += _unexplained_levels(ctx, frame)
    printed = _noted(printed, received(ctx, "cohort_by_quarter"))
    return Markdown("\n\n".join([printed, *(f"**{escape(line)}**" for line in breaks)]))


def _unexplained_levels(ctx: ReportContext, frame: pl.DataFrame) -> list[str]:
    """Return the line on levels that stand in the table and that the plan doesn't explain."""
    rule = ctx.settings.tracker
    explained = {*rule.at_risk_levels, NOT_RECORDED, TOTAL}
    for change in rule.level_changes:
        explained |= {*change.levels, *change.crosswalk.values()}
    strange = frame.filter(
        ~pl.col("risk_level").is_in(list(explained)), pl.col("children").cast(pl.String) != "0"
    )
    if strange.is_empty():
        return []
    levels = ", ".join(words(level) for level in strange["risk_level"].unique(maintain_order=True))
    quarters = ", ".join(strange["quarter"].unique(maintain_order=True))
    return [
        f"Break in the series: the risk levels of {quarters} ({levels}) are not those of the plan,"
        " and no crosswalk says what they mean. The children are counted at the level as written."
    ]


def by_dimension(ctx: ReportContext, name: str, count: str, mark: str = "##") -> Markdown:
    """One table a dimension: categories by the last four quarters, share, not recorded."""
    frame = of(ctx, name)
    if frame.is_empty():
        return ABSENT
    if name in MADE_OF and _unknown(frame, count):
        return not_held(ctx, name)
    quarters = sorted(set(frame["quarter"].to_list()))[-QUARTERS_SHOWN:]
    frame = frame.filter(pl.col("quarter").is_in(quarters))
    of_thing: dict[str, list[str]] = {}
    for dimension in frame["dimension"].unique(maintain_order=True).to_list():
        of_thing.setdefault(_made_of(name, dimension), []).append(dimension)
    parts: list[str] = []
    for thing, dimensions in of_thing.items():
        told = frame.filter(pl.col("dimension").is_in(dimensions))
        if _unknown(told, count):
            parts.append(not_held(ctx, thing))
            continue
        if line := received(ctx, thing, quarters):
            parts.append(escape(line))
        parts += [
            f"{mark} {escape(title(str(dimension)))}\n\n"
            f"{_dimension(ctx, str(dimension), rows, quarters, count)}"
            for (dimension,), rows in told.group_by("dimension", maintain_order=True)
        ]
    return Markdown("\n\n".join(parts))


def _made_of(name: str, dimension: str) -> str:
    if name != "location_profile":
        return name
    return "episodes" if dimension in OF_EPISODES else "offences"


def _dimension(
    ctx: ReportContext,
    dimension: str,
    rows: pl.DataFrame,
    quarters: Sequence[str],
    count: str,
) -> Markdown:
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
        named = _category(ctx, dimension, name)
        told = {number for number in numbers if number != NOT_HELD}
        if told and told <= {"0", ""} and name not in (TOTAL, NOT_RECORDED):
            nowhere.append(named)
            continue
        share = cells.get((name, last), ("", "", ""))[1]
        strong = name == TOTAL
        label = escape(named)
        shown.append(
            [
                Markdown(f"**{label}**") if strong else label,
                *numbers,
                Markdown(" ") if name in (TOTAL, NOT_RECORDED) else _percent(share),
            ]
        )
    whole, _, unknown = cells.get((TOTAL, last), ("", "", ""))
    caption = f"{title(dimension)}, {count} by quarter; {_of_whole(whole, unknown, last)}"
    if dimension in WINDOWS:
        caption += f". {WINDOWS[dimension]}"
    made = table(
        [title(dimension), *quarters, "Share of recorded"],
        shown,
        [5, *[2] * len(quarters), 3],
        caption,
    )
    known = [
        quarter
        for quarter in quarters
        if all(cells.get((name, quarter), ("",))[0] != NOT_HELD for name in names)
    ]
    none = ""
    if nowhere:
        when = "these quarters" if known == list(quarters) else ", ".join(known)
        none = f"None in {when}: {', '.join(nowhere)}."
    return _noted(made, none)


def _category(ctx: ReportContext, dimension: str, name: str) -> str:
    if dimension != "datasets" or name in (TOTAL, NOT_RECORDED):
        return words(name)
    return " + ".join(dataset(ctx, part) for part in name.split(" + "))


def _of_whole(whole: str, unknown: str, last: str) -> str:
    """Say what the last quarter's shares are of, and how much isn't recorded."""
    if whole == NOT_HELD:
        return f"{last} is not held"
    if whole in ("", "0"):
        return f"none in {last}"
    if whole == SUPPRESSED:
        return f"how many in {last} is withheld"
    if unknown == SUPPRESSED:
        return f"of {whole} in {last}, the share not recorded withheld"
    return f"of {whole} in {last}, {_percent(unknown)} not recorded"


def _percent(text: str) -> str:
    return text if text in ("", SUPPRESSED) else f"{text}%"


def prevalence(ctx: ReportContext) -> Markdown:
    """Children, events and repeats by indicator."""
    frame = of(ctx, "indicator_prevalence")
    if frame.is_empty():
        return ABSENT
    first, last = year(ctx)
    lacking = _lacking(ctx)
    rows = [
        [
            ctx.labels.get(indicator, words(indicator)),
            *counts,
            _sources(ctx, sources)
            + ("; not all that was due" if indicator in lacking and counts[0] != NOT_HELD else ""),
        ]
        for indicator, *counts, sources in frame.select(
            "indicator", "children", "events", "repeat_children", "sources"
        ).iter_rows()
    ]
    return table(
        ["Indicator", "Children", "Events", "Children with two or more", "Sources"],
        rows,
        [5, 2, 2, 3, 5],
        f"Children by indicator, {first} to {last} (distinct children of the area under 18 on "
        f"{first}; a child stands in the row of each). Not held: no dataset tells of it, a gap",
        (0, 4),
    )


def _lacking(ctx: ReportContext) -> set[str]:
    """Return the indicators of which some file due in the last four quarters is missing."""
    if ctx.holding is None:
        return set()
    last = quarter_of(ctx.settings.as_at)
    quarters = [last]
    while len(quarters) < QUARTERS_SHOWN:
        quarters.append(previous_quarter(quarters[-1]))
    lacking = ctx.holding.filter(
        pl.col("kind") == "indicator",
        pl.col("quarter").is_in(quarters),
        pl.col("state").is_in(["partly", "not received"]),
    )
    return set(lacking["name"].to_list())


def _sources(ctx: ReportContext, sources: str) -> str:
    return ", ".join(dataset(ctx, name) for name in sources.split(", "))


def distribution(ctx: ReportContext) -> Markdown:
    """Children by number of indicators, known to the CSE team or not."""
    frame = of(ctx, "overlap_distribution")
    if frame.is_empty():
        return ABSENT
    first, last = year(ctx)
    return table(
        ["Indicators", "Children", "Ever in the tracker", "Open now"],
        frame.select("indicators", "children", "known_to_cse", "at_risk_now").rows(),
        [2, 2, 3, 2],
        f"Children by number of different indicators, {first} to {last} (distinct children of the "
        f"area under 18 on {first}; those who turned 18 since are counted)",
        (),
    )


def pairs(ctx: ReportContext) -> Markdown:
    """The pairs of indicators that meet most often; ties at the end are all shown."""
    frame = of(ctx, "indicator_overlap")
    if frame.is_empty():
        return ABSENT
    if _unknown(frame, "children"):
        return Markdown("*Not held: no two indicators are supplied, so no pair can be told.*")
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
        "Pairs that meet most often in one child, last four quarters (distinct children; ties at "
        "the end all shown)",
        (0, 1),
    )


def hotspots(ctx: ReportContext) -> Markdown:
    """Hotspots without positions or counts."""
    frame = of(ctx, "hotspots")
    if frame.width == 0:
        return ABSENT
    states = _states(ctx, "measure", "offence")
    if states and not states.keys() & {"held", "partly"}:
        return not_held(ctx, "offences")
    if frame.is_empty():
        return Markdown("*No hotspot was found, or there were too few offences to look for any.*")
    columns = ["hotspot", "wards", "count_band", "status", "when", "kinds_of_place", "layers"]
    heads = ["Hotspot", "Wards", "Events", "Status", "When", "Kinds of place", "Nearby"]
    return table(
        heads,
        frame.select(columns).rows(),
        [2, 4, 2, 3, 4, 4, 4],
        "Hotspots of offending, whole period (offences, in bands)",
        tuple(range(len(heads))),
    )


def representation(ctx: ReportContext) -> Markdown:
    """Children open now, with several indicators, and living in the area, by group."""
    frame = of(ctx, "representation")
    if frame.is_empty():
        return ABSENT
    if _unknown(frame, "known") and _unknown(frame, "at_risk"):
        return not_held(ctx, "cohort_by_quarter")
    least, as_at = ctx.settings.overlap_at_least, _day(ctx.settings.as_at.isoformat())
    parts = []
    for (dimension,), rows in frame.group_by("dimension", maintain_order=True):
        name = title(str(dimension))
        parts.append(
            table(
                [
                    "Group",
                    "Open now",
                    f"{least} or more indicators",
                    "Aged 10 to 17",
                    "Ratio",
                    "95% limits",
                    "Reading",
                ],
                [
                    [words(category), *counts, ratio, _limits(lower, upper), finding]
                    for category, *counts, ratio, lower, upper, finding in rows.select(
                        "category", "known", "at_risk", "population", "ratio", "lower", "upper",
                        "finding",
                    ).iter_rows()
                ],
                [4, 2, 2, 3, 2, 3, 6],
                f"{name}: children open now, with {least} or more indicators, and living in the "
                f"area (distinct children under 18 on {as_at})",
                (0, 6),
            )
        )  # fmt: skip
        parts.append(
            table(
                ["Group", "Population", "Known per 10,000", "95% limits", "At risk per 10,000",
                 "95% limits", "Known against population"],
                [
                    [words(category), *cells[:2], _limits(*cells[2:4]), cells[4],
                     _limits(*cells[5:7]), cells[7]]
                    for category, *cells in rows.select(
                        "category", "population", "known_rate", "known_rate_lower",
                        "known_rate_upper", "at_risk_rate", "at_risk_rate_lower",
                        "at_risk_rate_upper", "against_population",
                    ).iter_rows()
                    if category != NOT_RECORDED
                ],
                [4, 3, 3, 3, 3, 3, 5],
                f"Rates per 10,000 children aged 10 to 17 by {name.lower()}; children whose group "
                "is not recorded are in no rate but that of all",
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
    if _unknown(frame, "episodes"):
        return not_held(ctx, "return_interviews")
    columns = ["quarter", "episodes", "due", "within_72_hours", "late", "none"]
    made = table(
        ["Quarter", "Episodes", "Interviews due", "On time", "Late", "None recorded"],
        frame.select(columns).rows(),
        [3, 2, 2, 2, 2, 2],
        "Missing episodes and return interviews by quarter of the report (episodes, not children). "
        "None recorded: an interview may have been held that nobody recorded",
    )
    if _unknown(frame, "none"):
        return Markdown(f"{made}\n\n{not_held(ctx, 'interviews')}")
    return _noted(made, received(ctx, "return_interviews"))


def screening(ctx: ReportContext) -> Markdown:
    """Coverage of the groups that are to be screened."""
    frame = of(ctx, "screening_coverage")
    if frame.is_empty():
        return Markdown("*The plan names no group that is to be screened routinely.*")
    made = table(
        ["Group", "Children", "Ever screened", "Share of the group"],
        [
            [group, children, screened, _percent(percent)]
            for group, children, screened, percent in frame.select(
                "group", "children", "screened", "percent"
            ).iter_rows()
        ],
        [6, 2, 2, 2],
        "Children of the groups to be screened routinely, whole period (distinct children; a child "
        "may be in several groups)",
    )
    if _unknown(frame, "screened"):
        return Markdown(f"{made}\n\n{not_held(ctx, 'screening')}")
    lacking = [
        group.group
        for group in ctx.settings.screening_groups
        if any(_states(ctx, "dataset", name).keys() - {"held"} for name in group.datasets)
    ]
    if not lacking:
        return made
    return _noted(
        made,
        f"Not every file that was due was received of: {', '.join(lacking)}. There may be "
        "more children than can be told.",
    )


def disruption(ctx: ReportContext) -> Markdown:
    """Actions by quarter."""
    frame = of(ctx, "disruption_outcomes")
    if frame.is_empty():
        return ABSENT
    if _unknown(frame, "count"):
        return not_held(ctx, "disruption_outcomes")
    quarters = sorted(set(frame["quarter"].to_list()))
    cells = {(o, q): n for q, o, n in frame.select("quarter", "outcome", "count").iter_rows()}
    made = table(
        ["Action", *(_short(quarter) for quarter in quarters)],
        [
            [words(outcome), *(cells.get((outcome, q), "") for q in quarters)]
            for outcome in dict.fromkeys(frame["outcome"].to_list())
        ],
        [5, *[2] * len(quarters)],
        "Disruption and outcomes by quarter (actions)",
    )
    return _noted(made, received(ctx, "disruption_outcomes"))


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
    """Code lists used, with the datasets that are read by them."""
    if not ctx.code_lists:
        return Markdown(
            "No list is used: each dataset's codes are mapped in the data collection plan itself."
        )
    return table(
        ["Code list", "Datasets read by it"],
        list(ctx.code_lists.items()),
        [4, 12],
        "Code lists in use",
        (0, 1),
    )


def short_period(ctx: ReportContext) -> bool:
    """Whether the period is too short to show a pattern."""
    period = ctx.settings.period
    end = min(period.end, ctx.settings.as_at)
    months = (end.year - period.start.year) * 12 + end.month - period.start.month + 1
    return months < ctx.settings.gaps.minimum_months
