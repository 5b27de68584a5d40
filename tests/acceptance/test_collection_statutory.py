"""Issue 3, point 5: statutory returns as they are, several years of them, by `standard:` alone."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.acceptance import statutory_files as statutory
from tests.acceptance.collection_runs import do, returns, rows

needs_samples = pytest.mark.skipif(
    not statutory.SAMPLES.is_dir(), reason="the sample returns (../shared/statutory) are not here"
)


@pytest.fixture(scope="module")
def folder():
    return returns().folder


def indicators(folder, dataset: str, file: str, row: int) -> dict[str, dt.date]:
    return dict(
        rows(
            folder,
            "select indicator, date from records.indicator_event"
            f" where dataset like '{dataset}%' and file like '%{file}' and row = {row}",
        )
    )


def subject(folder, dataset: str, file: str, row: int, *fields: str) -> tuple:
    (found,) = rows(
        folder,
        f"select {', '.join(fields)} from records.subject"
        f" where dataset = '{dataset}' and file like '%{file}' and row = {row}",
    )
    return found


@needs_samples
def test_returns_alone_make_a_profile():
    """'run makes a profile, gaps and all': real-format returns and nothing else."""
    assert returns().code == 0, returns().text[-500:]


def test_plan_says_nothing_but_the_standard(tmp_path):
    folder = statutory.council(tmp_path / "council")
    told = do("check", folder)
    assert told.code == 0, told.text[-2000:]


# --- SSDA903


def test_903_header_tells_who_the_child_is(folder):
    got = subject(
        folder, "ssda903_header", "2023_header.csv", 0, "sex", "date_of_birth", "ethnicity_code",
        "upn",
    )  # fmt: skip
    assert got == ("female", dt.date(2009, 5, 5), "WBRI", "A123456789012")


def test_903_upn_that_is_a_reason_is_no_upn(folder):
    """UN1 to UN7 say why there is none."""
    assert subject(folder, "ssda903_header", "2024_header.csv", 0, "upn") == (None,)


def test_903_episode_knows_the_childs_header(folder):
    got = subject(
        folder, "ssda903_episodes", "2023_episodes.csv", 1, "sex", "date_of_birth", "postcode"
    )
    assert got == ("male", dt.date(2010, 6, 6), "ZQ1 1AB")


def test_903_episode_is_a_period_looked_after(folder):
    (got,) = rows(
        folder,
        "select started, ended, legal_status, need, placement, provider, placement_postcode,"
        " home_urn from records.looked_after where file like '%2023_episodes.csv' and row = 0",
    )
    assert got == (
        dt.date(2022, 6, 1), None, "V2", "N1", "K2", "PR4", "ZQ2 1AA", "SC900001",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "day", "category"),
    [
        (0, dt.date(2022, 9, 10), "missing"),
        (1, dt.date(2022, 12, 11), "missing"),
        (2, dt.date(2022, 8, 1), "absent"),  # A: away without authorisation, whereabouts known
    ],
)
def test_903_missing_is_an_episode_of_its_own_kind(folder, row, day, category):
    (got,) = rows(
        folder,
        "select date, category from records.missing_episode"
        f" where file like '%2023_missing.csv' and row = {row}",
    )
    assert got == (day, category)


def test_903_end_of_a_missing_episode_is_kept(folder):
    """MIS_END: when the child was back."""
    (got,) = rows(
        folder,
        "select cast(returned_at as date) from records.missing_episode"
        " where file like '%2023_missing.csv' and row = 0",
    )
    assert got == (dt.date(2022, 9, 12),)


def test_903_oc2_tells_of_substance_misuse_and_conviction(folder):
    assert set(indicators(folder, "ssda903_oc2", "2023_oc2.csv", 0)) == {"substance_misuse"}
    assert set(indicators(folder, "ssda903_oc2", "2023_oc2.csv", 1)) == {"offending"}


def test_903_list_that_came_in_2024_loads(folder):
    assert rows(
        folder,
        "select status, rows from quality.delivery where file like '%2024_social_worker.csv'",
    ) == [("loaded", 1)]


@needs_samples
def test_903_sample_loads_whole(folder):
    got = dict(
        rows(
            folder,
            "select file[18:], rows from quality.delivery"
            " where file like 'ssda903/SSDA903_2020_%' and status = 'loaded'",
        )
    )
    assert sorted(got.values()) == [5, 5]


# --- children in need census


def test_cin_factors_are_indicators(folder):
    got = indicators(folder, "cin_census", "CIN_2019.xml", 0)
    assert {"cse_assessment_factor", "missing_from_home_or_care"} <= set(got)


def test_cin_second_referrals_second_assessment_is_read(folder):
    """Two referrals, one with two assessments: three assessments of child 9102, factors apart."""
    got = rows(
        folder,
        "select referral_date, authorised, factors from records.assessment"
        " where file like '%CIN_2019.xml' and row > 0 order by authorised",
    )
    assert [(a, b, sorted(c)) for a, b, c in got] == [
        (dt.date(2018, 5, 3), dt.date(2018, 6, 2), ["13A"]),
        (dt.date(2018, 9, 3), dt.date(2018, 9, 20), ["15A"]),
        (dt.date(2018, 9, 3), dt.date(2018, 11, 20), ["11A", "2A"]),
    ]


def test_cin_sex_of_2019_and_of_2025(folder):
    """GenderCurrent 1 and 2 became Sex M and F."""
    old = subject(folder, "cin_census", "CIN_2019.xml", 0, "sex", "ethnicity_code", "local_ids")
    new = subject(folder, "cin_census", "CIN_2025.xml", 0, "sex", "ethnicity_code", "local_ids")
    assert old == ("female", "WBRI", ["council:9101"])
    assert new == ("female", "MWBC", ["council:9103"])


def test_cin_unasked_ethnicity_is_not_recorded(folder):
    assert subject(folder, "cin_census", "CIN_2025.xml", 1, "ethnicity_code") == (None,)


def test_cin_protection_plan_of_2025(folder):
    (got,) = rows(
        folder,
        "select plan_category from records.assessment where file like '%CIN_2025.xml' and row = 0",
    )
    assert got == ("SAB",)


@needs_samples
def test_cin_sample_child_of_1966_is_set_apart_as_adult(folder):
    got = rows(folder, "select rule from quality.quarantine where file like '%CIN_2022.xml'")
    assert got
    assert all("adult" in rule for (rule,) in got)


# --- school census


def test_census_absence_by_reason_is_joined_to_the_pupil(folder):
    """G, N, O and U are unauthorised: 4 + 3 + 3 + 2 of 100 sessions; illness is not."""
    got = dict(
        rows(
            folder,
            "select row, sessions_unauthorised from records.school_attendance"
            " where file like '%2018_spring_pupilonroll.csv'",
        )
    )
    assert (got[0], got[1]) == (12, 3)
    who = indicators(folder, "school_census", "2018_spring_pupilonroll.csv", 0)
    assert "unauthorised_absence" in who
    assert not indicators(folder, "school_census", "2018_spring_pupilonroll.csv", 1)


def test_census_exclusion_is_the_pupils(folder):
    file = "2018_spring_termlyexclusionsonroll.csv"
    got = subject(
        folder, "school_census_on_roll_exclusions", file, 0, "surname", "upn", "date_of_birth"
    )
    assert got == ("Suspended", "E123456789012", dt.date(2004, 3, 21))
    assert indicators(folder, "school_census", file, 0) == {
        "excluded_from_school": dt.date(2018, 1, 15)
    }


def test_census_address_is_the_pupils(folder):
    file = "2018_spring_addressesonroll.csv"
    got = subject(folder, "school_census_on_roll_addresses", file, 0, "surname", "postcode")
    assert got == ("Absentley", "ZQ1 1AA")


@needs_samples
def test_census_sample_exclusions_find_their_pupils(folder):
    """Every exclusion of the cut sample belongs to one of its pupils, by hand of the ids."""
    (total,), (named,) = (
        rows(
            folder,
            "select count(*) from records.subject where surname is not null and"
            f" dataset = 'school_census_on_roll_exclusions' and {condition}",
        )[0]
        for condition in ("true", "upn is not null")
    )
    (received,) = rows(
        folder,
        "select count(*) from received.school_census_on_roll_exclusions"
        " where _file like '%2024_autumn%'",
    )[0]
    assert received > 200
    assert total >= 0.9 * received
    assert named


# --- Annex A


@pytest.mark.parametrize("quarter", ["2024-25_Q3", "2024-25_Q4"])
def test_annex_a_list_8_in_both_layouts(folder, quarter):
    """'Gender' became 'Sex' in 2026's layout; codes carry letters: b) Female, a) WBRI."""
    got = subject(
        folder, "annex_a_looked_after", f"{quarter}.xlsx", 0, "sex", "ethnicity_code",
        "date_of_birth", "local_ids",
    )  # fmt: skip
    assert got == ("female", "WBRI", dt.date(2009, 4, 5), ["council:A1"])


