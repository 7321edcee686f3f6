"""What can be done with campaigns. The caller of a verb commits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.campaigns import (
    CampaignFileError,
    NeverPublished,
    NoSuchCampaign,
    Standing,
    close,
    find,
    import_campaign,
    import_draft,
    newest_revision,
    open_campaigns,
    publish,
    read,
    standing,
)
from app.db import writing
from app.models import COUNTED, Campaign, CampaignRevision, CampaignState, Signature
from tests.campaigns.test_files import campaign, source

NOW = datetime(2030, 3, 2, 12, 0, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def noise(session: Session) -> None:
    """Other campaigns, so that a missing WHERE shows: one draft, one published, one closed."""
    with writing(session):
        for slug in ("noise-draft", "noise-published", "noise-closed"):
            import_campaign(session, source(slug=f'"{slug}"'), NOW)
        for slug in ("noise-published", "noise-closed"):
            publish(session, slug, NOW)
        close(session, "noise-closed")


def sources(session: Session, slug: str) -> list[tuple[int, str]]:
    rows = session.execute(
        select(CampaignRevision.number, CampaignRevision.source)
        .join(Campaign)
        .where(Campaign.slug == slug)
        .order_by(CampaignRevision.number)
    )
    return [(number, text) for number, text in rows]


def test_a_new_file_is_a_draft_that_nobody_sees(session: Session) -> None:
    with writing(session):
        stored = import_campaign(session, source(), NOW)

    assert (stored.slug, stored.state, stored.created_at) == ("save-the-creek", CampaignState.DRAFT, NOW)
    assert stored.source == source()
    assert find(session, "save-the-creek") is None
    assert newest_revision(session, stored) is None


def test_a_published_campaign_is_found_with_its_newest_revision(session: Session) -> None:
    with writing(session):
        import_campaign(session, source(), NOW)
        revision = publish(session, "save-the-creek", NOW)

    found = find(session, "save-the-creek")

    assert found == (revision.campaign_id, CampaignState.PUBLISHED, revision.id, source())
    assert (revision.number, revision.published_at) == (1, NOW)
    assert read(found.source) == campaign()


def test_importing_again_changes_nothing_for_supporters_until_it_is_published(session: Session) -> None:
    later = NOW + timedelta(days=1)
    with writing(session):
        import_campaign(session, source(), NOW)
        publish(session, "save-the-creek", NOW)
        stored = import_campaign(session, source(story="New."), later)

    assert (stored.state, stored.created_at) == (CampaignState.PUBLISHED, NOW)
    found = find(session, "save-the-creek")
    assert found is not None
    assert found.source == source()

    with writing(session):
        revision = publish(session, "save-the-creek", later)

    assert (revision.number, revision.published_at) == (2, later)
    assert sources(session, "save-the-creek") == [(1, source()), (2, source(story="New."))]
    found = find(session, "save-the-creek")
    assert found is not None
    assert (found.revision_id, found.source) == (revision.id, revision.source)


def test_publishing_the_same_text_adds_no_revision(session: Session) -> None:
    with writing(session):
        import_campaign(session, source(), NOW)
        first = publish(session, "save-the-creek", NOW)
        again = publish(session, "save-the-creek", NOW + timedelta(days=1))

    assert again.id == first.id
    assert len(sources(session, "save-the-creek")) == 1


def test_going_back_to_an_older_text_is_a_new_revision(session: Session) -> None:
    with writing(session):
        for text in (source(), source(story="New."), source()):
            import_campaign(session, text, NOW)
            publish(session, "save-the-creek", NOW)

    assert [number for number, _ in sources(session, "save-the-creek")] == [1, 2, 3]


def test_line_ends_and_a_byte_order_mark_are_no_change(session: Session) -> None:
    with writing(session):
        stored = import_campaign(session, "\ufeff" + source().replace("\n", "\r\n"), NOW)

    assert stored.source == source()


def test_a_file_with_problems_is_not_kept(session: Session) -> None:
    with pytest.raises(CampaignFileError), writing(session):
        import_campaign(session, source(letter="Dear [Your Nmae]"), NOW)

    assert session.scalar(select(Campaign).where(Campaign.slug == "save-the-creek")) is None


def test_a_campaign_that_became_wrong_is_not_published(session: Session) -> None:
    with writing(session):
        import_campaign(session, source(), NOW).source = source(slug='"privacy"')

    with pytest.raises(CampaignFileError), writing(session):
        publish(session, "save-the-creek", NOW)

    assert find(session, "save-the-creek") is None


def test_a_draft_takes_the_next_free_slug_and_is_kept_once(session: Session) -> None:
    with writing(session):
        slugs = [
            import_draft(session, campaign(slug=slug, story=story), NOW).slug
            for slug, story in (
                ("noise-published", "One."),
                ("noise-published", "Two."),
                ("noise-published", "One."),
                ("free", "One."),
                ("a" * 61 + "-bc", "One."),
                ("a" * 61 + "-bc", "Two."),
            )
        ]

    assert slugs[:3] == ["noise-published-2", "noise-published-3", "noise-published-2"]
    assert slugs[3:] == ["free", "a" * 61 + "-bc", "a" * 61 + "-2"]
    found = find(session, "noise-published")
    assert found is not None
    assert found.source == source(slug='"noise-published"')


def test_a_closed_campaign_is_found_and_can_be_published_again(session: Session) -> None:
    with writing(session):
        import_campaign(session, source(), NOW)
        publish(session, "save-the-creek", NOW)
        close(session, "save-the-creek")
        close(session, "save-the-creek")

    found = find(session, "save-the-creek")
    assert found is not None
    assert found.state is CampaignState.CLOSED

    with writing(session):
        publish(session, "save-the-creek", NOW)
    assert [file.slug for file in open_campaigns(session, TODAY)] == ["noise-published", "save-the-creek"]


def test_a_draft_can_not_be_closed(session: Session) -> None:
    with pytest.raises(NeverPublished), writing(session):
        close(session, "noise-draft")


def test_an_unknown_slug_is_said(session: Session) -> None:
    with pytest.raises(NoSuchCampaign), writing(session):
        publish(session, "nothing", NOW)
    with pytest.raises(NoSuchCampaign), writing(session):
        close(session, "nothing")


@pytest.mark.parametrize("slug", ["nothing", "", "noise-draft", "NOISE-PUBLISHED", "a\x00b", "é", "x" * 10_000, "%"])
def test_nothing_stands_at_other_addresses(session: Session, slug: str) -> None:
    assert find(session, slug) is None


def test_open_campaigns_are_those_of_the_day_as_published(session: Session) -> None:
    with writing(session):
        for slug, days in {
            "since-today": {"opens": "2030-03-02"},
            "until-today": {"closes": "2030-03-02"},
            "tomorrow": {"opens": "2030-03-03"},
            "yesterday": {"closes": "2030-03-01"},
        }.items():
            import_campaign(session, source(slug=f'"{slug}"', **days), NOW)
            publish(session, slug, NOW)
        import_campaign(session, source(slug='"since-today"', closes="2030-01-01"), NOW)  # not published
        import_campaign(session, source(slug='"until-today"', title='"Two"', closes="2030-03-02"), NOW)
        publish(session, "until-today", NOW)

    files = open_campaigns(session, TODAY)

    assert [file.slug for file in files] == ["noise-published", "since-today", "until-today"]
    assert files[2].title == "Two"


@pytest.mark.parametrize(
    ("state", "opens", "closes", "expected"),
    [
        (CampaignState.PUBLISHED, None, None, Standing.OPEN),
        (CampaignState.PUBLISHED, TODAY, TODAY, Standing.OPEN),
        (CampaignState.PUBLISHED, TODAY + timedelta(days=1), None, Standing.NOT_YET),
        (CampaignState.PUBLISHED, None, TODAY - timedelta(days=1), Standing.CLOSED),
        (CampaignState.CLOSED, None, None, Standing.CLOSED),
        (CampaignState.CLOSED, TODAY + timedelta(days=1), None, Standing.CLOSED),
        (CampaignState.DRAFT, None, None, Standing.NOT_YET),
    ],
)
def test_the_standing_of_a_day(
    state: CampaignState, opens: date | None, closes: date | None, expected: Standing
) -> None:
    assert standing(state, campaign(opens=opens, closes=closes), TODAY) is expected


@pytest.mark.file
def test_signers_are_counted_by_an_index_that_holds_nobody_else(session: Session) -> None:
    counting = select(func.count()).select_from(Signature).where(Signature.campaign_id == 1, text(COUNTED))
    plan = session.execute(text(f"EXPLAIN QUERY PLAN {counting.compile(compile_kwargs={'literal_binds': True})}")).all()

    assert [row.detail for row in plan] == ["SEARCH signature USING INDEX ix_signature_counted (campaign_id=?)"]
