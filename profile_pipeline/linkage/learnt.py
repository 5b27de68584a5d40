"""What a linkage learns of its data beside the weights of levels, kept with the model.

How frequent names are, which spellings are names of their own, whether a different forename means
another person, and how rarely a source's records stay alone. With these a later run decides about
old records as before, whatever has been added. Names are kept as keyed hashes only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from profile_pipeline.codes.names.load import FORENAME, SURNAME, common

PART = "learnt"  # where it stands in a saved model's JSON
FREQUENCY_OF = {"fore": FORENAME, "fore_first": FORENAME, "sur": SURNAME}
# Identities from which names are counted: in fewer a name is frequent because one person is spoken
# of often, and `codes/names/common.csv` tells which are.
COUNT_FROM = 1500


@dataclass(frozen=True)
class Learnt:
    """What clusters need beside match weights.

    `attested`: forenames that several people bear, so that a near one is not a slip.
    `odds_of_error`: log2 odds that another forename beside one surname, birth and home is an error.
    `alone`: by dataset, the chance that a record has no other of the same person.
    `families`: whether relatives at one home are many (`families.hold_families`).
    """

    attested: frozenset[str] = field(default_factory=frozenset)
    odds_of_error: float = 0.0
    alone: Mapping[str, float] = field(default_factory=dict)
    families: bool = False


def _hashed(words: Iterable[str], key: bytes) -> dict[str, str]:
    salt = hashlib.blake2b(key, digest_size=32).digest()
    return {
        hashlib.blake2b(word.encode(), key=salt, digest_size=8).hexdigest(): word for word in words
    }


def _counted(identities: pl.DataFrame, column: str) -> dict[str, int]:
    """Return how many people bear a name: dates of birth it is given with.

    One person's name written in many records is not a frequent name.
    """
    births = pl.coalesce("dob", "identity").n_unique()
    found = identities.drop_nulls(column).group_by(column).agg(births)
    return dict(found.sort(column).iter_rows())


def save(path: Path, identities: pl.DataFrame, learnt: Learnt, key: bytes) -> None:
    """Add what was learnt to a saved model; frequencies are those of names in `identities`."""
    model = json.loads(path.read_text(encoding="utf-8"))
    counts: dict[str, dict[str, int]] = {}
    totals: dict[str, int] = {}
    for column in FREQUENCY_OF if len(identities) >= COUNT_FROM else ():
        every = _counted(identities, column)
        totals[column] = sum(every.values())
        # A name that one person alone bears needs no entry: it counts as one.
        count_of = {word: count for word, count in every.items() if count > 1}
        counts[column] = {
            code: count_of[word] for code, word in sorted(_hashed(count_of, key).items())
        }
    model[PART] = {
        "counts": counts,
        "totals": totals,
        "attested": sorted(_hashed(learnt.attested, key)),
        "odds_of_error": learnt.odds_of_error,
        "alone": dict(sorted(learnt.alone.items())),
        "families": learnt.families,
    }
    path.write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")


def known(model: Path | None, identities: pl.DataFrame, key: bytes) -> Learnt | None:
    """Return what was saved with a model, for these identities; None where nothing was."""
    saved = _saved(model)
    if saved is None:
        return None
    words = identities["fore_telling"].explode(empty_as_null=True).drop_nulls().unique()
    attested = set(saved["attested"])
    return Learnt(
        frozenset(word for code, word in _hashed(words, key).items() if code in attested),
        saved["odds_of_error"],
        saved["alone"],
        saved.get("families", False),
    )


def frequencies(
    model: Path | None, identities: pl.DataFrame, key: bytes
) -> dict[str, pl.DataFrame]:
    """Return Splink's term frequency tables: `<column>`, `tf_<column>` (share of people).

    As saved with the model; counted among the identities where nothing was. Where there are too few
    to count, those of names that many people share, and of no other.
    """
    saved = _saved(model)
    tables = {}
    for column, kind in FREQUENCY_OF.items():
        few = len(identities) < COUNT_FROM if saved is None else column not in saved["counts"]
        if few:
            share = common(kind)
        elif saved is None:
            share_of = _counted(identities, column)
            total = max(1, sum(share_of.values()))
            share = {word: count / total for word, count in share_of.items()}
        else:
            words = identities[column].drop_nulls().unique().sort()
            counts, total = saved["counts"][column], max(1, saved["totals"][column])
            share = {
                word: counts.get(code, 1) / total for code, word in _hashed(words, key).items()
            }
        tables[column] = pl.DataFrame(
            {column: list(share), f"tf_{column}": list(share.values())},
            schema={column: pl.String, f"tf_{column}": pl.Float64},
        ).sort(column)
    return tables


def _saved(model: Path | None) -> dict[str, Any] | None:
    if model is None:
        return None
    found: dict[str, Any] | None = json.loads(model.read_text(encoding="utf-8")).get(PART)
    return found