def test_annex_a_missing_counts_and_return_interview(folder):
    (got,) = rows(
        folder,
        "select missing_12_months, absent_12_months, interview_offered, interview_accepted"
        " from records.missing_count where file like '%2024-25_Q3.xlsx' and row = 0",
    )
    assert got == (3, 1, True, False)


def test_annex_a_child_who_was_never_missing_has_no_such_indicator(folder):
    assert "missing_from_home_or_care" in indicators(
        folder, "annex_a", "looked_after/2024-25_Q3.xlsx", 0
    ) or "missing_from_home_or_care" in indicators(
        folder, "annex_a_looked_after", "2024-25_Q3.xlsx", 0
    )
    never = indicators(folder, "annex_a_looked_after", "2024-25_Q3.xlsx", 1)
    assert "looked_after" in never
    assert "missing_from_home_or_care" not in never


def test_annex_a_category_of_need_is_the_code_of_the_903(folder):
    """'codes with text': N1 - Abuse or neglect is N1 wherever it comes from."""
    (got,) = rows(
        folder,
        "select distinct need from records.looked_after where dataset = 'annex_a_looked_after'",
    )
    assert got == ("N1",)


def test_annex_a_referral_and_need(folder):
    got = indicators(folder, "annex_a_children_in_need", "2024-25_Q3.xlsx", 0)
    assert "child_in_need" in got


def test_no_value_of_a_return_is_unknown_to_the_lists(folder):
    got = rows(
        folder,
        'select dataset, "column", value from quality.unknown_value where dataset not like'
        " 'school_census%'",
    )
    assert got == []
