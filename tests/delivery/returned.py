"""Messages that come back, as well-known mail servers write them; in words of ours, with addresses that nobody has."""

from __future__ import annotations

VERP = "b+0b7d4d4e6f3a4d0e9f0e1c2d3e4f5a6b.0123456789abcdef@example.org"
OFFICE = "staff@office.example"

_QUOTED = f"""Return-Path: <{VERP}>
From: Ana Garcia via Friends of the Well <letters@example.org>
To: {OFFICE}
Subject: The well
Message-ID: <1@example.org>

Dear Senator, look after the well.
"""


def _mail(to: str, sender: str, subject: str, kind: str, body: str, more: str = "", envelope: str = "") -> bytes:
    head = f"Return-Path: <{envelope}>\nDelivered-To: {to}\nFrom: {sender}\nTo: {to}\nSubject: {subject}\n{more}"
    return f"{head}MIME-Version: 1.0\nContent-Type: {kind}\n\n{body}".replace("\n", "\r\n").encode()


def report(
    to: str = VERP,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = f"smtp; 550 5.1.1 <{OFFICE}>: Recipient address rejected: User unknown",
    subject: str = "Undelivered Mail Returned to Sender",
    sender: str = "MAILER-DAEMON@mx.example.org (Mail Delivery System)",
    recipient: str = OFFICE,
    quoted: str = _QUOTED,
    more: str = "",
) -> bytes:
    """As Postfix writes it, by the standard."""
    body = f"""This is a MIME-encapsulated message.

--9D4F.1764000000/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org.

I am sorry to have to inform you that your message could not
be delivered to one or more recipients.

<{recipient}>: host mx.office.example[192.0.2.25] said: {diagnostic.partition(";")[2].strip()} (in reply to RCPT TO)

--9D4F.1764000000/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 9D4F
Arrival-Date: Tue, 24 Nov 2026 17:00:00 +0000 (UTC)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.office.example
Diagnostic-Code: {diagnostic}

--9D4F.1764000000/mx.example.org
Content-Description: Undelivered Message
Content-Type: message/rfc822

{quoted}
--9D4F.1764000000/mx.example.org--
"""
    kind = 'multipart/report; report-type=delivery-status; boundary="9D4F.1764000000/mx.example.org"'
    return _mail(to, sender, subject, kind, body, f"Auto-Submitted: auto-replied\n{more}")


def delay(to: str = VERP) -> bytes:
    """As Postfix warns after a few hours."""
    return report(
        to,
        action="delayed",
        status="4.4.1",
        diagnostic="smtp; 451 4.4.1 connect to mx.office.example[192.0.2.25]:25: Connection timed out",
        subject="Delayed Mail (still being retried)",
    )


def exim(to: str = VERP) -> bytes:
    """As Exim writes it: plain text, with a header of its own."""
    body = f"""This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {OFFICE}
    host mx.office.example [192.0.2.25]
    SMTP error from remote mail server after RCPT TO:<{OFFICE}>:
    550 5.1.1 no such mailbox

------ This is a copy of your message, including all the headers. ------

{_QUOTED}"""
    more = f"X-Failed-Recipients: {OFFICE}\nAuto-Submitted: auto-replied\n"
    return _mail(
        to,
        "Mail Delivery System <Mailer-Daemon@mx.example.org>",
        "Mail delivery failed: returning message to sender",
        "text/plain; charset=us-ascii",
        body,
        more,
    )


def exim_warning(to: str = VERP) -> bytes:
    """As Exim says that it goes on trying."""
    body = f"""This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.org.

The address to which the message has not yet been delivered is:

  {OFFICE}
    Delay reason: host mx.office.example [192.0.2.25]: 421 too busy

No action is required on your part. Delivery attempts will continue.
"""
    return _mail(
        to,
        "Mail Delivery System <Mailer-Daemon@mx.example.org>",
        "Warning: message 1abc-0001-XY delayed 24 hours",
        "text/plain; charset=us-ascii",
        body,
        "Auto-Submitted: auto-replied\n",
    )


def office_365(to: str = VERP) -> bytes:
    """As Exchange Online writes it: HTML in front, in base64, and a report."""
    body = f"""--_000_
Content-Type: multipart/alternative; boundary="_001_"

--_001_
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: base64

PGh0bWw+PGJvZHk+PHA+WW91ciBtZXNzYWdlIHRvIHRoZSBvZmZpY2UgY291bGRuJ3QgYmUgZGVs
aXZlcmVkLjwvcD48L2JvZHk+PC9odG1sPg==

--_001_--
--_000_
Content-Type: message/delivery-status

Reporting-MTA: dns;DM6PR00.namprd00.prod.outlook.example
Received-From-MTA: dns;mx.example.org
Arrival-Date: Tue, 24 Nov 2026 17:00:01 +0000

Final-Recipient: rfc822;{OFFICE}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
X-Display-Name: staff

--_000_
Content-Type: message/rfc822

{_QUOTED}
--_000_--
"""
    return _mail(
        to,
        "<postmaster@office.example>",
        "Undeliverable: The well",
        'multipart/report; report-type=delivery-status; boundary="_000_"',
        body,
        "Auto-Submitted: auto-replied\nX-MS-Exchange-Message-Is-Ndr:\n",
    )


