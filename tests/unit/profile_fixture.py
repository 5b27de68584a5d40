"""A small invented profile whose tables agree with one another, for tests of sharing and reports.

Children are drawn with a seed and counted, so that every sum a reader may rely on holds as it does
in a real pack. `text` is put into every text that comes from agencies.
"""

from datetime import date
from itertools import combinations

import numpy as np
import polars as pl

from profile_pipeline import tables
from profile_pipeline.plan.settings import ProfileSettings

QUARTERS = [f"{y}-{y + 1 - 2000} Q{q}" for y in (2014, 2015) for q in (1, 2, 3, 4)]
INDICATORS = [
    "missing_from_home_or_care",
    "unauthorised_absence",
    "exclusion",
    "domestic_abuse",
    "substance_misuse",
    "gang_association",
    "self_harm",
]
HOSTILE = "<script>alert(1)</script> | *bold* `x` [a](http://evil.example) =1+1 $x$ \\ @cite"


def settings(**changes: object) -> ProfileSettings:
    """Return settings of an invented area."""
    values: dict[str, object] = {
        "title": "Child sexual exploitation problem profile",
        "author": "Partnership analyst",
        "synthetic": True,
        "terms_of_reference": {
            "aim": "To know where children are exploited, by whom, and what is not known.",
            "objectives": ["Count children at risk", "Find whom no agency sees"],
            "methodology": "Problem profiling: collection, matching, analysis, findings.",
            "time_frames": "Each quarter, two years of data.",
            "required_outputs": ["Problem profile", "Intelligence gaps", "Hotspot map"],
            "resources": "One analyst, one machine.",
            "agreed_by": "CSE sub-group",
            "agreed_on": date(2016, 2, 1),
        },
        "area": {"name": "Sandford", "responsible_authority": "Sandford", "region": "West"},
        "period": {"start": date(2014, 4, 1), "end": date(2016, 3, 31)},
        "as_at": date(2016, 3, 31),
        "screening_groups": [
            {"group": "missing from home or care", "datasets": ["police_missing"]}
        ],
    }
    return ProfileSettings.model_validate(values | changes)


def children(seed: int = 1, size: int = 600) -> pl.DataFrame:
    """Return invented children: status by quarter, attributes, indicators."""
    rng = np.random.default_rng(seed)
    first = rng.integers(-4, 8, size)
    level = rng.choice(["at_risk", "significant", "serious"], size, p=[0.72, 0.13, 0.15])
    stays = rng.geometric(0.28, size)
    tracked = rng.random(size) < 0.42
    columns: dict[str, object] = {
        "person": [f"p{i:03d}" for i in range(size)],
        "risk_level": level,
        "sex": rng.choice(["female", "male"], size, p=[0.85, 0.15]),
        "ethnic_group": rng.choice(
            ["White British", "White other", "Mixed", "Asian", "Black", "Other", "not recorded"],
            size,
            p=[0.80, 0.03, 0.05, 0.05, 0.02, 0.01, 0.04],
        ),
        "age_band": rng.choice(tables.AGE_BANDS, size, p=[0.01, 0.04, 0.2, 0.45, 0.3]),
        "looked_after": rng.choice(["yes", "no"], size, p=[0.33, 0.67]),
        "referral_source": rng.choice(
            ["social care", "police", "education", "health", "voluntary"],
            size,
            p=[0.55, 0.25, 0.14, 0.03, 0.03],
        ),
    }
    for number in range(8):
        columns[f"open{number}"] = tracked & (first <= number) & (number < first + stays)
    for indicator, chance in zip(INDICATORS, (0.5, 0.35, 0.2, 0.2, 0.15, 0.03, 0.1), strict=True):
        columns[indicator] = (rng.random(size) < chance) * rng.geometric(0.5, size)
    columns["known"] = tracked
    return pl.DataFrame(columns)


