"""The profile folder's own files: what is accepted, and what an analyst who errs is told."""

from datetime import date
from pathlib import Path

import pytest

from profile_pipeline.codes.lookup import list_names
from profile_pipeline.errors import PlanError
from profile_pipeline.plan.load import load_plan, read_plan
from profile_pipeline.plan.names import code_list_notes, coverage
from tests.unit.small_plan import PLAN, PROFILE, small_plan, write_folder


def told(folder: Path, *, profile: str = PROFILE, plan: str = PLAN) -> list[str]:
    """Return the lines an analyst is told; no line means that the plan was accepted."""
    write_folder(folder, profile=profile, plan=plan)
    try:
        load_plan(folder)
    except PlanError as error:
        return [str(problem) for problem in error.problems]
    return []


def line(text: str, part: str, nth: int = 1) -> int:
    """Return the number of the nth line that holds the part."""
    return [n for n, each in enumerate(text.splitlines(), 1) if part in each][nth - 1]


def changed(old: str, new: str, text: str = PLAN) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_a_good_folder_is_accepted_with_its_quarters(tmp_path: Path) -> None:
    plan = small_plan(tmp_path)
    assert plan.quarters == ["2015-16 Q1", "2015-16 Q2", "2015-16 Q3", "2015-16 Q4"]
    assert plan.agency_name("missing") == "Smallshire Police"


def test_quarters_end_at_the_as_at_date(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, profile=changed("as_at: 2016-03-31", "as_at: 2015-09-30", PROFILE))
    assert plan.quarters == ["2015-16 Q1", "2015-16 Q2"]


def test_an_unknown_key_is_answered_with_line_and_nearest(tmp_path: Path) -> None:
    plan = changed("date_of_birth: {column: DOB", "date_of_brith: {column: DOB")
    (only,) = told(tmp_path, plan=plan)
    where = f"collection_plan.yaml:{line(plan, 'date_of_brith')}: "
    assert only.startswith(where)
    assert "'missing'" in only
    assert only.endswith("'date_of_brith' is not a known key. Did you mean 'date_of_birth'?")


def test_problems_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    profile = changed("as_at: 2016-03-31", "as_at: yesterday", PROFILE)
    profile = changed("  aim: To know what is not known.\n", "", profile)
    plan = changed("    why: A strong sign.\n", "")
    plan = changed("sex: Sex", "sexx: Sex", plan)
    lines = told(tmp_path, profile=profile, plan=plan)
    assert len(lines) == 4
    assert sum(each.startswith("profile.yaml:") for each in lines) == 2
    assert any("'aim' is missing" in each for each in lines)
    assert any("'why' is missing" in each for each in lines)


def test_a_key_missing_from_a_dataset_is_told_at_the_dataset(tmp_path: Path) -> None:
    plan = changed("    why: Known children.\n", "")
    (only,) = told(tmp_path, plan=plan)
    assert only.startswith(f"collection_plan.yaml:{line(plan, 'id: tracker')}: ")
    assert "'tracker': 'why' is missing." in only


def test_a_period_that_ends_before_it_starts(tmp_path: Path) -> None:
    profile = changed(
        "{start: 2015-04-01, end: 2016-03-31}", "{start: 2016-04-01, end: 2015-03-31}", PROFILE
    )
    (only,) = told(tmp_path, profile=profile)
    assert only.startswith(f"profile.yaml:{line(profile, 'period:')}: ")
    assert "ends (2015-03-31) before it starts (2016-04-01)" in only


def test_a_period_of_broken_quarters_is_answered_with_whole_ones(tmp_path: Path) -> None:
    profile = changed("start: 2015-04-01", "start: 2015-05-01", PROFILE)
    (only,) = told(tmp_path, profile=profile)
    assert "whole fiscal quarters" in only
    assert "2015-04-01 to 2016-03-31" in only


