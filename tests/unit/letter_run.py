"""Letters of a small made-up profile, from the files to the documents, without a run."""

import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import docx
import polars as pl
from small_plan import send, small_plan

from assets.quality import letters
from profile_pipeline import tables
from profile_pipeline.analysis.quality import data_quality
from profile_pipeline.analysis.quality_rag import quality_rag
from profile_pipeline.intake.collect import collect_dataset
from profile_pipeline.intake.lines import file_rows
from profile_pipeline.intake.records import subjects_of
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import dataset_names

HEADS = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category"


def report(**cells: str) -> str:
    """Return a line of a missing report, of an invented child unless cells say otherwise."""
    given = {
        "Ref": "R1",
        "Date": "05/05/2015",
        "Name": "EXAMPLE, Anna",
        "DOB": "01/02/2003",
        "Sex": "F",
        "Ethnicity": "White British",
        "Postcode": "AB1 2CD",
        "NHS No": "4000000004",
        "Nominal": "N1",
        "Category": "Missing",
    } | {name.replace("_", " "): value for name, value in cells.items()}
    return ",".join(f'"{given[head]}"' for head in HEADS.split(","))


def gap(agency: str, finding: str, number: int = 1) -> dict[str, str]:
    """Return a gap as an edition prints it."""
    return {
        "gap": f"G{number:03d}",
        "theme": "victims",
        "finding": finding,
        "evidence": "e",
        "agency": agency,
        "question": f"Can {agency} answer?",
        "due": "2016-05-30",
        "priority": "high",
    }


GAPS = [gap("CSE team", "For the tracker's holder."), gap("Smallshire Police", "For police.", 2)]


def written(
    folder: Path, files: Mapping[str, list[str]], gaps: list[dict[str, str]] | None = None
) -> dict[str, bytes]:
    """Return the letters by file name when the police send these lines by quarter."""
    plan = small_plan(folder)
    for quarter, lines in files.items():
        send(folder, f"missing/2015-16_{quarter}.csv", "\n".join([HEADS, *lines]) + "\n")
    asked = pl.DataFrame(GAPS if gaps is None else gaps)
    return dict(letters(frames_of(plan), asked, plan))


def frames_of(
    plan: Plan, before: Mapping[str, pl.DataFrame] | None = None
) -> dict[str, pl.DataFrame]:
    """Return the tables that letters are made of; `before` is what an earlier run received."""
    earlier = before or {}
    kept = {
        d.id: collect_dataset(plan, d, today=date(2016, 4, 30), before=earlier.get(d.id))
        for d in plan.datasets
    }
    parts = list(kept.values())
    fates = [one.fates(one.harmonised.quarantine) for one in parts if one.received.height]
    frames = {
        "quality.delivery": tables.union([p.deliveries for p in parts], tables.DELIVERY),
        "quality.fate": tables.union(fates, tables.FATE),
        "quality.quarantine": pl.concat([p.harmonised.quarantine for p in parts]),
        "quality.repairs": pl.concat([p.harmonised.repairs for p in parts]),
        "quality.duplicate": pl.concat([p.duplicates for p in parts]),
        "quality.heading": pl.concat([p.headings for p in parts]),
        "quality.missing_column": pl.concat([p.missing_columns for p in parts]),
        "quality.unknown_value": pl.concat([p.harmonised.unknown_values for p in parts]),
        "quality.file_row": file_rows(
            tables.union([p.deliveries for p in parts], tables.DELIVERY), plan
        ),
        "records.subject": subjects_of({k: one.harmonised.rows for k, one in kept.items()}),
    }
    quality = data_quality(
        *(frames[f"quality.{n}"] for n in ("fate", "repairs", "delivery", "missing_column")),
        frames["records.subject"],
        tables.empty(tables.RECORD_PERSON),
        dataset_names(plan),
    )
    return frames | {
        "profile.data_quality": quality,
        "analysis.quality_rag": quality_rag(quality, plan.settings.quality),
    }


def tables_of(letter: bytes) -> list[list[list[str]]]:
    """Return a letter's tables as rows of cells."""
    found = docx.Document(io.BytesIO(letter)).tables
    return [[[cell.text for cell in row.cells] for row in table.rows] for table in found]


def text_of(letter: bytes) -> str:
    """Return everything a reader of the letter could see, line by line."""
    document = docx.Document(io.BytesIO(letter))
    lines = [paragraph.text for paragraph in document.paragraphs]
    lines += [" | ".join(row) for table in tables_of(letter) for row in table]
    return "\n".join(lines)
