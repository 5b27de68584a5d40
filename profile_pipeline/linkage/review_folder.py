"""What the linkage must not lose: `review/` of the profile folder, and a linkage that uses it.

`person_registry.csv` (identity hash, person id), `identity.key`, `decisions.csv` (clerical decisions)
and `person_changes.csv` (merges and splits). All their owner's alone.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from profile_pipeline import tables
from profile_pipeline.errors import PlanError, Problem
from profile_pipeline.linkage.persons import (
    Linkage,
    assign_person_ids,
    link_children,
    link_suspects,
)
from profile_pipeline.linkage.registry import CHANGE_SCHEMA, REGISTRY_SCHEMA
from profile_pipeline.plan.load import Plan

CHILD_ROLES = ("child",)
DECISIONS = "decisions.csv"


@dataclass(frozen=True)
class Linked:
    """Frames by name (see `assets.people`) and persons by role."""

    frames: dict[str, pl.DataFrame]
    persons_by_role: dict[str, int]


def review_path(plan: Plan) -> Path:
    """Return the review folder, made if need be, its owner's alone."""
    folder = plan.folder / "review"
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


def identity_key(plan: Plan, subjects: pl.DataFrame) -> bytes:
    """Return the key of the identity hashes, made on the first run and kept.

    It is drawn from the whole of the first run's records: the same files give the same key, and
    thereby the same person ids, while nobody who lacks the files can work it out from a name.
    """
    path = review_path(plan) / "identity.key"
    if path.is_file():
        return bytes.fromhex(path.read_text().strip())
    content = subjects.sort(tables.PERSON_RECORD.key).write_json()
    key = hashlib.blake2b(content.encode(), digest_size=32, person=b"identity-key").digest()
    write_private(path, key.hex().encode())
    return key


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, whole or not at all."""
    partial = path.with_name(f".{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)


def read_registry(plan: Plan) -> pl.DataFrame | None:
    """Return the registry of person ids; None before the first run."""
    path = review_path(plan) / "person_registry.csv"
    return pl.read_csv(path, schema=REGISTRY_SCHEMA) if path.is_file() else None


def read_decisions(plan: Plan) -> pl.DataFrame | None:
    """Return the clerical decisions; None when there are none.

    Raises PlanError when the file can't be read as decisions.
    """
    path = review_path(plan) / DECISIONS
    if not path.is_file():
        return None
    needed = {"identity_a", "identity_b", "decision"}
    try:
        decisions = pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError:
        raise PlanError(
            Problem(f"review/{DECISIONS}", "is not a CSV file.", "Restore it.")
        ) from None
    if not needed <= set(decisions.columns):
        lacking = ", ".join(sorted(needed - set(decisions.columns)))
        raise PlanError(Problem(f"review/{DECISIONS}:1", f"lacks the column {lacking}."))
    return decisions


def link_all(subjects: pl.DataFrame, duplicates: pl.DataFrame, plan: Plan) -> Linked:
    """Return every record's person, for children and, apart from them, for suspects.

    Args:
        subjects: records.subject.
        duplicates: quality.duplicate; a row that repeats another speaks of the same persons.
        plan: the plan; its `review/` folder is read and renewed.
    """
    settings = plan.settings.linkage
    key, decisions, registry = (
        identity_key(plan, subjects),
        read_decisions(plan),
        read_registry(plan),
    )
    is_child = pl.col("role").is_in(CHILD_ROLES)
    linkages = [
        link_children(subjects.filter(is_child), settings=settings, key=key, decisions=decisions),
        link_suspects(subjects.filter(~is_child), settings=settings, key=key, decisions=decisions),
    ]
    people, registries, changes = [], [], []
    for linkage in linkages:
        known = _of_role(registry, linkage)
        records, renewed, log = assign_person_ids(linkage, known)
        people.append(records)
        registries.append(renewed)
        changes.append(log)
    record_person = _with_duplicates(pl.concat(people), duplicates)
    change = pl.concat([pl.DataFrame(schema=CHANGE_SCHEMA), *changes])
    _keep(plan, pl.concat(registries), change)
    frames = {
        "record_person": record_person,
        "link": pl.concat([linkage.links for linkage in linkages]),
        "review_queue": pl.concat([linkage.review for linkage in linkages], how="diagonal_relaxed"),
        "oversize": pl.concat([linkage.oversize for linkage in linkages], how="diagonal_relaxed"),
        "unlinkable": pl.concat(
            [linkage.unlinkable for linkage in linkages], how="diagonal_relaxed"
        ),
        "contradiction": pl.concat(
            [linkage.contradictions for linkage in linkages], how="diagonal_relaxed"
        ),
        "change": change,
    }
    counts = {
        linkage.role: records["person_id"].n_unique()
        for linkage, records in zip(linkages, people, strict=True)
    }
    return Linked(frames, counts)


def _of_role(registry: pl.DataFrame | None, linkage: Linkage) -> pl.DataFrame | None:
    if registry is None:
        return None
    prefix = {"child": "C", "suspect": "S"}[linkage.role]
    return registry.filter(pl.col("person_id").str.starts_with(prefix))


def _with_duplicates(records: pl.DataFrame, duplicates: pl.DataFrame) -> pl.DataFrame:
    """Return the records with a row for each that repeats another, as the same person."""
    repeats = duplicates.join(
        records.rename({"row": "kept_row"}), on=("dataset", "file", "kept_row"), how="inner"
    ).with_columns(
        record_id=pl.concat_str(
            "dataset",
            pl.lit(":"),
            "file",
            pl.lit(":"),
            pl.col("row").cast(pl.String),
            pl.lit(":"),
            "role",
        )
    )
    both = pl.concat([records, repeats.select(records.columns)])
    return tables.conform(both, tables.RECORD_PERSON).sort(tables.RECORD_PERSON.key)


def _keep(plan: Plan, registry: pl.DataFrame, change: pl.DataFrame) -> None:
    folder = review_path(plan)
    write_private(folder / "person_registry.csv", registry.sort("identity").write_csv().encode())
    if change.height:
        path = folder / "person_changes.csv"
        noted = change.with_columns(as_at=pl.lit(str(plan.settings.as_at)))
        before = path.read_text() if path.is_file() else ""
        write_private(path, (before + noted.write_csv(include_header=not before)).encode())
