"""The profile's tables, exact, for the analyst; what leaves the desk is made in dissemination."""

import dagster as dg
import polars as pl

from assets.tables import Frames, Make, Recipe, asset_of
from profile_pipeline import tables
from profile_pipeline.analysis import (
    actions,
    cohort,
    findings,
    gap_numbers,
    gaps,
    handling,
    locations,
    outcomes,
    overlap,
    prevalence,
    quality,
    representation,
    return_interviews,
    screening,
    suspects,
    unknown,
)
from profile_pipeline.analysis.counting import quarters_ended, without_rows
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import dataset_names, datasets_with, indicator_names

T = tables.PROFILE
KEY_FINDINGS = tables.KEY_FINDINGS
APART = "quality.fate"
HELD = "quality.holding"
# An agency answers a gap by the number that its letter prints: the analyst's table has the same.
EDITION_GAPS = "edition.intelligence_gaps"

# What the rules of gaps, findings and actions may look at.
EVIDENCE = tuple(
    f"{table.schema}.{table.name}"
    for table in (
        tables.DELIVERY,
        tables.CONTEXT_DELIVERY,
        tables.MISSING_COLUMN,
        tables.HOLDING,
        tables.UNKNOWN_VALUE,
        tables.EXPECTATION,
        tables.QUARANTINE,
        tables.REPAIRS,
        tables.FATE,
        tables.PERSON_RECORD,
        tables.INDICATOR_EVENT,
        *tables.MEASURES.values(),
        tables.RECORD_PERSON,
        tables.LINK,
        tables.PERSON,
        tables.PERSON_OVERLAP,
        tables.OPEN_CHILD,
        tables.REFERRAL_SOURCE,
        tables.POPULATION,
        tables.REGIONAL_SUMMARY,
        tables.WARD,
        tables.PLACE,
        tables.OFFENDING_LOCATION,
        tables.GEO_HOTSPOTS,
        tables.HOME_PROXIMITY,
        tables.PREMISES_REPORTS,
        tables.UNLINKABLE_SHARE,
        tables.LINKAGE_ACCURACY,
        tables.DECISION,
        tables.POSSIBLE_SAME_PERSON,
        tables.SUSPECT_CROSS_ROLE,
    )
)
EXACT = tuple(
    f"profile.{name}" for name in T if name not in ("hotspots", "intelligence_gaps", "action_plan")
)


def _counted(frames: Frames, name: str) -> pl.DataFrame:
    """Return a measure's rows without those kept apart: visible, never counted as the area's."""
    apart = frames[APART].filter(pl.col("fate") == "kept_apart")
    return without_rows(frames[name], apart)


def evidence_of(frames: Frames, plan: Plan) -> Evidence:
    """Return all that gaps, findings and actions rest on."""
    return Evidence(frames, plan.settings, dataset_names(plan), indicator_names(plan))


def _profile(name: str, needs: list[str], make: Make) -> Recipe:
    """Return how a table is made; figures of which nothing is held are unknown, not nought."""
    blank = unknown.TABLES.get(name)
    if blank is None:
        return Recipe(T[name], needs, make)
    return Recipe(
        T[name],
        [*needs, HELD],
        lambda frames, plan: tables.conform(
            blank(make(frames, plan), frames[HELD], plan.settings), T[name]
        ),
    )


def profile_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """Return the assets of the step profile."""
    del plan
    return [asset_of(recipe) for recipe in profile_recipes()]


