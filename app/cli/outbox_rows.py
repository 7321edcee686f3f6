"""`flask outbox status|list|show|retry|park|cancel`: what waits and what has become of it, and moving it by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.addresses import mask_email
from app.cli.plainly import plainly, say, table
from app.cli.site import site
from app.db import writing
from app.delivery import outbox as queue
from app.delivery.outbox import MoveRefused
from app.delivery.overview import LATELY, Overview, listed, overview
from app.extensions import db
from app.heartbeat import is_late
from app.models import Delivery, DeliveryEvent, DeliveryKind, DeliveryState

_SHOWN = 50


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_appcontext
def status(as_json: bool) -> None:
    """What waits, what went, and what stands in the way."""
    now = site().clock()
    with plainly():
        found, late = overview(db.session(), now), is_late(db.session(), now)
    if as_json:
        click.echo(json.dumps(_as_json(found, worker_late=late), indent=2))
        return
    _counts(found)
    click.echo("")
    for name, words in _remarks(found, now, worker_late=late):
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
    table(rows, right=True)


def _remarks(found: Overview, now: datetime, *, worker_late: bool) -> list[tuple[str, str]]:
    due = f"{found.due:,}" if found.due else "nothing"
    if found.oldest_due is not None:
        due += f", the oldest for {_span(now - found.oldest_due)}"
    if found.next_due is not None:
        due += f"; the next one in {_span(found.next_due - now)}"
    config = site().config
    pace = f" (MAIL_RATE is {config.mail_rate} a minute)" if config.mail_rate else ""
    minutes = int(LATELY / timedelta(minutes=1))
    return [
        ("due now", due),
        ("rate", f"{found.per_minute:,.1f} a minute over the last {minutes} minutes{pace}"),
        ("sending", "on" if found.paused_since is None else f"PAUSED since {_moment(found.paused_since)}"),
        ("mail server", _server(found, now)),
        ("worker", "LATE: it has shown no life for a minute" if worker_late else "alive"),
        *([("bounces", f"{found.bounced:,} in the last 24 hours")] if found.bounced else []),
        *([("dead", f"{found.dead:,} addresses, to which nothing is sent any more")] if found.dead else []),
    ]


def _server(found: Overview, now: datetime) -> str:
    if found.refusal is None:
        return "takes what it is given, as far as we know"
    told, since, until = found.refusal.told, found.refusal.since, found.refusal.until
    again = f"asked again in {_span(until - now)}" if until > now else "asked again with the next message"
    return f"TAKES NOTHING since {_moment(since)}: {told}; {again}. See: .venv/bin/flask doctor"


def _as_json(found: Overview, *, worker_late: bool) -> dict[str, object]:
    refused = found.refusal
    return {
        "deliveries": [
            {"state": state, "kind": kind, "count": count} for (state, kind), count in sorted(found.counts.items())
        ],
        "due": found.due,
        "oldest_due": _iso(found.oldest_due),
        "next_due": _iso(found.next_due),
        "per_minute": round(found.per_minute, 1),
        "paused_since": _iso(found.paused_since),
        "refused": refused
        and {"since": _iso(refused.since), "why": refused.why, "code": refused.code, "until": _iso(refused.until)},
        "worker": "late" if worker_late else "ok",
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
    """The deliveries in some state, the newest first."""
    with plainly():
        found = listed(db.session(), [DeliveryState(state) for state in states], limit)
    if ids:
        for delivery in found:
            click.echo(delivery.id)
    elif as_json:
        click.echo(json.dumps([_row(delivery) for delivery in found], indent=2))
    elif found:
        head = ("ID", "KIND", "STATE", "TO", "TRIED", "WHEN", "WHY")
        table([head, *(_line(delivery) for delivery in found)])
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
        row, events = _row(delivery), [_event(event) for event in delivery.events]
    if as_json:
        click.echo(json.dumps(row | {"events": events}, indent=2))
        return
    for name, value in row.items():
        click.echo(f"{name:<13}{'-' if value is None else value}")
    click.echo("")
    head = ("AT", "STATE", "WHY", "CODE", "THE SERVER'S WORDS")
    table([head, *(tuple(str(value or "-") for value in event.values()) for event in events)])


def _moving(verb: Callable[[Session, Delivery, datetime], None], ids: Sequence[int], done: str) -> None:
    """Move all of them, or none."""
    session = db.session()
    try:
        with plainly(), writing(session):
            for number in dict.fromkeys(ids):
                verb(session, _named(session, number), site().clock())
    except MoveRefused as error:
        raise click.ClickException(f"Delivery {error.delivery_id}: {error.why}. Nothing was changed.") from None
    count = len(set(ids))
    say(f"{count} {'delivery' if count == 1 else 'deliveries'} {done}.")


_IDS = click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)


@click.command()
@_IDS
@with_appcontext
def retry(ids: Sequence[int]) -> None:
    """Send these now, with all their attempts before them: what waits, has failed or was parked."""
    _moving(queue.retry, ids, "will be sent")


@click.command()
@_IDS
@with_appcontext
def park(ids: Sequence[int]) -> None:
    """Leave these unsent until `retry` or `cancel`. Receipts say that it is not certain what became of them."""
    _moving(queue.set_aside, ids, "parked")


@click.command()
@_IDS
@with_appcontext
def cancel(ids: Sequence[int]) -> None:
    """Never send these: what is held, waits, was parked or is for its signer to deliver. Nobody is told by mail."""
    _moving(queue.drop, ids, "cancelled")


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
        "why": last.why if last else None,
        "code": last.code if last else None,
    }


def _line(delivery: Delivery) -> tuple[str, ...]:
    row = _row(delivery)
    when = delivery.ended_at or delivery.due_at or delivery.created_at
    why = f"{row['why'] or '-'} {row['code'] or ''}".strip()
    return str(row["id"]), str(row["kind"]), str(row["state"]), str(row["to"]), str(row["tried"]), _moment(when), why


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
        return f"{delivery.letter.recipient} <{delivery.recipient or '-'}>"
    return mask_email(delivery.recipient) if delivery.recipient else "-"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(span: timedelta) -> str:
    """`45 s`, `12 min`, `3 h`, `2 days`: whole numbers, rounded down."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
