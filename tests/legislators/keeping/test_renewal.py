"""Newer tables from newer files, on the ground of those in force: what is taken, what is kept, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from app.addresses import State
from app.legislators import Bioguide, Legislator, LegislatorsError, Seat, Vacancy
from app.legislators.keeping.gathering import from_folder
from app.legislators.keeping.renewal import Renewal, TooManyLost, congress_given, renew
from app.legislators.making.build import build
from app.legislators.making.parts import parts_of
from app.legislators.making.sources import InputUnusable
from app.legislators.tables import Tables, ZipKind, load
from tests.legislators.keeping.country import (
    NAMES,
    TX_1,
    WY,
    corrected,
    country,
    crosswalk_of,
    member,
    members_of,
    of_next_congress,
    publish,
    shipped,
    stored,
    without,
)
from tests.legislators.making.factories import ADDED, REMOVED, Files, JsonObject, zcta

_TX, _VT = State("TX"), State("VT")
TODAY = date(2026, 11, 24)
FRESH, SAME, OLD = date(2026, 11, 20), date(2026, 10, 3), date(2026, 6, 15)  # than the tables in force

REPLACED: JsonObject = {"as_of": "2026-11-10", "remove": [{**REMOVED, "end": "2026-08-30"}], "add": [ADDED]}
"""Corrections: who sat for Wyoming has left, and New Person has come."""


class Ground:
    """The tables in force, and how they become newer ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.put(shipped(folder / "in force"))

    def put(self, at: Path) -> None:
        """These are in force now."""
        self.at, self.tables, self._parts = at, load(at), parts_of(at)

    @property
    def given(self) -> Path:
        """Where the newer files are put."""
        return self._folder / "given"

    def renew(self, *, members: date | None = None, force: bool = False) -> Renewal:
        days = {"members": members} if members else {}
        return renew(self._parts, self.tables, from_folder(self.given, days), TODAY, force=force)

    def take(self, renewal: Renewal) -> None:
        """Put them in force."""
        self._count += 1
        self.put(stored(self._folder / str(self._count), dict(renewal.files)))

    def refusal(self, kind: type[LegislatorsError] = InputUnusable, members: date | None = None) -> str:
        with pytest.raises(kind) as caught:
            self.renew(members=members)
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def holder(tables: Tables, seat: str) -> Legislator | Vacancy:
    holders: list[Legislator | Vacancy] = [*tables.members, *tables.vacancies]
    return next(holder for holder in holders if holder.seat == seat)


def legislator(tables: Tables, seat: str) -> Legislator:
    found = holder(tables, seat)
    assert isinstance(found, Legislator)
    return found


def said(renewal: Renewal) -> list[str]:
    return [change.sentence for change in renewal.report]


# What is newer


def test_the_same_files_again_are_no_news(ground: Ground) -> None:
    publish(ground.given, country(), *NAMES)

    renewal = ground.renew()

    assert not renewal.is_news
    assert (renewal.report, renewal.remarks) == ((), ())
    assert renewal.tables == ground.tables


def test_the_same_members_of_a_later_day_are_news_about_which_nothing_is_to_say(ground: Ground) -> None:
    publish(ground.given, country(), "members")

    renewal = ground.renew(members=FRESH)

    assert renewal.is_news
    assert renewal.report == ()
    assert renewal.tables.as_of == FRESH
    assert renewal.tables.members == ground.tables.members


def test_a_fresh_roster_is_not_turned_back_by_corrections(ground: Ground) -> None:
    newer = country()
    without(newer, TX_1)
    corrected(publish(ground.given, newer, "members"), REPLACED)

    renewal = ground.renew(members=FRESH)

    assert said(renewal) == ["TX-1: Robin MemberH480001 Jr. has left; the seat is vacant."]
    assert legislator(renewal.tables, "WY-AL").bioguide == WY
    assert renewal.tables.as_of == FRESH
    assert renewal.remarks == (
        "The corrections are of 2026-11-10, and no newer than the members (2026-11-20): of them only the rows about "
        "ZIP codes count.",
    )


def test_a_roster_of_the_corrections_day_is_not_turned_back_either(ground: Ground) -> None:
    corrected(publish(ground.given, country(), "members"), REPLACED)

    assert said(ground.renew(members=date(2026, 11, 10))) == []


