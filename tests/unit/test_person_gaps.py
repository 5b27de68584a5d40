"""Gaps of who is who: harmed and listed nowhere, suspects in doubt, suspects who are children."""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.analysis.children_gaps import harmed_not_known
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.linkage_gaps import decisions_not_applied
from profile_pipeline.analysis.suspect_gaps import suspects_in_doubt, suspects_under_18

NAMES = pl.DataFrame(schema={"dataset": pl.String, "agency": pl.String, "title": pl.String})


def evidence(**frames: list[dict[str, object]]) -> Evidence:
    of = {
        "person_overlap": tables.PERSON_OVERLAP,
        "person": tables.PERSON,
        "possible_same_person": tables.POSSIBLE_SAME_PERSON,
        "suspect_cross_role": tables.SUSPECT_CROSS_ROLE,
        "decision": tables.DECISION,
    }
    made = {
        f"people.{name}": pl.DataFrame(rows, schema=of[name].polars_schema)
        for name, rows in frames.items()
    }
    return Evidence(made, None, NAMES, NAMES)  # type: ignore[arg-type]


def child(person: str, status: str | None, known: bool | None) -> dict[str, object]:
    return {"person_id": person, "status": status, "known_to_cse": known}


def test_harmed_children_the_team_has_never_listed_are_a_gap_with_a_question_who_looks() -> None:
    rows = [child(f"C{n}", "harmed", n >= 7) for n in range(9)]
    rows.append(child("C9", "indicators_only", False))
    found = harmed_not_known(evidence(person_overlap=rows)).row(0, named=True)
    assert found["finding"].startswith("{n:7} children recorded as harmed")
    assert found["question"].startswith("Who looks at each of these children")
    assert found["priority"] == "high"


def test_where_every_harmed_child_is_listed_there_is_no_gap() -> None:
    assert harmed_not_known(evidence(person_overlap=[child("C1", "harmed", True)])).is_empty()
    assert harmed_not_known(evidence()).is_empty()


def test_without_a_tracker_no_harmed_child_is_said_to_be_missing_from_it() -> None:
    rows = [child("C1", "harmed", None), child("C2", None, None)]
    assert harmed_not_known(evidence(person_overlap=rows)).is_empty()


def suspects(*numbers: int) -> list[dict[str, object]]:
    return [{"person_id": f"S{n}", "role": "suspect"} for n in numbers]


def test_suspects_of_restricted_reports_alone_are_in_no_count_of_an_edition() -> None:
    pairs = [{"person_a": "S1", "person_b": "S2"}, {"person_a": "S3", "person_b": "S4"}]
    young = [{"person_id": f"S{n}", "under_18": "yes"} for n in (1, 4)]
    held = evidence(possible_same_person=pairs, suspect_cross_role=young, person=suspects(1, 2, 3))
    assert suspects_in_doubt(held)["finding"].item().startswith("{n:2} of {n:3} suspects")
    assert suspects_under_18(held)["finding"].item().startswith("{n:1} suspects were under 18")


def test_suspects_in_doubt_are_counted_once_however_many_pairs_they_are_in() -> None:
    pairs = [{"person_a": "S1", "person_b": "S2"}, {"person_a": "S1", "person_b": "S3"}]
    persons = [*suspects(*range(1, 9)), {"person_id": "C1", "role": "child"}]
    found = suspects_in_doubt(evidence(possible_same_person=pairs, person=persons))
    assert found["finding"].item().startswith("{n:3} of {n:8} suspects may be the same person")


def test_suspects_under_18_and_those_who_are_also_a_harmed_child_are_counted_apart() -> None:
    rows: list[dict[str, object]] = [
        {"person_id": "S1", "under_18": "yes"},
        # Twins fit: one suspect, two rows.
        *(
            {"person_id": "S2", "under_18": "yes", "child_person_id": c, "harmed": "yes"}
            for c in ("C1", "C2")
        ),
        {"person_id": "S3", "under_18": "no", "child_person_id": "C3", "harmed": "no"},
    ]
    held = evidence(suspect_cross_role=rows, person=suspects(1, 2, 3))
    found = suspects_under_18(held).row(0, named=True)
    assert found["finding"].startswith(
        "{n:2} suspects were under 18; {n:2} may themselves be a child whom agencies record, {n:1}"
    )
    assert found["priority"] == "high"
    assert suspects_under_18(evidence()).is_empty()


def test_decisions_that_contradict_are_a_gap_until_someone_decides_again() -> None:
    pair = {"identity_a": "a", "identity_b": "b", "who": "A", "decided_on": "2016-04-20"}
    rows = [
        pair | {"decision": "same", "state": "contradicts another decision", "applied_a": "a"},
        # The same decision, applied to two identities of today.
        pair | {"decision": "same", "state": "contradicts another decision", "applied_a": "c"},
        pair | {"decision": "different", "state": "contradicts another decision"},
        pair | {"decision": "can't tell", "state": "counts"},
    ]
    found = decisions_not_applied(evidence(decision=rows)).row(0, named=True)
    assert found["finding"].startswith("{n:2} clerical decisions")
    assert found["priority"] == "high"
    assert decisions_not_applied(evidence(decision=rows[3:])).is_empty()