def test_an_as_at_date_before_the_period(tmp_path: Path) -> None:
    profile = changed("as_at: 2016-03-31", "as_at: 2015-03-31", PROFILE)
    (only,) = told(tmp_path, profile=profile)
    assert only.startswith(f"profile.yaml:{line(profile, 'as_at:')}: ")
    assert "before the period starts" in only


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("agency: police\n", "agency: polcie\n", "no agency 'polcie'. Did you mean 'police'?"),
        (
            "indicator: excluded_from_school",
            "indicator: exclued_from_school",
            "no indicator 'exclued_from_school'. Did you mean 'excluded_from_school'?",
        ),
        (
            "sex: Sex",
            "sex: {column: Sex, codes: sexes}",
            "no code list 'sexes'. Did you mean 'sex'?",
        ),
        ('DOB, format: "%d/%m/%Y"', 'DOB, format: "dd/mm/yyyy"', "'dd/mm/yyyy' is not a date"),
        ("measure: missing_episode", "measure: missing_episodes", "no measure 'missing_episodes'"),
        ("{category: Category}", "{categry: Category}", "has no field categry; known: "),
        ("id: tracker", "id: missing", "the id 'missing' is used twice"),
        ("equals: Y", "equals: Y, in: [Y]", "exactly one of equals, in, has_code"),
        ("share: 0.1", "share: -0.1", "greater than 0"),
        ("when: {column: Excluded, equals: Y}", "when: {equals: Y}", "'column' is missing"),
        ("due: 14 days", "due: fortnightly", "due"),
        ('"missing/{quarter}.csv"', '"../missing/{quarter}.csv"', "below the data folder"),
        ('"missing/{quarter}.csv"', '"missing.csv"', "need {quarter}"),
        (
            "      - role: child\n        name",
            "      - role: suspect\n        name",
            "about a 'child'",
        ),
        ("issuer: police", "issuer: The Police", "pattern"),
        ("agency: police\n", "agency: police\n    standard: ssda9O3\n", "ssda903"),
    ],
)
def test_what_does_not_fit_together(tmp_path: Path, old: str, new: str, part: str) -> None:
    lines = told(tmp_path, plan=changed(old, new))
    assert any(part in each for each in lines), lines
    for each in lines:
        assert each.startswith("collection_plan.yaml:"), each
        assert "pydantic" not in each
        assert "Value error" not in each


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (
            "as_at: 2016-03-31",
            "as_at: soon",
            "as_at: 'soon' is not a date. Write it as 2016-03-31.",
        ),
        ("as_at: 2016-03-31", "as_at: 31/03/2016", "as_at: '31/03/2016' is not a date."),
        ("as_at: 2016-03-31", "as_at: 2016-02-31", "2016-02-31 is not a day of the calendar."),
        ("as_at: 2016-03-31", "as_at:", "as_at: is empty."),
        ("title: Small", "title: Small\nversion: 1", "version: '1' is not a text."),
        ("synthetic: true", "synthetic: perhaps", "'perhaps' is neither true nor false."),
        ("[Count children]", "Count children", "objectives: must be a list"),
        ("{start: 2015-04-01, end: 2016-03-31}", "2015-16", "must have `key: value` entries"),
    ],
)
def test_a_wrong_setting_is_told_in_an_analysts_words(
    tmp_path: Path, old: str, new: str, wanted: str
) -> None:
    profile = changed(old, new, PROFILE)
    (only,) = told(tmp_path, profile=profile)
    pairs = zip(profile.splitlines(), PROFILE.splitlines(), strict=False)
    changes = [n for n, (a, b) in enumerate(pairs, 1) if a != b]
    assert only.startswith(f"profile.yaml:{changes[0]}: ")
    assert wanted in only


def test_a_key_that_stands_twice_is_told_with_its_line_and_no_content(tmp_path: Path) -> None:
    """As when a new agency's lines are put below the plan, and not below its `agencies:`."""
    plan = f"{PLAN}agencies:\n  - {{id: x, name: Xylophone}}\n"
    (only,) = told(tmp_path, plan=plan)
    assert only.startswith(f"collection_plan.yaml:{line(plan, 'agencies:', 2)}: ")
    assert "'agencies' stands here a second time. Put what is below it under the first." in only
    assert "Xylophone" not in only


def test_a_due_day_that_is_none_says_what_to_write(tmp_path: Path) -> None:
    plan = changed("due: 14 days", "due: soon")
    (only,) = told(tmp_path, plan=plan)
    assert only.startswith(f"collection_plan.yaml:{line(plan, 'due: soon')}: ")
    assert "'soon' is no number of days" in only
    assert "`14 days` or `2 weeks`" in only


def test_a_wrong_date_format_is_told_once_at_its_own_line(tmp_path: Path) -> None:
    plan = PLAN.replace("%d/%m/%Y", "dd/mm/yyyy")
    (only,) = told(tmp_path, plan=plan)
    assert only.startswith(f"collection_plan.yaml:{line(plan, 'dd/mm/yyyy')}: ")


def test_a_date_format_without_a_year_is_no_date(tmp_path: Path) -> None:
    """`%d/%m` would read every cell as no date, a whole column lost without a word."""
    lines = told(tmp_path, plan=changed('DOB, format: "%d/%m/%Y"', 'DOB, format: "%d/%m"'))
    assert any("'%d/%m' is not a date format" in each for each in lines), lines