def test_an_older_roster_is_corrected(ground: Ground) -> None:
    corrected(publish(ground.given, country(), "members"), REPLACED)

    renewal = ground.renew(members=OLD)

    assert said(renewal) == ["WY at large: Robin MemberH560000 Jr. left 2026-08-30; New Person Jr. since 2026-09-01."]
    assert renewal.tables.as_of == date(2026, 11, 10)
    assert renewal.remarks == ()
    assert renewal.tables.about["sources"]["corrections"]["as_of"] == "2026-11-10"


@pytest.mark.parametrize("corrections", [None, "2026-07-01"])
def test_an_older_roster_that_stays_older_when_it_is_corrected_is_not_taken(
    ground: Ground, corrections: str | None
) -> None:
    newer = country()
    without(newer, TX_1)
    publish(ground.given, newer, "members")
    if corrections:
        corrected(ground.given, {"as_of": corrections, "vacant": [{"state": "TX", "district": 1}]})

    renewal = ground.renew(members=OLD)

    day = corrections or "2026-06-15"
    assert not renewal.is_news
    assert renewal.remarks[0] == (
        f"The members at the source are those of {day} (119th Congress), and older than the tables in force "
        "(2026-10-03, 119th Congress): they were not taken."
    )


def test_members_that_are_not_taken_do_not_keep_other_files_from_being_taken(ground: Ground) -> None:
    newer = country()
    office = {"id": "x", "city": "Laramie", "state": "WY"}
    newer.offices = [{"id": {"bioguide": WY}, "offices": [office]}]
    without(newer, TX_1)
    publish(ground.given, newer, "members", "offices")

    renewal = ground.renew(members=OLD)

    assert renewal.is_news
    assert len(renewal.remarks) == 1
    assert [one.city for one in legislator(renewal.tables, "WY-AL").offices] == ["Laramie"]
    assert legislator(renewal.tables, "TX-1").bioguide == TX_1
    sources = renewal.tables.about["sources"]
    assert sources["members"] == ground.tables.about["sources"]["members"]
    assert sources["offices"] != ground.tables.about["sources"]["offices"]


def test_a_roster_of_the_same_day_is_taken(ground: Ground) -> None:
    newer = country()
    without(newer, TX_1)
    publish(ground.given, newer, "members")

    assert len(ground.renew(members=SAME).report) == 1


def test_a_roster_of_which_nobody_says_the_day_is_of_the_first_day_of_its_newest_term(ground: Ground) -> None:
    newer = country()
    member(newer, WY).term["start"] = "2026-11-18"
    publish(ground.given, newer, "members")

    assert ground.renew().tables.as_of == date(2026, 11, 18)


def test_nothing_is_of_the_future(ground: Ground) -> None:
    publish(ground.given, country(), "members")
    assert ground.renew(members=date(2028, 1, 1)).tables.as_of == TODAY

    corrected(ground.given, {**REPLACED, "as_of": "2026-11-25"})
    assert ground.refusal() == "The corrections are of 2026-11-25, and that day has not come yet."


def test_newer_members_answer_the_open_questions_and_newer_offices_do_not(ground: Ground) -> None:
    asked: JsonObject = {"as_of": "2026-10-04", "unknown_today": ["who won in Ohio"]}
    ground.take(_alone(ground, asked))
    assert ground.tables.about["open_questions"] == ["who won in Ohio"]

    (ground.given / NAMES["corrections"]).unlink()
    newer = country()
    newer.offices = [{"id": {"bioguide": WY}, "offices": [{"id": "x", "city": "Laramie", "state": "WY"}]}]
    publish(ground.given, newer, "offices")
    assert ground.renew().tables.about["open_questions"] == ["who won in Ohio"]

    publish(ground.given, newer, "members")
    assert ground.renew(members=FRESH).tables.about["open_questions"] == []


# Corrections alone


def _alone(ground: Ground, corrections: JsonObject) -> Renewal:
    corrected(ground.given, corrections)
    return ground.renew()


def test_corrections_alone_correct_the_members_in_force(ground: Ground) -> None:
    patched = {"bioguide": TX_1, "state": "TX", "district": 1, "phone": "202-555-0100"}

    renewal = _alone(ground, {**REPLACED, "patch": [patched]})

    assert said(renewal) == [
        "TX-1: Robin MemberH480001 Jr.: phone changed.",
        "WY at large: Robin MemberH560000 Jr. left 2026-08-30; New Person Jr. since 2026-09-01.",
    ]
    assert renewal.tables.as_of == date(2026, 11, 10)
    assert renewal.files["zips.csv"] == (ground.at / "zips.csv").read_bytes()