def profile_tables(seed: int = 1, size: int = 600, text: str = HOSTILE) -> dict[str, pl.DataFrame]:
    """Return every table of the profile, exact, each held to its contract."""
    people = children(seed, size)
    frames = {
        "cohort_by_quarter": _cohort(people),
        "victim_profile": _victims(people),
        **_indicators(people),
        "representation": _representation(people),
        **_events(seed, text),
    }
    return {name: tables.conform(frames[name], table) for name, table in tables.PROFILE.items()}


def _cohort(people: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for number, quarter in enumerate(QUARTERS):
        now = pl.col(f"open{number}")
        before = pl.col(f"open{number - 1}") if number else pl.lit(False)
        for level in (*tables.RISK_LEVELS, tables.TOTAL):
            of = people if level == tables.TOTAL else people.filter(pl.col("risk_level") == level)
            rows.append(
                {
                    "quarter": quarter,
                    "risk_level": level,
                    "children": of.filter(now).height,
                    "opened": of.filter(now & ~before).height,
                    "closed": of.filter(before & ~now).height,
                    "carried_over": of.filter(now & before).height,
                }
            )
    return pl.DataFrame(rows)


def dimension_rows(
    quarter: str, dimension: str, values: list[str], categories: tuple[str, ...], count: str
) -> list[dict[str, object]]:
    """Return the rows of one dimension in one quarter, with shares as the contract defines them."""
    unknown = values.count(tables.NOT_RECORDED)
    recorded = len(values) - unknown
    rows = []
    for category in (*categories, tables.NOT_RECORDED, tables.TOTAL):
        number = len(values) if category == tables.TOTAL else values.count(category)
        share = 100 * number / recorded if recorded and category in categories else None
        rows.append(
            {
                "quarter": quarter,
                "dimension": dimension,
                "category": category,
                count: number,
                "percent": share,
                "not_recorded_percent": 100 * unknown / len(values) if values else None,
            }
        )
    return rows


DIMENSIONS = {
    "sex": tables.SEXES,
    "age_band": tables.AGE_BANDS,
    "ethnic_group": tables.ETHNIC_GROUPS,
    "looked_after": tables.YES_NO,
    "referral_source": ("social care", "police", "education", "health", "voluntary"),
}


def _victims(people: pl.DataFrame) -> pl.DataFrame:
    rows = [
        row
        for number, quarter in enumerate(QUARTERS)
        for dimension, categories in DIMENSIONS.items()
        for row in dimension_rows(
            quarter,
            dimension,
            people.filter(pl.col(f"open{number}"))[dimension].to_list(),
            categories,
            "children",
        )
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _indicators(people: pl.DataFrame) -> dict[str, pl.DataFrame]:
    held = people.with_columns(
        pl.sum_horizontal(pl.col(name) > 0 for name in INDICATORS).alias("number")
    )
    prevalence = [
        {
            "indicator": name,
            "children": people.filter(pl.col(name) > 0).height,
            "events": int(people[name].sum()),
            "repeat_children": people.filter(pl.col(name) > 1).height,
            "sources": "police_missing",
        }
        for name in INDICATORS
    ]
    overlap = [
        {
            "indicator_a": a,
            "indicator_b": b,
            "children": people.filter((pl.col(a) > 0) & (pl.col(b) > 0)).height,
        }
        for a, b in combinations(sorted(INDICATORS), 2)
    ]
    distribution = [
        {
            "indicators": number,
            "children": held.filter(pl.col("number") == number).height,
            "known_to_cse": held.filter((pl.col("number") == number) & pl.col("known")).height,
            "at_risk_now": held.filter((pl.col("number") == number) & pl.col("open7")).height,
        }
        for number in range(len(INDICATORS) + 1)
    ]
    return {
        "indicator_prevalence": pl.DataFrame(prevalence),
        "indicator_overlap": pl.DataFrame(overlap),
        "overlap_distribution": pl.DataFrame(distribution),
    }


def _representation(people: pl.DataFrame) -> pl.DataFrame:
    held = people.with_columns(
        (pl.sum_horizontal(pl.col(name) > 0 for name in INDICATORS) >= 3).alias("risk")
    )
    known_all, risk_all = held["open7"].sum(), held["risk"].sum()
    rows = []
    for dimension in ("sex", "ethnic_group"):
        for category in (*DIMENSIONS[dimension], tables.NOT_RECORDED):
            of = held.filter(pl.col(dimension) == category)
            known, risk = int(of["open7"].sum()), int(of["risk"].sum())
            ratio = (known / known_all) / (risk / risk_all) if risk and known_all else None
            under = ratio is not None and ratio < 0.7
            rows.append(
                {
                    "dimension": dimension,
                    "category": category,
                    "known": known,
                    "at_risk": risk,
                    "population": 1000,
                    "ratio": ratio,
                    "lower": None if ratio is None else ratio * 0.8,
                    "upper": None if ratio is None else ratio * 1.25,
                    "finding": "possible under-identification" if under else "no difference shown",
                    "known_rate": 10.0 * known,
                    "known_rate_lower": 8.0 * known,
                    "known_rate_upper": 12.5 * known,
                    "at_risk_rate": 10.0 * risk,
                    "at_risk_rate_lower": 8.0 * risk,
                    "at_risk_rate_upper": 12.5 * risk,
                    "against_population": "no difference beyond chance",
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def _events(seed: int, text: str) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(seed + 100)
    suspects, places, interviews, outcomes, quality = [], [], [], [], []
    for quarter in QUARTERS:
        ages = list(rng.choice([*tables.SUSPECT_AGE_BANDS, tables.NOT_RECORDED], 40))
        suspects += dimension_rows(quarter, "age_band", ages, tables.SUSPECT_AGE_BANDS, "suspects")
        groups = list(rng.choice([*tables.ETHNIC_GROUPS, tables.NOT_RECORDED], 40))
        suspects += dimension_rows(
            quarter, "ethnic_group", groups, tables.ETHNIC_GROUPS, "suspects"
        )
        kinds = ("hotel", "park", "takeaway", "private address", "online")
        where = list(
            rng.choice([*kinds, tables.NOT_RECORDED], 60, p=[0.1, 0.1, 0.2, 0.4, 0.1, 0.1])
        )
        places += dimension_rows(quarter, "place_type", where, kinds, "events")
        timely, late, none = (
            int(rng.integers(low, high)) for low, high in ((60, 90), (10, 30), (2, 40))
        )
        interviews.append(
            {
                "quarter": quarter,
                "episodes": timely + late + none + int(rng.integers(0, 9)),
                "due": timely + late + none,
                "within_72_hours": timely,
                "late": late,
                "none": none,
            }
        )
        for outcome in ("abduction warning notice", "arrest", "charge", "conviction"):
            count = int(rng.integers(0, 12))
            outcomes += [{"quarter": quarter, "outcome": outcome, "count": count}]
        for measure, value in (
            ("rows_received", 400.0),
            ("rows_harmonised", 390.0),
            ("rows_quarantined", 3.0),
            ("rows_duplicate", 7.0),
            ("linked_percent", 97.26),
            ("complete_percent:ethnicity_code", 81.3),
            ("days_late", 2.0),
        ):
            quality.append(
                {
                    "dataset": "police_missing",
                    "agency": "Police",
                    "quarter": quarter,
                    "measure": measure,
                    "value": value,
                }
            )
    hotspots = [
        {
            "hotspot": f"H{number}",
            "wards": wards,
            "count_band": band,
            "status": status,
            "when": "2015-16 Q3, 2015-16 Q4",
            "kinds_of_place": "takeaway, park",
            "layers": "children's home, drug hotspot",
        }
        for number, wards, band, status in (
            (1, "Castle, Priory", "20-29", "persistent"),
            (2, "Riverside", "5-9", "new"),
        )
    ]
    gaps = [
        {
            "gap": "G001",
            "theme": "collection",
            "finding": "Nothing was received from the sexual health service.",
            "evidence": "quality.delivery: {n:8} quarters due, {n:0} received",
            "agency": "Sexual health service",
            "question": "When will the return be sent, and by whom?",
            "due": date(2016, 5, 30),
            "priority": "high",
        },
        {
            "gap": "G002",
            "theme": "victims",
            "finding": "Ethnicity is not recorded for {n:3} of {n:40} children ({pct:3/40}). "
            + text,
            "evidence": "victim_profile: {n:3} not recorded",
            "agency": text,
            "question": "What is the child's self-defined ethnicity?",
            "due": date(2016, 5, 30),
            "priority": "medium",
        },
    ]
    actions = [
        {
            "action": "Agree a quarterly return with the sexual health service.",
            "strand": "protect",
            "lead": "Health",
            "target_date": date(2016, 6, 30),
            "current_position": "No return in {n:8} quarters (G001).",
            "measure": "Return received within 14 days of quarter end.",
            "outcome": "Children seen by health alone are known.",
            "rag": "red",
        }
    ]
    return {
        "suspect_profile": pl.DataFrame(suspects, infer_schema_length=None),
        "location_profile": pl.DataFrame(places, infer_schema_length=None),
        "prevalence_estimate": pl.DataFrame(
            {
                "method": ["none"],
                "observed": [340],
                "estimate": [None],
                "lower": [None],
                "upper": [None],
                "caveat": ["Not estimated: fewer than three independent lists."],
            }
        ),
        "screening_coverage": pl.DataFrame(
            {
                "group": [
                    "missing from home or care",
                    "missing education",
                    "known to youth justice",
                ],
                "children": [310, 204, 57],
                "screened": [83, 21, 3],
                "percent": [100 * 83 / 310, 100 * 21 / 204, 100 * 3 / 57],
            }
        ),
        "return_interviews": pl.DataFrame(interviews),
        "disruption_outcomes": pl.DataFrame(outcomes),
        "information_reports": pl.DataFrame(
            [
                ("editions", "counted", 41),
                ("editions", "left out: consent is not stated", 3),
                ("editions", "left out: it has no handling code", 12),
                ("editions", "all", 56),
                ("grades", "both grades", 50),
                ("grades", "no grade", 6),
                ("grades", "all", 56),
            ],
            schema=tables.PROFILE["information_reports"].polars_schema,
            orient="row",
        ),
        "hotspots": pl.DataFrame(hotspots),
        "intelligence_gaps": pl.DataFrame(gaps),
        "action_plan": pl.DataFrame(actions),
        "data_quality": pl.DataFrame(quality),
    }


def deliveries() -> pl.DataFrame:
    """Return a delivery manifest with what is missing, late and superseded."""
    rows = []
    for quarter in QUARTERS:
        for dataset, agency in (("police_missing", "Police"), ("sexual_health", "Health")):
            here = dataset == "police_missing" and quarter != "2015-16 Q3"
            rows.append(
                {
                    "dataset": dataset,
                    "agency": agency,
                    "quarter": quarter,
                    "file": f"{dataset}/{quarter.replace(' ', '_')}.csv" if here else None,
                    "sha256": "0" * 64 if here else None,
                    "due_on": date(2016, 4, 14),
                    "arrived_on": date(2016, 4, 10) if here else None,
                    "status": "loaded" if here else "missing",
                    "rows": 400 if here else None,
                    "superseded_by": None,
                    "problem": None if here else "nothing arrived",
                    "carries": None,
                }
            )
    return tables.conform(pl.DataFrame(rows, infer_schema_length=None), tables.DELIVERY)


def regional(cohort: pl.DataFrame) -> pl.DataFrame:
    """Return a regional summary that repeats the area's own last quarter."""
    own = dict(
        cohort.filter(pl.col("quarter") == QUARTERS[-1]).select("risk_level", "children").rows()
    )
    rows = [
        ("Sandford", QUARTERS[-1], own["all"], own["at_risk"], own["significant"], own["serious"]),
        ("Weston", QUARTERS[-1], 61, 44, 14, 3),
        ("West region", QUARTERS[-1], 844, 603, 160, 81),
    ]
    return pl.DataFrame(rows, schema=tables.REGIONAL_SUMMARY.polars_schema, orient="row")
