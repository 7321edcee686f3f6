"""The switch that pauses sending, and `flask outbox …` that turns it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cli.outbox import outbox
from app.db import writing
from app.delivery.outbox import MoveRefused, park
from app.delivery.pause import LettersUndecided, is_paused, pause, pause_restored, resume
from app.models import DeliveryKind, DeliveryState, SiteState
from tests.delivery.factories import NOW, delivery, moves, reread, signature

S = DeliveryState
HOUR = timedelta(hours=1)


def run(app: Flask, *arguments: str, code: int = 0) -> Result:
    result = app.test_cli_runner().invoke(outbox, arguments)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def restored(session: Session) -> None:
    with writing(session):
        pause_restored(session, "sandbox", NOW)


def letter(session: Session, state: DeliveryState = S.QUEUED, *, confirmed: timedelta = -HOUR) -> int:
    """A letter on its way whose signer confirmed so long before or after the restore; its number."""
    with writing(session):
        signer = signature(session, NOW - HOUR)
        signer.confirmed_at = NOW + confirmed
        lease = "a lease" if state is S.SENDING else None
        until = NOW if lease else None
        return delivery(session, signer, kind=DeliveryKind.LETTER, state=state, lease=lease, leased_until=until).id


def state_of(session: Session) -> SiteState | None:
    session.rollback()
    session.expire_all()
    return session.scalars(select(SiteState)).one_or_none()


def test_sending_is_paused_and_goes_on(app: Flask, session: Session) -> None:
    assert not is_paused(session)

    paused = run(app, "pause")
    assert (paused.stdout, paused.stderr) == (
        "",
        "Sending is paused. To go on: .venv/bin/flask outbox resume\n",
    )
    assert is_paused(session)
    again = run(app, "pause").stderr
    assert again.startswith("Sending has been paused since 20")
    assert again.endswith(" UTC. To go on: .venv/bin/flask outbox resume\n")

    assert run(app, "resume").stderr == "Sending goes on.\n"
    assert not is_paused(session)


def test_when_nothing_is_paused_it_is_said(app: Flask, session: Session) -> None:
    assert run(app, "resume").stderr == "Sending is not paused.\n"
    with writing(session):
        session.add(SiteState(delivery="live"))

    assert run(app, "resume", "--waiting", "park").stderr == "Sending is not paused.\n"


def test_the_mode_of_a_site_stays_what_it_was(session: Session) -> None:
    with writing(session):
        session.add(SiteState(delivery="live"))
    with writing(session):
        pause(session, "sandbox", NOW)

    site = state_of(session)
    assert site is not None
    assert (site.delivery, site.paused_at, site.restored_at) == ("live", NOW, None)


def test_after_a_pause_everything_goes_out_whenever_it_was_written(app: Flask, session: Session) -> None:
    before, after = letter(session), letter(session, confirmed=HOUR)
    with writing(session):
        pause(session, "sandbox", NOW)

    assert run(app, "resume").stderr == "Sending goes on.\n"

    assert [reread(session, one).state for one in (before, after)] == [S.QUEUED, S.QUEUED]


def test_after_a_restore_a_person_decides_about_the_letters_that_waited_in_the_backup(
    app: Flask, session: Session
) -> None:
    waiting = [letter(session), letter(session, S.SENDING)]
    letter(session, confirmed=HOUR)
    restored(session)

    refused = run(app, "resume", code=1)

    assert "2 letters waited in the backup that was restored." in refused.stderr
    assert "--waiting send" in refused.stderr
    assert "--waiting park" in refused.stderr
    assert is_paused(session)
    assert [moves(reread(session, one)) for one in waiting] == [[], []]


def test_letters_of_the_backup_can_be_parked_and_the_others_go(app: Flask, session: Session) -> None:
    queued, sending, later = letter(session), letter(session, S.SENDING), letter(session, confirmed=HOUR)
    restored(session)

    parked = run(app, "resume", "--waiting", "park")

    assert "2 letters that waited in the backup will not be sent" in parked.stderr
    assert parked.stderr.endswith("Sending goes on.\n")
    for one in (queued, sending):
        found = reread(session, one)
        assert (found.state, found.lease, found.leased_until) == (S.PARKED, None, None)
        assert found.ended_at is not None
        assert moves(found) == [(S.PARKED, "restored")]
    assert (reread(session, later).state, moves(reread(session, later))) == (S.QUEUED, [])
    assert not is_paused(session)


def test_letters_of_the_backup_can_be_sent(app: Flask, session: Session) -> None:
    queued, sending = letter(session), letter(session, S.SENDING)
    restored(session)

    sent = run(app, "resume", "--waiting", "send")

    assert "2 letters that waited in the backup will be sent." in sent.stderr
    assert [reread(session, one).state for one in (queued, sending)] == [S.QUEUED, S.SENDING]
    assert not is_paused(session)


def test_mails_to_the_signer_and_letters_that_have_ended_are_no_question(app: Flask, session: Session) -> None:
    with writing(session):
        signer = signature(session, NOW - HOUR)
        signer.confirmed_at = NOW - HOUR
        for kind in (DeliveryKind.CONFIRMATION, DeliveryKind.COPY, DeliveryKind.REMINDER):
            delivery(session, signer, kind=kind)
        for state in set(S) - {S.QUEUED, S.SENDING}:
            delivery(session, signer, kind=DeliveryKind.LETTER, state=state)
    restored(session)

    assert run(app, "resume").stderr == "Sending goes on.\n"


def test_a_restore_during_a_pause_asks_and_a_pause_after_a_restore_changes_nothing(session: Session) -> None:
    letter(session)
    with writing(session):
        pause(session, "sandbox", NOW - HOUR)
    restored(session)
    with writing(session):
        assert pause(session, "sandbox", NOW + HOUR) == NOW

    with pytest.raises(LettersUndecided), writing(session):
        resume(session, NOW)


def test_once_decided_a_later_pause_asks_no_more(app: Flask, session: Session) -> None:
    letter(session)
    restored(session)
    run(app, "resume", "--waiting", "send")
    run(app, "pause")

    assert run(app, "resume").stderr == "Sending goes on.\n"


def test_only_what_is_on_its_way_can_be_parked(session: Session) -> None:
    for state in set(S) - {S.QUEUED, S.SENDING}:
        with pytest.raises(MoveRefused), writing(session):
            park(session, [delivery(session, signature(session), state=state)], NOW, "restored")


def test_a_word_that_is_no_decision_is_refused(app: Flask) -> None:
    assert "'send', 'park'" in run(app, "resume", "--waiting", "drop", code=2).stderr


def test_a_site_that_was_never_started_is_said(app: Flask, session: Session) -> None:
    session.connection().exec_driver_sql("DROP TABLE site_state")
    session.commit()

    for command in ("pause", "resume"):
        assert "bin/run" in run(app, command, code=1).stderr