def test_corrections_that_are_made_already_are_not_made_again_with_newer_ones(ground: Ground) -> None:
    ground.take(_alone(ground, REPLACED))
    vacant = [{"state": "TX", "district": 1}]

    renewal = _alone(
        ground,
        {**REPLACED, "as_of": "2026-11-20", "remove": [REMOVED, {"bioguide": TX_1}], "vacant": vacant},
    )

    assert said(renewal) == ["TX-1: Robin MemberH480001 Jr. has left; the seat is vacant."]
    assert legislator(renewal.tables, "WY-AL").name == "New Person Jr."


def test_who_is_added_again_keeps_what_the_corrections_do_not_say(ground: Ground) -> None:
    ground.take(_alone(ground, REPLACED))
    newer = country()
    without(newer, WY)
    newer.members.append(
        {
            "id": {"bioguide": "N000001"},
            "name": {"first": "New", "last": "Person"},
            "terms": [
                {
                    "type": "rep",
                    "start": "2026-09-01",
                    "end": "2027-01-03",
                    "state": "WY",
                    "district": 0,
                    "party": "Independent",
                    "phone": "202-225-2311",
                }
            ],
        }
    )
    (ground.given / NAMES["corrections"]).unlink()
    publish(ground.given, newer, "members")
    ground.take(ground.renew(members=date(2026, 11, 12)))
    (ground.given / NAMES["members"]).unlink()

    renewal = _alone(ground, {**REPLACED, "as_of": "2026-11-20", "add": [{**ADDED, "party": "Democrat"}]})

    found = legislator(renewal.tables, "WY-AL")
    assert (found.name, found.party, found.phone) == ("New Person Jr.", "Democrat", "202-225-2311")


def test_corrections_alone_leave_seats_vacant_that_they_do_not_name(ground: Ground) -> None:
    emptied: JsonObject = {
        "as_of": "2026-10-10",
        "remove": [{"bioguide": TX_1}],
        "vacant": [{"state": "TX", "district": 1}],
    }
    ground.take(_alone(ground, emptied))

    renewal = _alone(ground, REPLACED)

    assert isinstance(holder(renewal.tables, "TX-1"), Vacancy)
    filled = {**ADDED, "bioguide": "N000002", "state": "TX", "district": 1}
    assert said(_alone(ground, {"as_of": "2026-11-11", "add": [filled]})) == [
        "TX-1: New Person Jr. since 2026-09-01; the seat was vacant."
    ]


def test_corrections_alone_that_are_not_newer_change_nothing_but_say_so(ground: Ground) -> None:
    renewal = _alone(ground, {**REPLACED, "as_of": "2026-10-03"})

    assert not renewal.is_news
    assert renewal.remarks == (
        "The corrections are of 2026-10-03, and no newer than the members (2026-10-03): of them only the rows about "
        "ZIP codes count.",
    )


def test_corrections_that_contradict_the_members_are_refused(ground: Ground) -> None:
    corrected(ground.given, {"as_of": "2026-11-10", "add": [ADDED]})
    assert "put New Person Jr. into WY-AL, which Robin MemberH560000 Jr. (H560000) holds" in ground.refusal()

    corrected(ground.given, {"as_of": "2026-11-10", "vacant": [{"state": "WY", "district": 0}]})
    assert "call WY-AL vacant, but Robin MemberH560000 Jr. (H560000) holds it" in ground.refusal()


def test_the_rows_of_the_crosswalk_are_corrected_however_fresh_the_members_are(ground: Ground) -> None:
    rows = {"add": [[zcta(_TX, 3), "4804"]]}
    corrected(publish(ground.given, country(), "members"), {"as_of": "2026-10-01", "crosswalk": rows})

    renewal = ground.renew(members=FRESH)

    assert said(renewal) == ["ZIP codes: 1 with other districts."]
    assert districts(renewal.tables, zcta(_TX, 3)) == ["3", "4"]
    ground.take(renewal)
    assert _alone(ground, {"as_of": "2026-10-01"}).files == {}, "they stay when the next corrections do not name them"


# What is kept


