"""Trained models in `review/`: `model_<role>_<version>.json`, hash beside it, used again later.

A model holds chances of levels and how they are compared; names and term frequencies are not in
it (Splink counts those afresh). It is trained again when asked for, when what is compared changes,
or when the identities have more than doubled since.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import polars as pl

from profile_pipeline.errors import PlanError, Problem
from profile_pipeline.linkage.model import TRAIN_FROM, comparisons

FILE = "models.csv"
SCHEMA = {
    "role": pl.String, "version": pl.Int64, "file": pl.String, "sha256": pl.String,
    "definition": pl.String, "identities": pl.Int64,
}  # fmt: skip
GROWN = 2.0
WEIGHT_SCHEMA = {
    "role": pl.String, "comparison": pl.String, "level": pl.String, "m": pl.Float64,
    "u": pl.Float64, "weight": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """A model of `models.csv`: its text, and the file it stands in."""

    version: int
    file: str
    sha256: str
    content: bytes


def definition(identities: pl.DataFrame) -> str:
    """Return a hash of what is compared, level by level, and of Splink's version."""
    told = [
        (name, [(level.label, level.sql) for level in levels])
        for name, levels in comparisons(identities).items()
    ]
    return hashlib.sha256(json.dumps([version("splink"), told]).encode()).hexdigest()[:16]


def read_models(folder: Path) -> pl.DataFrame:
    """Return `models.csv` of the folder; empty when there is none."""
    path = folder / FILE
    return pl.read_csv(path, schema=SCHEMA) if path.is_file() else pl.DataFrame(schema=SCHEMA)


def usable(folder: Path, role: str, identities: pl.DataFrame) -> Path | None:
    """Return the role's latest model where it fits these identities; None to train afresh.

    Raises PlanError when the file is gone or is not what was saved.
    """
    known = read_models(folder).filter(pl.col("role") == role).sort("version")
    if known.is_empty():
        return None
    last = known.row(-1, named=True)
    least, most = sorted((last["identities"], len(identities)))
    learnt = (last["identities"] >= TRAIN_FROM) == (len(identities) >= TRAIN_FROM)
    if last["definition"] != definition(identities) or most > GROWN * max(1, least) or not learnt:
        return None
    path = folder / str(last["file"])
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != last["sha256"]:
        raise PlanError(
            Problem(
                f"review/{last['file']}",
                "is not the model that was saved.",
                "Restore it, or set `linkage: {retrain: true}` in profile.yaml for one run.",
            )
        )
    return path


def stable(text: str) -> bytes:
    """Return a model's JSON without what differs from run to run."""
    parameters = json.loads(text)
    parameters["linker_uid"] = "linkage"
    return (json.dumps(parameters, indent=1) + "\n").encode()


def entered(models: pl.DataFrame, role: str, content: bytes, identities: pl.DataFrame) -> Model:
    """Return a model's place in the list: the next version, or the last if it is that one."""
    digest = hashlib.sha256(content).hexdigest()
    own = models.filter(pl.col("role") == role).sort("version")
    if own.height and own["sha256"][-1] == digest:
        return Model(own["version"][-1], own["file"][-1], digest, content)
    number = int(own["version"][-1]) + 1 if own.height else 1
    return Model(number, f"model_{role}_{number}.json", digest, content)


def listed(models: pl.DataFrame, role: str, model: Model, identities: pl.DataFrame) -> pl.DataFrame:
    """Return the list with the model in it."""
    row = (
        role, model.version, model.file, model.sha256, definition(identities), len(identities),
    )  # fmt: skip
    others = models.filter((pl.col("role") != role) | (pl.col("version") != model.version))
    both = pl.concat([others, pl.DataFrame([row], schema=SCHEMA, orient="row")])
    return both.sort("role", "version")


def match_weights(role: str, model: bytes) -> pl.DataFrame:
    """Return the levels of a model with their weight (log2 of m over u), columns WEIGHT_SCHEMA."""
    parameters = json.loads(model)
    match = parameters["probability_two_random_records_match"]
    prior = round(math.log2(match / (1 - match)), 2)
    rows: list[tuple[object, ...]] = [
        (role, "prior", "chance that any two identities are one person", None, None, prior)
    ]
    for comparison in parameters["comparisons"]:
        for level in comparison["comparison_levels"]:
            if level.get("is_null_level") or "m_probability" not in level:
                continue
            m, u = level["m_probability"], level["u_probability"]
            label = level["label_for_charts"]
            weight = round(math.log2(m / u), 2)
            rows.append((role, comparison["output_column_name"], label, m, u, weight))
    return pl.DataFrame(rows, schema=WEIGHT_SCHEMA, orient="row")


def weights_table(weights: pl.DataFrame) -> str:
    """Return match weights as a Markdown table with a bar for each level; no name is in it."""
    head = ["| who | compared | level | weight | |", "|:--|:--|:--|--:|:--|"]
    return "\n".join([*head, *_lines(weights.iter_rows(named=True))])


def _lines(rows: Iterable[dict[str, object]]) -> list[str]:
    return [
        f"| {row['role']} | {row['comparison']} | {row['level']} | {row['weight']:+.1f} | "
        f"{bar(float(str(row['weight'])))} |"
        for row in rows
    ]


def bar(weight: float, unit: float = 1.0, widest: int = 24) -> str:
    """Return a bar of a weight: full blocks speak for, light ones against."""
    length = min(widest, round(abs(weight) / unit))
    return ("█" if weight > 0 else "░") * length