def old_exchange(to: str = VERP) -> bytes:
    """As Exchange wrote it long ago, without a report."""
    body = f"""Your message

  To:      {OFFICE}
  Subject: The well
  Sent:    Tue, 24 Nov 2026 12:00:00 -0500

did not reach the following recipient(s):

{OFFICE} on Tue, 24 Nov 2026 12:00:02 -0500
    The recipient name is not recognized
        The MTS-ID of the original message is: c=us;a= ;p=office;l=X
    MSEXCH:IMS:OFFICE:HOST 0 (000C05A6) Unknown Recipient
"""
    sender = "System Administrator <postmaster@office.example>"
    return _mail(to, sender, "Undeliverable: The well", "text/plain; charset=us-ascii", body)


def gmail(to: str = VERP) -> bytes:
    """As Gmail writes it: a report, its diagnostic over several lines."""
    diagnostic = (
        "smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try\n"
        " 550-5.1.1 double-checking the recipient's email address for typos or\n"
        " 550 5.1.1 unnecessary spaces. d2e1a72fcca58-0123 - gsmtp"
    )
    return report(
        to,
        diagnostic=diagnostic,
        subject="Delivery Status Notification (Failure)",
        sender="Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
    )


def qmail(to: str = VERP, words: str = "Sorry, no mailbox here by that name. (#5.1.1)") -> bytes:
    """As qmail writes it."""
    body = f"""Hi. This is the qmail-send program at mx.office.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{OFFICE}>:
{words}

--- Below this line is a copy of the message.

{_QUOTED}"""
    return _mail(to, "MAILER-DAEMON@mx.office.example", "failure notice", "text/plain", body)


def sendmail(to: str = VERP) -> bytes:
    """As Sendmail writes it."""
    body = f"""This is a MIME-encapsulated message

--kBO1/mx.example.org

The original message was received at Tue, 24 Nov 2026 17:00:00 GMT
from localhost [127.0.0.1]

   ----- The following addresses had permanent fatal errors -----
<{OFFICE}>
    (reason: 550 5.1.1 <{OFFICE}>... User unknown)

   ----- Transcript of session follows -----
... while talking to mx.office.example.:
>>> RCPT To:<{OFFICE}>
<<< 550 5.1.1 <{OFFICE}>... User unknown

--kBO1/mx.example.org
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Arrival-Date: Tue, 24 Nov 2026 17:00:00 GMT

Final-Recipient: RFC822; {OFFICE}
Action: failed
Status: 5.1.1
Remote-MTA: DNS; mx.office.example
Diagnostic-Code: SMTP; 550 5.1.1 <{OFFICE}>... User unknown
Last-Attempt-Date: Tue, 24 Nov 2026 17:00:01 GMT

--kBO1/mx.example.org
Content-Type: text/rfc822-headers

{_QUOTED.partition("Dear")[0]}
--kBO1/mx.example.org--
"""
    return _mail(
        to,
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.example.org>",
        "Returned mail: see transcript for details",
        'multipart/report; report-type=delivery-status; boundary="kBO1/mx.example.org"',
        body,
        "Auto-Submitted: auto-generated (failure)\n",
    )


def answer(
    to: str = VERP,
    text: str = "We have received your letter and read every one.",
    *,
    subject: str = "Automatic reply: The well",
    sender: str = "Office <staff@office.example>",
    kind: str = 'text/plain; charset="utf-8"',
    more: str = "Auto-Submitted: auto-replied\n",
) -> bytes:
    """As an office's program answers; without `more` as a person does."""
    envelope = "" if "Auto-Submitted" in more else "somebody@office.example"
    return _mail(to, sender, subject, kind, text, more, envelope)


def nested(depth: int, to: str = VERP) -> bytes:
    """A bounce inside so many containers."""
    inner = "Content-Type: text/plain\n\nAction: failed\n"
    for level in range(depth):
        inner = f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n{inner}\n--b{level}--\n'
    head = f"Delivered-To: {to}\nFrom: MAILER-DAEMON@mx.example.org\nSubject: Undelivered\nMIME-Version: 1.0\n"
    return (head + inner).encode()
