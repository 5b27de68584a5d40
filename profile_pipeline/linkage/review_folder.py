"""What the linkage must not lose: `review/` of the profile folder, read before it and kept after.

`person_registry.csv` (identity hash, person id), `identity.key`, `decisions.csv` (of people),
`shown_identities.csv` (what the reviewers saw), `person_changes.csv` (merges, splits, corrections,
who is gone), `identity_places.csv` (where identities stood, in keyed marks) and the trained models.
All their owner's alone. Filled workbooks of the clerical review are read from here.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from profile_pipeline.linkage import corrections, saved_models
from profile_pipeline.linkage import decisions as clerical
from profile_pipeline.linkage.identities import said
from profile_pipeline.linkage.registry import REGISTRY_SCHEMA
from profile_pipeline.plan.load import Plan
from profile_pipeline.store import write_private

KEY = "identity.key"
REGISTRY = "person_registry.csv"
CHANGES = "person_changes.csv"
SHOWN = "shown_identities.csv"


@dataclass(frozen=True)
class Kept:
    """What the folder holds before a linkage.

    `decided`: every decision, those of filled workbooks among them; columns `decisions.SCHEMA`.
    `key`: the key of the identity hashes.
    `registry`: the registry of person ids; None before the first run.
    `shown`: what the reviewers saw; columns `decisions.SHOWN_SCHEMA`.
    `places`: where identities stood in the last run; columns `corrections.SCHEMA`.
    `models`: the list of the trained models; columns `saved_models.SCHEMA`.
    """

    folder: Path
    decided: pl.DataFrame
    key: bytes
    registry: pl.DataFrame | None
    shown: pl.DataFrame
    places: pl.DataFrame
    models: pl.DataFrame


def read_review(plan: Plan, subjects: pl.DataFrame) -> Kept:
    """Return what the folder holds; of `subjects` (records.subject) a first run makes the key.

    Raises PlanError when a filled workbook or the decisions can't be used.
    """
    folder = review_path(plan)
    found = clerical.read_workbooks(folder)
    return Kept(
        folder=folder,
        decided=clerical.merged(clerical.read_decisions(folder), found),
        key=identity_key(plan, subjects),
        registry=read_registry(plan),
        shown=_read(folder / SHOWN, clerical.SHOWN_SCHEMA),
        places=_read(folder / corrections.FILE, corrections.SCHEMA),
        models=saved_models.read_models(folder),
    )


def review_path(plan: Plan) -> Path:
    """Return the review folder, made if need be, its owner's alone."""
    folder = plan.folder / "review"
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


def identity_key(plan: Plan, subjects: pl.DataFrame) -> bytes:
    """Return the key of the identity hashes, made on the first run and kept.

    It is drawn from the whole of what the first run's records say, in whatever order and files: the
    same records give the same key, and thereby the same person ids, while nobody who lacks them can
    work it out from a name.
    """
    path = review_path(plan) / KEY
    if path.is_file():
        return bytes.fromhex(path.read_text().strip())
    content = hashlib.blake2b(digest_size=32, person=b"identity-key")
    for text in said(subjects).sort():
        content.update(hashlib.blake2b(text.encode(), digest_size=32).digest())
    key = content.digest()
    write_private(path, key.hex().encode())
    return key


def read_registry(plan: Plan) -> pl.DataFrame | None:
    """Return the registry of person ids; None before the first run."""
    path = review_path(plan) / REGISTRY
    return pl.read_csv(path, schema=REGISTRY_SCHEMA) if path.is_file() else None


def keep_persons(
    folder: Path, registry: pl.DataFrame, change: pl.DataFrame, places: pl.DataFrame, as_at: str
) -> None:
    """Keep the persons of a run for the next one.

    Args:
        folder: the review folder.
        registry: the registry of all roles, as it is now.
        change: people.change, noted below those of earlier runs.
        places: where identities stand now, of all roles.
        as_at: day that the profile speaks of, noted with the changes.
    """
    write_private(folder / REGISTRY, registry.sort("identity").write_csv().encode())
    if change.height:
        path = folder / CHANGES
        noted = change.with_columns(as_at=pl.lit(as_at))
        before = path.read_text() if path.is_file() else ""
        write_private(path, (before + noted.write_csv(include_header=not before)).encode())
    write_private(folder / corrections.FILE, places.sort("identity").write_csv().encode())


def keep_decisions(folder: Path, decided: pl.DataFrame, shown: pl.DataFrame) -> None:
    """Keep the decisions, and what the identities shown or decided about hold.

    `shown` may have a row more than once, as it was kept and as it is now.
    """
    if decided.height:
        write_private(folder / clerical.FILE, decided.write_csv().encode())
    every = shown.unique().sort(list(clerical.SHOWN_SCHEMA))
    write_private(folder / SHOWN, every.write_csv().encode())


def keep_models(
    folder: Path,
    models: pl.DataFrame,
    used: Iterable[tuple[str, saved_models.Model, pl.DataFrame]],
) -> None:
    """Keep the models used, and their list: `models` with each one's role, model, identities."""
    for role, model, identities in used:
        write_private(folder / model.file, model.content)
        models = saved_models.listed(models, role, model, identities)
    write_private(folder / saved_models.FILE, models.write_csv().encode())


def _read(path: Path, schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    if not path.is_file():
        return pl.DataFrame(schema=schema)
    return pl.read_csv(path, schema=schema)
