"""Lawful bases: what may be written, what is refused, what the kind of data calls for."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from profile_pipeline.errors import PlanError
from profile_pipeline.plan.collection import Agency
from profile_pipeline.plan.lawful_basis import LawfulBasis, basis_gaps, kinds_of_data
from tests.unit.small_plan import PLAN, dataset, small_plan

POLICE = Agency(id="police", name="Police")
CLINIC = Agency(id="clinic", name="Clinic", sector="health")
SETTLED = """
  power: Children Act 2004 s.10
  article_6: e
  controllers: Council
  dpia: D1
"""


def test_a_sentence_is_the_power_alone() -> None:
    basis = LawfulBasis.model_validate("Children Act 2004 s.10")
    assert str(basis) == "Children Act 2004 s.10"
    assert ("UK GDPR article 6", "not stated") in basis.lines()


STATED = (
    "Children Act 2004 s.10; UK GDPR article 6(1)(c) and (e), Art. 9(2)(g); DPA 2018 Schedule 1"
    " paragraph 18; confidentiality: shared under the safeguarding exception;"
    " controllers: Smallton Council and Smallshire Police; DPIA ref 17/2016"
)


def test_a_sentence_that_states_the_articles_states_them() -> None:
    """An analyst who wrote it all in one line isn't told that it is missing."""
    for given in (STATED, {"power": STATED}):
        basis = LawfulBasis.model_validate(given)
        assert basis.article_6 == ("c legal obligation", "e public task")
        assert basis.article_9 == ("g substantial public interest",)
        assert basis.schedule_1 == "paragraph 18"
        assert basis.controllers == ("Smallton Council", "Smallshire Police")
        assert basis.dpia == "ref 17/2016"
        listed = dataset("subjects: [{forename: A, ethnicity: E}]", lawful_basis=given)
        assert basis_gaps(listed, CLINIC) == []
        assert str(basis) == STATED, "and says each once"


def test_a_sentence_states_no_more_than_it_says() -> None:
    basis = LawfulBasis.model_validate("Crime and Disorder Act 1998 s.115 (a), Part 2, section 6")
    assert (basis.article_6, basis.article_9, basis.part_3) == ((), (), False)
    mixed = LawfulBasis.model_validate({"power": "Article 6(1)(e)", "article_6": "c"})
    assert mixed.article_6 == ("c legal obligation",)


@pytest.mark.parametrize(
    "written", ["e", "e public task", "6(1)(e)", "Article 6(1)(e)", "art. 6(1)(e)", "Public task"]
)
def test_a_point_of_article_6_may_be_written_in_any_usual_way(written: str) -> None:
    basis = LawfulBasis.model_validate({"article_6": written})
    assert basis.article_6 == ("e public task",)


@pytest.mark.parametrize(
    ("article", "written", "meant"),
    [
        ("article_6", "e pubic task", "e public task"),
        ("article_9", "9(2)(h)", "h health or social care"),
        ("article_9", ["g", "c"], "g substantial public interest"),
    ],
)
def test_points_are_kept_with_their_words(article: str, written: str, meant: str) -> None:
    assert getattr(LawfulBasis.model_validate({article: written}), article)[0] == meant


@pytest.mark.parametrize(
    ("article", "written", "hint"),
    [
        ("article_6", "public tsk", "did you mean 'e public task'?"),
        ("article_6", "g substantial public interest", "known: a consent"),
        ("article_9", "k", "known: a explicit consent"),
        (
            "article_9",
            "substantial public intrest",
            "did you mean 'g substantial public interest'?",
        ),
    ],
)
def test_a_point_that_does_not_exist_is_refused_with_a_hint(
    article: str, written: str, hint: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        LawfulBasis.model_validate({article: written})
    assert hint in str(refused.value)


def test_a_wrong_point_is_told_with_its_line_and_dataset(tmp_path: Path) -> None:
    plan = PLAN.replace(
        "lawful_basis: Children Act 2004 s.10", "lawful_basis: {article_6: public tsk}", 1
    )
    with pytest.raises(PlanError) as refused:
        small_plan(tmp_path, plan=plan)
    line = plan.splitlines().index("    lawful_basis: {article_6: public tsk}") + 1
    told = str(refused.value)
    assert f"collection_plan.yaml:{line}" in told
    assert "'missing'" in told
    assert "did you mean 'e public task'?" in told


@pytest.mark.parametrize(
    ("schedule", "number"), [("schedule_1", 38), ("schedule_8", "paragraph 10")]
)
def test_a_schedule_has_only_its_own_paragraphs(schedule: str, number: object) -> None:
    with pytest.raises(ValidationError, match="its conditions are 1 to"):
        LawfulBasis.model_validate({"power": "p", schedule: number})


def test_health_data_calls_for_article_9_its_condition_and_confidentiality() -> None:
    listed = dataset(f"subjects: [{{forename: A}}]\nlawful_basis: {{{_flow(SETTLED)}}}")
    assert kinds_of_data(listed, CLINIC) == ["special category", "health"]
    lacks = "; ".join(basis_gaps(listed, CLINIC))
    assert "article 9" in lacks
    assert "Schedule 1" in lacks
    assert "confidentiality" in lacks
    assert basis_gaps(listed, POLICE) == []


def test_vital_interests_need_no_condition_of_schedule_1_and_public_interest_does() -> None:
    told = {}
    for point in ("c", "g"):
        listed = dataset(
            f"subjects: [{{forename: A, ethnicity: E}}]\n"
            f"lawful_basis: {{{_flow(SETTLED)}, article_9: {point}}}"
        )
        told[point] = basis_gaps(listed, POLICE)
    assert told == {"c": [], "g": ["a Schedule 1 condition"]}


@pytest.mark.parametrize(
    ("basis", "lacks"),
    [
        ("article_6: e", ["article 10 or Part 3 (criminal offence data)"]),
        ("article_6: e, article_10: official authority", []),
        ("part_3: true", []),
    ],
)
def test_persons_posing_risk_are_criminal_offence_data(basis: str, lacks: list[str]) -> None:
    listed = dataset(
        "subjects: [{role: suspect, surname: A}]\n"
        f"lawful_basis: {{power: p, controllers: Police, dpia: D1, {basis}}}"
    )
    assert basis_gaps(listed, POLICE) == lacks


def _flow(block: str) -> str:
    return ", ".join(line.strip() for line in block.strip().splitlines())