@pytest.mark.parametrize("form", ["%d/%m/%Q", "%d/%m/%Y %", "%d.%m.%J"])
def test_a_date_format_with_an_unknown_part_is_told(tmp_path: Path, form: str) -> None:
    lines = told(tmp_path, plan=changed('DOB, format: "%d/%m/%Y"', f'DOB, format: "{form}"'))
    assert any("is not a date format" in each for each in lines), lines


def test_formats_of_an_indicators_own_date_are_checked(tmp_path: Path) -> None:
    plan = changed(
        "      - indicator: missing_from_home_or_care\n",
        "      - {indicator: missing_from_home_or_care, date: {column: Other, format: DD/MM}}\n",
    )
    (only,) = told(tmp_path, plan=plan)
    assert "'DD/MM' is not a date format" in only


def test_values_that_the_profile_does_not_know_are_told(tmp_path: Path) -> None:
    """A spelling mapped to `femail` would make a sex of its own in every table."""
    plan = changed("sex: Sex", "sex: {column: Sex, values: {F: femail, M: male}}")
    lines = told(tmp_path, plan=plan)
    assert len(lines) == 1
    assert "femail" in lines[0]
    assert "Did you mean 'female'?" in lines[0]


def test_yaml_letters_are_not_booleans(tmp_path: Path) -> None:
    plan = small_plan(tmp_path, plan=changed("equals: Y", "equals: yes"))
    condition = plan.dataset("school").events[1].when[0]
    assert condition.equals in ("Y", "yes")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("agencies: [\n", "is not valid YAML"),
        ("a: b: c\n", "is not valid YAML"),
        ("agencies:\n\t- id: x\n", "is not valid YAML"),
        ("id: 1\nid: 2\n", "'id' stands here a second time"),
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("- a\n- b\n", "key: value"),
        ("just words\n", "key: value"),
        ("a: !!python/object/apply:os.system ['true']\n", "is not"),
    ],
)
def test_yaml_that_is_no_plan(tmp_path: Path, text: str, part: str) -> None:
    lines = told(tmp_path, plan=text)
    assert any(part in each for each in lines), lines
    assert all(each.startswith("collection_plan.yaml") for each in lines)
    assert all("\n" not in each for each in lines)


def test_a_fault_of_the_settings_hides_no_name_that_the_plan_gets_wrong(tmp_path: Path) -> None:
    profile = changed("as_at: 2016-03-31", "as_at: yesterday", PROFILE)
    profile += "screening_groups:\n  - {group: Excluded, datasets: [schol]}\n"
    plan = changed("indicator: missing_from_home_or_care", "indicator: missing_from_hom")
    lines = told(tmp_path, profile=profile, plan=plan)
    assert len(lines) == 3
    assert "as_at" in lines[0]
    assert "there is no indicator 'missing_from_hom'. Did you mean" in lines[1]
    assert "there is no dataset 'schol'. Did you mean 'school'?" in lines[2]


def test_a_fault_of_a_dataset_hides_neither_its_own_wrong_names_nor_others(tmp_path: Path) -> None:
    plan = changed("    why: A strong sign.\n", "")
    plan = changed("indicator: missing_from_home_or_care", "indicator: missing_from_hom", plan)
    plan = changed("indicator: excluded_from_school", "indicator: excluded_from_schol", plan)
    lines = told(tmp_path, plan=plan)
    assert len(lines) == 3
    assert "'why' is missing" in lines[0]
    assert {line.split("Did you mean ")[1] for line in lines[1:]} == {
        "'missing_from_home_or_care'?",
        "'excluded_from_school'?",
    }


def test_a_plan_of_which_part_holds_is_read_as_far_as_it_does(tmp_path: Path) -> None:
    write_folder(tmp_path, plan=changed("    why: A strong sign.\n", ""))
    plan, problems = read_plan(tmp_path)
    assert len(problems) == 1
    assert plan is not None
    assert "missing" not in [dataset.id for dataset in plan.datasets]
    assert "school" in [dataset.id for dataset in plan.datasets]


def test_a_wrong_agency_or_indicator_keeps_no_file_from_being_looked_at(tmp_path: Path) -> None:
    plan = changed("indicator: missing_from_home_or_care", "indicator: missing_from_hom")
    write_folder(tmp_path, plan=plan.replace("agency: police", "agency: polise"))
    read, problems = read_plan(tmp_path)
    assert len(problems) >= 2
    assert read is not None
    assert read.agency_name("missing") == "polise"


def test_malformed_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    plan = changed("    why: Known children.", "    why: Known: children.")
    (only,) = told(tmp_path, plan=plan)
    assert only.startswith(f"collection_plan.yaml:{line(plan, 'Known: children')}: ")