def profile_recipes() -> list[Recipe]:
    """Return how the profile's tables are made."""
    return [
        _profile(
            "cohort_by_quarter",
            ["analysis.open_child", "records.cse_tracker"],
            lambda f, p: cohort.cohort_by_quarter(
                f["analysis.open_child"],
                f["records.cse_tracker"],
                p.settings,
                quarters_ended(p.settings),
            ),
        ),
        _profile(
            "victim_profile",
            ["analysis.open_child", "records.cse_tracker", "geo.ward"],
            lambda f, p: cohort.victim_profile(
                f["analysis.open_child"],
                f["records.cse_tracker"],
                f["geo.ward"],
                p.settings,
                quarters_ended(p.settings),
            ),
        ),
        _profile(
            "suspect_profile",
            ["records.subject", "people.record_person", "people.person", "records.offence"],
            lambda f, p: suspects.suspect_profile(
                f["records.subject"],
                f["people.record_person"],
                f["people.person"],
                f["records.offence"],
                p.settings,
            ),
        ),
        _profile(
            "location_profile",
            ["geo.offending_location", "records.missing_episode", "geo.ward", APART],
            lambda f, p: locations.location_profile(
                f["geo.offending_location"],
                _counted(f, "records.missing_episode"),
                f["geo.ward"],
                p.settings,
            ),
        ),
        _profile(
            "indicator_prevalence",
            ["people.person_overlap", "people.person_indicators"],
            lambda f, p: overlap.indicator_prevalence(
                f["people.person_overlap"], f["people.person_indicators"], indicator_names(p)
            ),
        ),
        _profile(
            "indicator_overlap",
            ["people.person_overlap", "people.person_indicators"],
            lambda f, p: overlap.indicator_overlap(
                f["people.person_overlap"], f["people.person_indicators"], indicator_names(p)
            ),
        ),
        _profile(
            "overlap_distribution",
            ["people.person_overlap"],
            lambda f, _: overlap.overlap_distribution(f["people.person_overlap"]),
        ),
        _profile(
            "prevalence_estimate",
            ["people.person_overlap"],
            lambda f, _: prevalence.prevalence_estimate(
                f["people.person_overlap"]
                .filter(pl.col("known_to_cse") | (pl.col("status") == "harmed"))
                .select("person_id")
            ),
        ),
        _profile(
            "representation",
            ["people.person_overlap", "people.person", "analysis.population", "geo.ward"],
            lambda f, p: representation.representation(
                f["people.person_overlap"],
                f["people.person"],
                f["analysis.population"],
                f["geo.ward"],
                p.settings,
            ),
        ),
        _profile(
            "screening_coverage",
            ["records.subject", "people.record_person", "people.person", "records.cse_tracker"],
            lambda f, p: screening.screening_coverage(
                f["records.subject"],
                f["people.record_person"],
                f["people.person"],
                f["records.cse_tracker"],
                p.settings,
            ),
        ),
        _profile(
            "return_interviews",
            ["records.missing_episode", APART],
            lambda f, p: return_interviews.return_interviews(
                _counted(f, "records.missing_episode"),
                p.settings,
                datasets_with(p, "missing_episode", "interview_at"),
            ),
        ),
        _profile(
            "disruption_outcomes",
            ["records.disruption"],
            lambda f, p: outcomes.disruption_outcomes(f["records.disruption"], p.settings),
        ),
        _profile(
            "data_quality",
            [
                "quality.fate",
                "quality.repairs",
                "quality.delivery",
                "quality.missing_column",
                "records.subject",
                "people.record_person",
                "quality.expectation",
            ],
            lambda f, p: quality.data_quality(
                f["quality.fate"],
                f["quality.repairs"],
                f["quality.delivery"],
                f["quality.missing_column"],
                f["records.subject"],
                f["people.record_person"],
                dataset_names(p),
                collected_fields(p),
                f["quality.expectation"],
                p.settings.quality,
            ),
        ),
        _profile(
            "information_reports",
            ["records.information_report"],
            lambda f, p: handling.information_reports(f["records.information_report"], p.settings),
        ),
        _profile("hotspots", ["geo.hotspots"], _hotspots),
        *(_wording(table) for table in tables.WORDING.values()),
        *(_written(table) for table in (T["intelligence_gaps"], T["action_plan"], KEY_FINDINGS)),
    ]


WORDINGS = {
    "intelligence_gaps": gaps.intelligence_gaps,
    "action_plan": actions.action_plan,
    "key_findings": findings.key_findings,
}


def _wording(table: tables.Table) -> Recipe:
    """Return the recipe of a table of texts, figures as marks."""

    def draw(frames: Frames, plan: Plan) -> pl.DataFrame:
        return WORDINGS[table.name](evidence_of(frames, plan))

    return Recipe(table, [*EVIDENCE, *EXACT], draw)


def _written(table: tables.Table) -> Recipe:
    """Return the recipe of a table of texts with its figures, exact."""
    numbering = [EDITION_GAPS] if table.name == "intelligence_gaps" else []

    def write(frames: Frames, plan: Plan) -> pl.DataFrame:
        from profile_pipeline.sharing.disclosure import exact_texts

        figures = {name.removeprefix("profile."): frames[name] for name in EXACT}
        wording = frames[f"wording.{table.name}"]
        if table.name == "intelligence_gaps":
            wording = gap_numbers.numbered_alike(wording, frames[EDITION_GAPS])
        return exact_texts(table.name, {**figures, table.name: wording})

    return Recipe(table, [f"wording.{table.name}", *EXACT, *numbering], write)


def _hotspots(frames: Frames, plan: Plan) -> pl.DataFrame:
    from geo.hotspots import publish_hotspots

    return publish_hotspots(frames["geo.hotspots"], plan.settings.editions.sub_group)


def collected_fields(plan: Plan) -> pl.DataFrame:
    """Return `dataset, field`: the fields of a child that each dataset is asked for."""
    contract = {
        "forename": ("forename", "name"),
        "surname": ("surname", "name"),
        "date_of_birth": ("date_of_birth",),
        "age_years": ("age", "date_of_birth"),
        "sex": ("sex",),
        "ethnicity_code": ("ethnicity",),
        "disability": ("disability",),
        "postcode": ("postcode",),
        "nhs_number": ("nhs_number",),
        "upn": ("upn",),
    }
    rows = [
        (dataset.id, field)
        for dataset in plan.datasets
        for subject in dataset.subjects
        if subject.role == "child"
        for field, sources in contract.items()
        if any(getattr(subject, source) is not None for source in sources)
    ]
    return pl.DataFrame(rows, schema={"dataset": pl.String, "field": pl.String}, orient="row")