def test_a_vacant_house_seat_keeps_the_telephone_of_who_left(ground: Ground) -> None:
    senator = members_of(country(), "sen")[0]
    newer = country()
    without(newer, TX_1, senator.bioguide)
    publish(ground.given, newer, "members")

    ground.take(ground.renew(members=FRESH))
    publish(ground.given, newer, "members")
    tables = ground.renew(members=TODAY).tables

    assert {vacancy.seat: vacancy.phone for vacancy in tables.vacancies} == {"AK-S2": "", "TX-1": "202-225-0001"}


def test_a_person_keeps_the_web_form_that_the_published_file_lacks(ground: Ground) -> None:
    newer = country()
    without(newer, TX_1)
    successor = member(newer, "H480002")
    successor.term["district"] = 1  # another person in the seat has no form of the one before
    publish(ground.given, newer, "members")

    tables = ground.renew(members=FRESH).tables

    assert legislator(tables, "WY-AL").contact_form == "https://member.house.gov/contact"
    assert legislator(tables, "TX-1").contact_form == ""


def test_a_newer_web_form_goes_before_the_known_one_and_that_of_the_file_of_forms_before_both(ground: Ground) -> None:
    newer = country()
    member(newer, WY).term["contact_form"] = "https://member.house.gov/write"
    publish(ground.given, newer, "members")
    assert legislator(ground.renew(members=FRESH).tables, "WY-AL").contact_form == "https://member.house.gov/write"

    newer.contact_forms = {WY: "https://member.house.gov/form"}
    publish(ground.given, newer, "contact_forms")
    assert legislator(ground.renew(members=FRESH).tables, "WY-AL").contact_form == "https://member.house.gov/form"


def test_a_file_of_web_forms_may_come_alone(ground: Ground) -> None:
    newer = country()
    newer.contact_forms = {TX_1: "https://member.house.gov/form"}
    publish(ground.given, newer, "contact_forms")

    renewal = ground.renew()

    assert said(renewal) == ["TX-1: Robin MemberH480001 Jr.: web form changed."]
    assert legislator(renewal.tables, "WY-AL").contact_form == "https://member.house.gov/contact"


def test_the_offices_of_who_left_are_gone_and_others_keep_theirs(ground: Ground) -> None:
    newer = country()
    without(newer, TX_1)
    publish(ground.given, newer, "members")
    assert len(legislator(ground.renew(members=FRESH).tables, "WY-AL").offices) == 2

    without(newer, WY)
    publish(ground.given, newer, "members", "offices")
    assert b"Cheyenne" not in ground.renew(members=FRESH).files["offices.csv"]


def test_offices_that_hardly_anybody_has_any_more_are_refused(ground: Ground) -> None:
    newer = country()
    newer.offices = []
    publish(ground.given, newer, "offices")

    assert ground.refusal() == (
        "Only 0 of 1 members have an office in the new file who had one so far: is it whole? If it is true, say so "
        "with --force."
    )
    assert ground.renew(force=True).tables.members[-1].offices == ()


def districts(tables: Tables, code: str) -> list[str]:
    """The numbers of the districts of a ZIP code, in their order."""
    area = tables.zip_area(code)
    assert area is not None
    return [division.rpartition(":")[2] for division in area.districts]


def likely_last(country: Files) -> tuple[str, str]:
    """ZIP codes of Texas and Vermont whose post office stands in the second of two districts."""
    for state in (_TX, _VT):
        country.add_area(zcta(state, 400), (state, 2), (state, 1))
    return zcta(_TX, 400), zcta(_VT, 400)


@pytest.fixture
def with_order(tmp_path: Path) -> Callable[[], tuple[Ground, Files, str, str]]:
    """A ground on which the likeliest district is not the first by number, and its files."""

    def make() -> tuple[Ground, Files, str, str]:
        known = country()
        texas, vermont = likely_last(known)
        known.zip_places["78888"] = ("box", "TX", known.zip_points[texas])
        (tmp_path / "files").mkdir()
        ground = Ground(tmp_path)
        ground.put(stored(tmp_path / "ordered", build(known.write(tmp_path / "files"), {})))
        return ground, known, texas, vermont

    return make


def test_a_crosswalk_without_the_map_keeps_the_likeliest_first(
    with_order: Callable[[], tuple[Ground, Files, str, str]],
) -> None:
    ground, known, texas, vermont = with_order()
    known.add_area(zcta(_TX, 401), (_TX, 5))
    publish(ground.given, known, "crosswalk", "zip_points", "zip_places")

    renewal = ground.renew()

    assert said(renewal) == ["ZIP codes: 1 new."]
    assert districts(renewal.tables, texas) == districts(renewal.tables, vermont) == ["2", "1"]
    box = renewal.tables.zip_area("78888")
    assert box is not None
    assert (box.kind, box.guess) == (ZipKind.BOX, "ocd-division/country:us/state:tx/cd:2")