def test_a_plan_that_is_not_text(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "collection_plan.yaml").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(PlanError, match="UTF-8"):
        load_plan(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is not a folder"):
        load_plan(tmp_path / "nowhere")


def test_an_empty_folder_lacks_both_files(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as raised:
        load_plan(tmp_path)
    assert [problem.where for problem in raised.value.problems] == [
        "profile.yaml",
        "collection_plan.yaml",
    ]


def test_screening_groups_name_datasets_of_the_plan(tmp_path: Path) -> None:
    profile = PROFILE + "screening_groups:\n  - {group: Excluded, datasets: [schol]}\n"
    (only,) = told(tmp_path, profile=profile)
    assert only == (
        f"profile.yaml:{line(profile, 'group: Excluded')}: screening_groups: there is no dataset"
        " 'schol'. Did you mean 'school'?"
    )


@pytest.mark.parametrize("head", ["indicators:\n", ""])
def test_own_indicators_add_to_the_programs_or_take_their_place(tmp_path: Path, head: str) -> None:
    packaged = [each.id for each in small_plan(tmp_path / "packaged").indicators]
    write_folder(tmp_path / "own")
    (tmp_path / "own/indicators.yaml").write_text(
        f"{head}- {{id: bereavement, label: Bereaved, kind: vulnerability}}\n"
        "- {id: missing_from_home_or_care, label: Away, kind: sign}\n"
    )
    plan = load_plan(tmp_path / "own")
    assert [each.id for each in plan.indicators] == [*packaged, "bereavement"]
    assert plan.indicators[0].label == "Away"


def test_indicators_left_out_are_unknown_to_the_plan(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "indicators.yaml").write_text(
        "leave_out: [unauthorised_absence, excluded_from_school]\n"
    )
    with pytest.raises(PlanError) as raised:
        load_plan(tmp_path)
    assert len(raised.value.problems) == 2
    assert all("there is no indicator" in str(each) for each in raised.value.problems)


def test_leaving_out_what_the_program_does_not_have_is_told(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "indicators.yaml").write_text("leave_out:\n- homelesness\n")
    with pytest.raises(PlanError, match=r"yaml:2: .*'homelesness'.*'homelessness'"):
        load_plan(tmp_path)


def test_an_indicator_named_twice_is_told(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "indicators.yaml").write_text(
        "indicators:\n"
        + "".join(
            f"  - {{id: {name}, label: L, kind: sign}}\n"
            for name in (
                "missing_from_home_or_care",
                "unauthorised_absence",
                "excluded_from_school",
                "excluded_from_school",
            )
        )
    )
    with pytest.raises(PlanError, match=r"yaml:5: .*'excluded_from_school' is used twice"):
        load_plan(tmp_path)


def test_a_code_list_that_nothing_uses_is_told_with_the_near_name(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir(parents=True)
    for name in ("ethnicty_text", "our_sexes", "sex"):
        (tmp_path / "codes" / f"{name}.csv").write_text("spelling,code\nlass,female\n")
    plan = small_plan(tmp_path, plan=changed("sex: Sex", "sex: {column: Sex, codes: our_sexes}"))
    (note,) = code_list_notes(plan)
    assert "codes/ethnicty_text.csv" in note
    assert "'ethnicity_text'" in note


def test_the_docs_name_every_code_list() -> None:
    text = (Path(__file__).parents[2] / "docs/plan.md").read_text("utf-8")
    assert [name for name in list_names() if f"`{name}`" not in text] == []


def test_own_code_lists_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "codes").mkdir(parents=True)
    (tmp_path / "codes" / "our_sexes.csv").write_text("spelling,code\nlass,female\n")
    plan = small_plan(tmp_path, plan=changed("sex: Sex", "sex: {column: Sex, codes: our_sexes}"))
    assert plan.dataset("missing").subjects[0].sex is not None


def test_coverage_names_who_evidences_what_and_what_nobody_does(tmp_path: Path) -> None:
    told_by = {row[0]: row[2:] for row in coverage(small_plan(tmp_path)).iter_rows()}
    assert told_by["missing_from_home_or_care"] == ("Smallshire Police", "Missing reports")
    assert told_by["exploited_friends"] == (None, "seen only in screening")
    assert told_by["homelessness"] == (None, "nobody supplies it")


def test_paths_of_data_may_lie_elsewhere(tmp_path: Path) -> None:
    plan = small_plan(tmp_path / "p", profile=PROFILE + "data: ../elsewhere\n")
    assert plan.data_root == (tmp_path / "elsewhere").resolve()
    assert plan.settings.as_at == date(2016, 3, 31)
