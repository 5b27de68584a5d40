"""Data quality: lineage, red amber green, inspectors' faults, a letter for each agency, a workbook.

Letters leave the analyst's desk: their tables hold no cell of any row, and their questions are
those of the sub-group's edition. The workbook is the analyst's alone.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
import polars as pl

from assets.dissemination import SUB_GROUP
from assets.profile import evidence_of
from assets.resources import Profile
from assets.tables import OWNERS, by_name, inputs, table_asset
from profile_pipeline import tables
from profile_pipeline.analysis import quality_letters, quality_warnings
from profile_pipeline.analysis.quality_rag import quality_rag
from profile_pipeline.intake.lineage import lineage
from profile_pipeline.intake.lines import file_rows
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import dataset_names
from profile_pipeline.plan.requirement import secure_route, template_of
from profile_pipeline.store import write_private

QUALITY = (
    "quality.delivery",
    "quality.fate",
    "quality.quarantine",
    "quality.repairs",
    "quality.duplicate",
    "quality.heading",
    "quality.missing_column",
    "quality.unknown_value",
    "quality.expectation",
    "quality.file_row",
    "profile.data_quality",
    "analysis.quality_rag",
)
SAFE_GAPS = f"{SUB_GROUP}.intelligence_gaps"
LETTER_NEEDS = (*QUALITY, "records.subject", SAFE_GAPS)
WARNING_NEEDS = (
    "quality.delivery",
    "profile.data_quality",
    "records.cse_tracker",
    "analysis.quality_rag",
)


def identity_columns(plan: Plan) -> list[tuple[str, str]]:
    """Return `(dataset, column)` of every column that says who a person is or where they live."""
    found = []
    for dataset in plan.datasets:
        for subject in dataset.subjects:
            where = (subject.postcode, *subject.other_postcodes, *subject.address, subject.vehicle)
            where = (*where, *(subject.born.sources() if subject.born else ()))
            names = [*subject.identity_columns(), *(s.column for s in where if s is not None)]
            found += [(dataset.id, column) for column in names]
        if dataset.reference is not None:
            found.append((dataset.id, dataset.reference.column))
    return list(dict.fromkeys(found))


def roles_of(plan: Plan) -> dict[str, set[str]]:
    """Return who holds a role that a gap may be addressed to, by what the plan collects of whom."""
    by_measure = {"CSE team": {"cse_tracker"}, "Police": {"offence", "missing_episode"}}
    return {
        role: {
            plan.agency_name(dataset.id)
            for dataset in plan.datasets
            if any(event.measure in measures for event in dataset.events)
        }
        for role, measures in by_measure.items()
    }


def agreed_headings(heading: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return `dataset, column, heading` that are as agreed, though the plan's column differs.

    A filled template has the template's headings, a statutory return those of its own layout.
    """
    templates = [
        (dataset.id, column, own)
        for dataset in plan.datasets
        if (template := template_of(dataset)) is not None
        for column, own in template.renamed.items()
    ]
    returns = [dataset.id for dataset in plan.datasets if dataset.standard is not None]
    names = ("dataset", "column", "heading")
    return pl.concat(
        [
            pl.DataFrame(templates, schema=dict.fromkeys(names, pl.String), orient="row"),
            heading.filter(pl.col("dataset").is_in(returns)).select(names),
        ]
    ).unique(maintain_order=True)


def letters(
    frames: dict[str, pl.DataFrame], gaps: pl.DataFrame, plan: Plan
) -> Iterator[tuple[str, bytes]]:
    """Return the file name and the DOCX of the letter to each agency that supplies a dataset.

    Args:
        frames: tables of QUALITY and `records.subject`, exact.
        gaps: intelligence gaps as the sub-group's edition prints them, every column text.
        plan: the plan.
    """
    from reports.letter import LetterHead, agency_letter

    settings = plan.settings
    datasets, identity = dataset_names(plan), identity_columns(plan)
    agreed = agreed_headings(frames["quality.heading"], plan)
    roles = roles_of(plan)
    for agency in plan.collection.agencies:
        if agency.name not in set(datasets["agency"]):
            continue
        made = quality_letters.letter_tables(
            frames,
            datasets,
            agency.name,
            agreed=agreed,
            identity=identity,
            gaps=quality_letters.addressed_to(gaps, agency.name, roles),
        )
        head = LetterHead(
            agency=agency.name,
            lead=agency.lead,
            route=secure_route(agency, [d for d in plan.datasets if d.agency == agency.id]),
            partnership=f"{settings.area.name} safeguarding partnership",
            author=settings.author,
            title=settings.title,
            period=f"{_day(settings.period.start)} to {_day(settings.period.end)}",
            as_at=settings.as_at,
            answer_by=settings.as_at + timedelta(days=settings.gaps.days_to_answer),
            marking=settings.protective_marking,
            synthetic=settings.synthetic,
        )
        yield f"{agency.id}.docx", agency_letter(head, made)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


@dg.asset(
    key=["dissemination", "agency_letters"],
    ins=inputs(LETTER_NEEDS),
    group_name="dissemination",
    description="One letter for each agency: what came, what could not be used, what is asked.",
    kinds={"word"},
    owners=OWNERS,
)
def agency_letters(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/restricted/letters/<agency>.docx."""
    named, plan = by_name(frames), profile.plan
    folder = profile.output("restricted") / "letters"
    folder.mkdir(exist_ok=True, mode=0o700)
    written = 0
    for name, content in letters(named, named[SAFE_GAPS], plan):
        write_private(folder / name, content)
        written += 1
    return dg.MaterializeResult(
        metadata={"folder": dg.MetadataValue.path(str(folder)), "letters": written}
    )


@dg.asset(
    key=["dissemination", "data_quality_workbook"],
    ins=inputs(QUALITY),
    group_name="dissemination",
    description="For the analyst alone: deliveries, fates, RAG, repairs, unknown values.",
    kinds={"excel"},
    owners=OWNERS,
)
def data_quality_workbook(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/restricted/data_quality.xlsx."""
    from reports.quality import quality_workbook

    content = quality_workbook(by_name(frames))
    path = profile.output("restricted") / "data_quality.xlsx"
    write_private(path, content)
    return dg.MaterializeResult(
        metadata={"file": dg.MetadataValue.path(str(path)), "bytes": len(content)}
    )


def quality_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """Return the assets of lineage, RAG, warnings, letters and the workbook."""
    del plan
    return [
        table_asset(
            tables.LINEAGE, ["quality.heading"], lambda f, p: lineage(f["quality.heading"], p)
        ),
        table_asset(
            tables.FILE_ROWS,
            ["quality.delivery"],
            lambda f, p: file_rows(f["quality.delivery"], p),
        ),
        table_asset(
            tables.QUALITY_RAG,
            ["profile.data_quality"],
            lambda f, p: quality_rag(f["profile.data_quality"], p.settings.quality),
        ),
        table_asset(
            tables.QUALITY_WARNING,
            WARNING_NEEDS,
            lambda f, p: quality_warnings.quality_warnings(evidence_of(f, p)),
        ),
        agency_letters,
        data_quality_workbook,
    ]