def test_the_next_congress_keeps_it_where_districts_were_not_redrawn(
    with_order: Callable[[], tuple[Ground, Files, str, str]],
) -> None:
    ground, known, texas, vermont = with_order()
    publish(ground.given, of_next_congress(known), "members")
    (ground.given / "zcta520-cd120.txt").write_text(crosswalk_of(known, 120))

    tables = ground.renew(members=FRESH).tables

    assert (tables.congress, tables.map_congress) == (120, 120)
    assert districts(tables, vermont) == ["2", "1"]
    assert districts(tables, texas) == ["1", "2"], "Texas was redrawn"
    box = tables.zip_area("78888")
    assert box is not None
    assert box.guess is None


def test_points_and_places_may_come_alone(ground: Ground) -> None:
    newer = country()
    newer.zip_places["78888"] = ("box", "TX", (0.0, 0.0))
    publish(ground.given, newer, "zip_places")

    assert said(ground.renew()) == ["ZIP codes: 1 new."]

    newer.zip_points[zcta(_TX, 1)] = (31.5, -97.25)
    publish(ground.given, newer, "zip_points")
    area = ground.renew().tables.zip_area(zcta(_TX, 1))
    assert area is not None
    assert area.point == (31.5, -97.25)


def test_a_crosswalk_that_lacks_many_zip_areas_is_refused(ground: Ground) -> None:
    newer = country()
    gone = {code for code in newer.zip_points if code.startswith("48")}
    kept = [pair for pair in newer.crosswalk if pair[1] not in gone or int(pair[1][2:]) < 10]
    newer.crosswalk = kept
    publish(ground.given, newer, "crosswalk")

    assert "ZIP areas are missing in the new crosswalk: is it whole?" in ground.refusal()


@pytest.mark.parametrize("congress", [117, 120])
def test_a_crosswalk_of_another_congress_is_refused(ground: Ground, congress: int) -> None:
    publish(ground.given, country())
    (ground.given / f"zcta520-cd{congress}.txt").write_text(crosswalk_of(country(), congress))

    assert ground.refusal() == (
        f"The crosswalk is of the {congress}th Congress, and the members are of the 119th: give both of the same one."
    )


# The turn of the Congress


def test_members_of_the_next_congress_take_the_zip_codes_as_they_are(ground: Ground) -> None:
    publish(ground.given, of_next_congress(country()), "members")

    renewal = ground.renew(members=FRESH)

    assert said(renewal) == ["These are the members of the 120th Congress; so far the tables were those of the 119th."]
    assert (renewal.tables.congress, renewal.tables.map_congress) == (120, 119)
    assert renewal.files["zips.csv"] == (ground.at / "zips.csv").read_bytes()
    assert renewal.tables.about["valid_from"] == "2027-01-03T12:00:00-05:00"


def test_the_same_members_with_the_next_crosswalk_are_news(ground: Ground) -> None:
    publish(ground.given, of_next_congress(country()), "members")
    ground.take(ground.renew(members=FRESH))
    (ground.given / "zcta520-cd120.txt").write_text(crosswalk_of(country(), 120))

    renewal = ground.renew(members=FRESH)

    assert renewal.is_news
    assert renewal.tables.map_congress == 120


def test_members_of_the_next_congress_are_newer_whatever_the_day(ground: Ground) -> None:
    publish(ground.given, of_next_congress(country()), "members")
    ground.take(ground.renew(members=SAME))

    publish(ground.given, country(), "members")
    renewal = ground.renew(members=FRESH)

    assert not renewal.is_news
    assert (
        "those of 2026-11-20 (119th Congress), and older than the tables in force (2026-10-03, 120th"
        in (renewal.remarks[0])
    )


def test_the_given_congress_is_that_of_most_terms_in_the_house(ground: Ground) -> None:
    publish(ground.given, of_next_congress(country()), "members")
    assert congress_given(from_folder(ground.given, {})) == 120

    publish(ground.given, country(), "offices")
    (ground.given / NAMES["members"]).unlink()
    assert congress_given(from_folder(ground.given, {})) is None


