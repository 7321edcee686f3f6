"""`flask outbox status|list|show|retry|park|cancel`: what waits and what has become of it, and moving it by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.addresses import mask_email
from app.cli.plainly import plainly, say, table
from app.cli.site import site
from app.cli.words import counted, moment, paused, refused, span
from app.db import tried, writing
from app.delivery import outbox as queue
from app.delivery.breaker import ask_again
from app.delivery.outbox import MoveRefused
from app.delivery.overview import LATELY, Overview, listed, overview
from app.delivery.pause import paused_since
from app.extensions import db
from app.heartbeat import is_late, last_sign
from app.models import Delivery, DeliveryEvent, DeliveryKind, DeliveryState
from app.obstacles import Obstacle

_SHOWN = 50


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_appcontext
def status(as_json: bool) -> None:
    """What waits, what went, and what stands in the way."""
    now = site().clock()
    with plainly():
        found, worker = overview(db.session(), now), _Worker.of(db.session(), now)
    if as_json:
        click.echo(json.dumps(_as_json(found, worker), indent=2))
        return
    _counts(found)
    click.echo("")
    for name, words in _remarks(found, now, worker):
        click.echo(f"{name:<13}{words}")


def _counts(found: Overview) -> None:
    """A row for each state that occurs, a column for each kind."""
    kinds = [kind for kind in DeliveryKind if any(kind is counted for _state, counted in found.counts)]
    states = [state for state in DeliveryState if any(state is counted for counted, _kind in found.counts)]
    if not states:
        click.echo("Nothing has been written yet.")
        return
    rows = [("STATE", *(kind.upper() for kind in kinds), "ALL")]
    for state in states:
        numbers = [found.counts.get((state, kind), 0) for kind in kinds]
        rows.append((state.value, *(f"{number:,}" if number else "-" for number in numbers), f"{sum(numbers):,}"))
    table(rows, numbers_from=1)


@dataclass(frozen=True, slots=True)
class _Worker:
    is_late: bool
    last_sign: datetime | None
    """None when none runs that could have given one."""
    obstacle: Obstacle | None = None
    """What keeps it from giving one."""

    @classmethod
    def of(cls, session: Session, now: datetime) -> _Worker:
        """As it stands; whether it could show life is tried only when it does not."""
        late, last = is_late(session, now), last_sign(session, now)
        return cls(late, last, tried(session) if late and last is not None else None)

    def told(self, now: datetime) -> str:
        if self.last_sign is None:
            return "NOT RUNNING: it was stopped, or never started. To start it: systemctl start redress, or bin/run"
        if self.is_late and self.last_sign > now:
            return f"LATE: its last sign of life is of {moment(self.last_sign)}; a clock is wrong, here or there"
        if self.is_late and self.obstacle:
            since = moment(self.last_sign)
            return f"LATE: it cannot show life since {since}: the database takes no change ({self.obstacle.words})"
        if self.is_late:
            return f"LATE: it has shown no life since {moment(self.last_sign)}; it was killed, or hangs"
        return "alive"


def _remarks(found: Overview, now: datetime, worker: _Worker) -> list[tuple[str, str]]:
    waiting = found.waiting
    due = f"{waiting.due:,}" if waiting.due else "nothing"
    if waiting.oldest_due is not None:
        due += f", the oldest for {span(now - waiting.oldest_due)}"
    if waiting.next_due is not None:
        due += f"; the next one in {span(waiting.next_due - now)}"
    minutes = int(LATELY / timedelta(minutes=1))
    return [
        ("due now", due),
        ("rate", f"{found.per_minute:,.1f} a minute over the last {minutes} minutes{_paces()}"),
        ("sending", f"PAUSED {paused(found.paused_since)}" if found.paused_since else "on"),
        ("mail server", f"TAKES NOTHING {refused(found.refusal, now)}" if found.refusal else _TAKES),
        ("worker", worker.told(now)),
        *([("bounces", f"{found.bounced:,} in the last 24 hours")] if found.bounced else []),
        *([("dead", f"{_addresses(found.dead)}, to which nothing is sent any more")] if found.dead else []),
    ]


_TAKES = "takes what it is given, as far as we know"


def _addresses(count: int) -> str:
    return counted(count, "address", "addresses")


def _paces() -> str:
    config = site().config
    rates = (("MAIL_RATE", config.mail_rate, ""), ("OFFICE_RATE", config.office_rate, " to each office"))
    told = [f"{name} is {rate} a minute{whose}" for name, rate, whose in rates if rate]
    return f" ({', '.join(told)})" if told else ""


def _as_json(found: Overview, worker: _Worker) -> dict[str, object]:
    by = found.refusal
    return {
        "deliveries": [
            {"state": state, "kind": kind, "count": count} for (state, kind), count in sorted(found.counts.items())
        ],
        "due": found.waiting.due,
        "oldest_due": _iso(found.waiting.oldest_due),
        "next_due": _iso(found.waiting.next_due),
        "per_minute": round(found.per_minute, 1),
        "paused_since": _iso(found.paused_since),
        "refused": by and {"since": _iso(by.since), "why": by.why, "code": by.code, "until": _iso(by.until)},
        "worker": "late" if worker.is_late else "ok",
        "worker_last_seen": _iso(worker.last_sign),
        "dead_addresses": found.dead,
        "bounced_in_24_hours": found.bounced,
    }


@click.command("list")
@click.option(
    "--state", "states", multiple=True, type=click.Choice([state.value for state in DeliveryState]), help="Only these."
)
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=_SHOWN, show_default=True, help="At most so many.")
@click.option("--ids", is_flag=True, help="Only their numbers, one a line: for `xargs`.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_appcontext
def list_(states: Sequence[str], limit: int, ids: bool, as_json: bool) -> None:
    """The deliveries in some state, the newest first.

    SINCE: when it came into its state. NEXT TRY: when one that waits may go, if nothing stands in the way.
    """
    with plainly():
        found = listed(db.session(), [DeliveryState(state) for state in states], limit)
    if as_json:
        click.echo(json.dumps([delivery.id if ids else _row(delivery) for delivery in found], indent=2))
    elif ids:
        for delivery in found:
            click.echo(delivery.id)
    elif found:
        now = site().clock()
        head = ("ID", "KIND", "STATE", "SINCE", "NEXT TRY", "TRIED", "WHY", "TO")
        table([head, *(_line(delivery, now) for delivery in found)])
    else:
        say("There are none.")


@click.command()
@click.argument("delivery_id", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_appcontext
def show(delivery_id: int, as_json: bool) -> None:
    """One delivery, with everything that has happened to it."""
    with plainly():
        delivery = _named(db.session(), delivery_id)
        events = list(delivery.events)
    if as_json:
        click.echo(json.dumps(_row(delivery) | {"events": [_event(event) for event in events]}, indent=2))
        return
    for name, words in _facts(delivery, site().clock()):
        click.echo(f"{name:<13}{words}")
    click.echo("")
    table([("AT", "STATE", "WHY", "CODE", "THE SERVER'S WORDS"), *(_event_line(event) for event in events)])


@contextmanager
def _all_or_none() -> Iterator[Session]:
    """A write transaction, in which a move that is refused undoes the others."""
    session = db.session()
    try:
        with plainly(), writing(session):
            yield session
    except MoveRefused as error:
        raise click.ClickException(f"Delivery {error.delivery_id}: {error.why}. Nothing was changed.") from None


def _moved(session: Session, verb: Callable[[Session, Delivery, datetime], None], ids: Sequence[int]) -> str:
    """How many that were, in words."""
    numbers = dict.fromkeys(ids)
    for number in numbers:
        verb(session, _named(session, number), site().clock())
    return counted(len(numbers), "delivery", "deliveries")


_IDS = click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)


@click.command()
@_IDS
@with_appcontext
def retry(ids: Sequence[int]) -> None:
    """Send these now, with all their attempts before them: what waits, has failed or was parked.

    A mail server that is left in peace for a while, since it took nothing, is asked again with the next message.
    """
    with _all_or_none() as session:
        moved = _moved(session, queue.retry, ids)
        is_asked, pause = ask_again(session, site().clock()), paused_since(session)
    if pause:
        say(f"{moved} will be sent when sending goes on. It has been paused {paused(pause)}")
    else:
        say(f"{moved} will be sent.")
    if is_asked:
        say("The mail server, which took nothing, is asked again with the next message.")


@click.command()
@_IDS
@with_appcontext
def park(ids: Sequence[int]) -> None:
    """Leave these unsent until `retry` or `cancel`. Receipts say that it is not certain what became of them."""
    with _all_or_none() as session:
        moved = _moved(session, queue.set_aside, ids)
    say(f"{moved} parked.")


@click.command()
@_IDS
@with_appcontext
def cancel(ids: Sequence[int]) -> None:
    """Never send these: what is held, waits, was parked or is for its signer to deliver. Nobody is told by mail."""
    with _all_or_none() as session:
        moved = _moved(session, queue.drop, ids)
    say(f"{moved} cancelled.")


def _named(session: Session, number: int) -> Delivery:
    delivery = session.get(Delivery, number) if 0 < number < 2**31 else None
    if delivery is None:
        raise click.ClickException(f"There is no delivery {number}. Nothing was changed.")
    return delivery


def _row(delivery: Delivery) -> dict[str, object]:
    """What a person may see: an office's address in full, a signer's masked."""
    last = delivery.events[-1] if delivery.events else None
    return {
        "id": delivery.id,
        "kind": delivery.kind,
        "state": delivery.state,
        "channel": delivery.channel,
        "to": _to(delivery),
        "tried": delivery.attempts,
        "written": _iso(delivery.created_at),
        "due": _iso(delivery.due_at),
        "ended": _iso(delivery.ended_at),
        "since": _iso(_since(delivery)),
        "why": last.why if last else None,
        "code": last.code if last else None,
    }


def _facts(delivery: Delivery, now: datetime) -> list[tuple[str, str]]:
    """The same for people: with one moment for what it is now, where JSON has those of the columns."""
    again = delivery.due_at if delivery.state is DeliveryState.QUEUED else None
    return [
        ("id", str(delivery.id)),
        ("kind", delivery.kind),
        ("state", delivery.state),
        ("since", moment(_since(delivery))),
        ("why", _why(delivery)),
        *([("next try", f"{_next_try(delivery, now)} ({moment(again)})")] if again else []),
        ("tried", counted(delivery.attempts, "time")),
        ("written", moment(delivery.created_at)),
        ("channel", delivery.channel),
        ("to", _to(delivery)),
    ]


def _line(delivery: Delivery, now: datetime) -> tuple[str, ...]:
    return (
        str(delivery.id),
        delivery.kind,
        delivery.state,
        moment(_since(delivery)),
        _next_try(delivery, now),
        str(delivery.attempts),
        _why(delivery),
        _to(delivery),
    )


def _since(delivery: Delivery) -> datetime:
    """When it came into its state; the acceptance of one that came back was before."""
    moves = takewhile(lambda event: event.state is delivery.state, reversed(delivery.events))
    return min((event.at for event in moves), default=delivery.ended_at or delivery.created_at)


def _next_try(delivery: Delivery, now: datetime) -> str:
    if delivery.state is not DeliveryState.QUEUED or delivery.due_at is None:
        return "-"
    return f"in {span(delivery.due_at - now)}" if delivery.due_at > now else "due"


def _why(delivery: Delivery) -> str:
    if not delivery.events:
        return "-"
    last = delivery.events[-1]
    return f"{last.why} ({last.code})" if last.code else last.why


def _event_line(event: DeliveryEvent) -> tuple[str, ...]:
    code, said = str(event.code or "-"), event.said or "-"
    return moment(event.at), event.state, event.why, code, said.removeprefix(f"{code} ")


def _event(event: DeliveryEvent) -> dict[str, object]:
    return {
        "at": _iso(event.at),
        "state": event.state,
        "why": event.why,
        "code": event.code,
        "said": event.said,
    }


def _to(delivery: Delivery) -> str:
    if delivery.letter is not None:
        return (
            f"{delivery.letter.recipient} <{delivery.recipient}>" if delivery.recipient else delivery.letter.recipient
        )
    return mask_email(delivery.recipient) if delivery.recipient else "-"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