@pytest.mark.parametrize(("renewed", "congress"), [(440, "120th"), (5, "119th")])
def test_members_in_the_middle_of_the_turn_are_refused(ground: Ground, renewed: int, congress: str) -> None:
    newer = country()
    for one in members_of(newer, "rep")[:renewed]:
        one.term.update(start="2027-01-03", end="2029-01-03")
    publish(ground.given, newer, "members")

    sentence = ground.refusal(members=FRESH)

    others = min(renewed, 441 - renewed)
    assert f": the terms of {others} are of another Congress than the {congress}, of which most members" in sentence
    assert sentence.endswith("The published members are still being changed: try again in a few days.")


def test_a_senator_whose_term_ended_with_the_last_congress_is_refused_in_the_next(ground: Ground) -> None:
    newer = of_next_congress(country())
    senator = members_of(newer, "sen")[0]
    senator.term.update(start="2021-01-03", end="2027-01-03")
    publish(ground.given, newer, "members")

    assert ground.refusal().startswith("AK-S2: the terms of 1 are of another Congress than the 120th")


def test_an_appointed_senator_past_the_end_of_a_term_sits_on(ground: Ground) -> None:
    newer = country()
    members_of(newer, "sen")[0].term.update(end="2026-11-03", how="appointment")
    publish(ground.given, newer, "members")

    assert legislator(ground.renew(members=FRESH).tables, "AK-S2").until == date(2026, 11, 3)


# Guards


def test_five_seats_may_become_vacant_at_once_and_six_only_by_force(ground: Ground) -> None:
    newer = country()
    gone = [f"H48{number:04}" for number in range(1, 7)]
    without(newer, *gone[:5])
    publish(ground.given, newer, "members")
    assert len(ground.renew(members=FRESH).report) == 5

    without(newer, *gone)
    publish(ground.given, newer, "members")
    assert ground.refusal(TooManyLost, members=FRESH) == (
        "6 seats would become vacant at once (TX-1, TX-2, TX-3, TX-4, TX-5, TX-6): that looks like a file that is not "
        "whole. If it is true, say so with --force."
    )
    assert len(ground.renew(members=FRESH, force=True).report) == 6


def test_a_foreign_web_address_is_refused_and_by_force_left_out(ground: Ground) -> None:
    newer = country()
    member(newer, TX_1).term["contact_form"] = "https://house.gov.example.com/contact"
    publish(ground.given, newer, "members")

    assert ground.refusal(members=FRESH) == (
        "Robin MemberH480001 Jr. (H480001) has a contact_form at house.gov.example.com, which is neither house.gov nor "
        "senate.gov: put the right one into the corrections."
    )
    assert legislator(ground.renew(members=FRESH, force=True).tables, "TX-1").contact_form == ""


@pytest.mark.parametrize("chamber", [None, "sen"])
def test_members_without_a_house_are_refused(ground: Ground, chamber: str | None) -> None:
    newer = country()
    newer.members = [one.record for one in members_of(newer, chamber)] if chamber else []
    publish(ground.given, newer, "members")

    assert ground.refusal(members=FRESH) == (
        "There is nobody of the House among the members: is it the right file, and whole?"
    )
    with pytest.raises(InputUnusable, match="nobody of the House"):
        congress_given(from_folder(ground.given, {}))


@pytest.mark.parametrize("text", ["\ud800", "x" * 200_000])
def test_a_text_that_no_table_can_hold_is_refused(ground: Ground, text: str) -> None:
    newer = country()
    member(newer, TX_1).name["official_full"] = text
    publish(ground.given, newer, "members")

    ground.refusal(members=FRESH)


def test_of_the_changed_holders_the_report_says_so_and_of_a_changed_telephone_it_does_not(ground: Ground) -> None:
    newer = country()
    without(newer, TX_1)
    member(newer, WY).term["phone"] = "202-225-9999"
    publish(ground.given, newer, "members")

    report: Mapping[Seat | None, bool] = {change.seat: change.holder for change in ground.renew(members=FRESH).report}

    assert report == {Seat("TX-1"): True, Seat("WY-AL"): False}


def test_the_ids_of_the_made_up_country_are_those_that_these_tests_name(ground: Ground) -> None:
    assert legislator(ground.tables, "WY-AL").bioguide == Bioguide(WY)
    assert legislator(ground.tables, "TX-1").bioguide == Bioguide(TX_1)
    assert json.loads((ground.at / "manifest.json").read_bytes())["as_of"] == "2026-10-03"
