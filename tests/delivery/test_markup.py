"""HTML as text: what a reader needs of it, and nothing that was hidden from them."""

from __future__ import annotations

import pytest

from app.delivery.markup import as_text, with_links

LINKS = {
    "a page": ('<a href="https://x.gov/a?b=1&amp;c=2">our form</a>', "our form <https://x.gov/a?b=1&c=2>"),
    "without quotation marks": ("<a class=b href=https://x.gov/a>form</a>", "form <https://x.gov/a>"),
    "single ones": ("<A HREF = 'https://x.gov/a'>form</A>", "form <https://x.gov/a>"),
    "a mailbox": ('<a href="mailto:jane@x.gov?subject=Hi">Jane</a>', "Jane <jane@x.gov>"),
    "a mailbox, encoded": ('<a href="mailto:jane%40x.gov">Jane</a>', "Jane <jane@x.gov>"),
    "several mailboxes": ('<a href="mailto:jane@x.gov,ben@x.gov">us</a>', "us <jane@x.gov, ben@x.gov>"),
    "a mailbox with its name": ('<a href="mailto:Jane%20Roe%20%3Cjane@x.gov%3E">us</a>', "us <jane@x.gov>"),
    "a mailbox without a word for it": ('<a href="jane@x.gov">Jane</a>', "Jane <jane@x.gov>"),
    "a telephone": ('<a href="tel:+12025550143">call</a>', "call <+12025550143>"),
    "an extension": ('<a href="tel:2022243121;ext=4">call us</a>', "call us <2022243121 ext. 4>"),
    "an extension after a pause": ('<a href="tel:2022243121,,4">call us</a>', "call us <2022243121 ext. 4>"),
    "a telephone in brackets": ('<a href="tel:(202)224-3121">call</a>', "call <(202)224-3121>"),
    "a telephone like a page": ('<a href="tel://202-224-3121">call</a>', "call <202-224-3121>"),
    "names like those of signs": ('<a href="//x.gov?a=1&section=2&amp;copy=3">form</a>', "form <https://x.gov?a=1&section=2&copy=3>"),
    "a word behind it": ('<a href="//x.gov">form</a>Help', "form <https://x.gov> Help"),
    "a sign behind it": ('<a href="//x.gov">form</a>, Help', "form <https://x.gov>, Help"),
    "no scheme": ('<a href="www.x.gov/a">form</a>', "form <www.x.gov/a>"),
    "whichever scheme": ('<a href="//x.gov/a">form</a>', "form <https://x.gov/a>"),
    "blanks": ('<a href=" https://x.gov/a b&lt;c&gt;\n">form</a>', "form <https://x.gov/a%20b%3Cc%3E>"),
    "a picture with words": ('<a href="https://x.gov"><img src=a alt="Contact us"></a>', "Contact us <https://x.gov>"),
    "a picture without": ('<a href="https://x.gov"><img src=a></a>', "<https://x.gov>"),
    "a button": ('<a href="https://x.gov"><table><tr><td>Write</td></tr></table></a>now', "Write <https://x.gov>\n\nnow"),
    "a block": ('<a href="https://x.gov"><div>Write</div></a>now', "Write <https://x.gov>\nnow"),
    "an area of a picture": ('<map><area href="https://x.gov" alt="Write"></map>', "Write <https://x.gov>"),
    "two without an end": ('<a href="https://x.gov">a<a href="https://y.gov">b', "a <https://x.gov> b <https://y.gov>"),
    "two pictures": ('<a href="//x.gov/a"><img></a><a href="//x.gov/b"><img></a>', "<https://x.gov/a> <https://x.gov/b>"),
    "relative to a base": ('<head><base href="https://x.gov/en/"></head><a href="../form">form</a>', "form <https://x.gov/form>"),
    "another than it says": ('<a href="https://evil.example">https://x.gov</a>', "https://x.gov <https://evil.example>"),
    "longer than it says": ('<a href="https://x.gov/contact">x.gov</a>', "x.gov <https://x.gov/contact>"),
    "a > in an attribute": ('<a title="a > b" href="https://x.gov">form</a>', "form <https://x.gov>"),
    "an attribute in another": ("<a data-1=\"x href='https://evil.example'\" href='https://x.gov'>a</a>", "a <https://x.gov>"),
    "an apostrophe too many": ("<a title=don't href=https://x.gov>it's</a>", "it's <https://x.gov>"),
}  # fmt: skip
NOT_DOUBLED = {
    "the address itself": '<a href="https://x.gov/a">https://x.gov/a</a>',
    "its short form": '<a href="https://www.x.gov/">X.gov</a>',
    "with a point": '<a href="https://x.gov">see x.gov.</a>',
    "a mailbox": '<a href="mailto:jane@x.gov">jane@x.gov</a>',
    "a sentence": '<a href="mailto:Jane@x.gov">write to jane@x.gov, please</a>',
    "a telephone": '<a href="tel:+1-202-555-0143">(202) 555-0143</a>',
    "an extension": '<a href="tel:202-555-0143;ext=4">(202) 555-0143, ext. 4</a>',
    "two mailboxes": '<a href="mailto:jane@x.gov,ben@x.gov">jane@x.gov, ben@x.gov</a>',
}
NOWHERE = [
    "javascript:alert(1)",
    "JavaScript:alert('a@b')",
    "java\n\tscript:x@y",
    "&#106;avascript:alert(1)",
    "data:text/html,x@y",
    "vbscript:x",
    "file:///etc/passwd",
    "cid:a@b",
    "#top",
    "/contact",
    "contact.html",
    "mailto:",
    "mailto:?subject=x",
    "tel:",
    "https://",
    "",
    "https://x.gov/" + "a" * 3000,
]


@pytest.mark.parametrize(("html", "text"), LINKS.values(), ids=LINKS)
def test_a_link_says_where_it_leads(html: str, text: str) -> None:
    assert as_text(html) == text


@pytest.mark.parametrize("html", NOT_DOUBLED.values(), ids=NOT_DOUBLED)
def test_an_address_that_stands_there_already_is_not_said_twice(html: str) -> None:
    assert "<" not in as_text(html)


@pytest.mark.parametrize("href", NOWHERE, ids=ascii)
def test_what_leads_nowhere_that_a_person_can_go_keeps_its_words_only(href: str) -> None:
    assert as_text(f'Dear <a href="{href}">Ana</a>,') == "Dear Ana,"


def test_a_link_in_which_nothing_is_to_be_seen_is_none() -> None:
    assert as_text('a<a href="https://x.gov"></a><a href="https://x.gov"> </a><a name="x">b</a>') == "a b"


@pytest.mark.parametrize("href", ["javascript:alert(1)", "#top", "", "ftp://[x", "cid:a@b"])
def test_nor_does_a_base_lead_there(href: str) -> None:
    assert as_text(f'<base href="https://x.gov/">Dear <a href="{href}">Ana</a>,') == "Dear Ana,"


FORM = '<a href="https://x.gov/form">{}</a>'
LOST = {
    "a page": ("To write to us, click here.", f"To write to us, {FORM.format('click here')}.", "click here <https://x.gov/form>."),
    "a mailbox": ("Ask Jane.", 'Ask <a href="mailto:jane@x.gov">Jane</a>.', "Jane <jane@x.gov>."),
    "a telephone": ("Call us.", 'Call <a href="tel:2022243121">us</a>.', "us <2022243121>."),
    "words over two lines": ("click\nhere", FORM.format("click here"), "here <https://x.gov/form>"),
    "the same words twice": (
        "here, here",
        FORM.format("here") + ', <a href="https://x.gov/b">here</a>',
        "here <https://x.gov/form>, here <https://x.gov/b>",
    ),
    "beside one that is seen": ("here, x@x.gov", FORM.format("here") + " x@x.gov", "<https://x.gov/form>, x@x.gov"),
}  # fmt: skip
KEPT = {
    "its own way to write them": ("click here [https://x.gov/form]", FORM.format("click here")),
    "another address than that of a program that counts": ("here: https://x.gov", '<a href="https://t.example/1">here</a>'),
    "no words of the links": ("Thank you.", f"Thank you. {FORM.format('Unsubscribe')}"),
    "a part of a word": ("heresy", FORM.format("here")),
    "the telephone": ("Call us, 202-224-3121", '<a href="tel:+12022243121">Call us</a>, 202-224-3121'),
}  # fmt: skip


@pytest.mark.parametrize(("text", "html", "end"), LOST.values(), ids=LOST)
def test_a_plain_form_that_lost_the_addresses_of_links_gets_them_back(text: str, html: str, end: str) -> None:
    assert with_links(text, html).endswith(end)


@pytest.mark.parametrize(("text", "html"), KEPT.values(), ids=KEPT)
def test_a_plain_form_that_lost_none_stays_as_it_is(text: str, html: str) -> None:
    assert with_links(text, html) == text


def test_for_a_mail_servers_words_links_stay_out() -> None:
    assert as_text('<a href="https://x.gov">form</a>', links=False) == "form"


TEXTS = {
    "what was there before": (
        "<html><head><title>No</title><style>p > a { x: y }</style></head><body><!-- <p>hidden</p> -->"
        "<p>Dear\n Ana,</p><div>thank you &amp; yours.<br>We answer.</div><script>alert(1)</script></body></html>",
        "Dear Ana,\n\nthank you & yours.\nWe answer.",
    ),
    "lines": ("<div>a</div><div>b</div><div><br></div><div>c<br></div>d", "a\nb\n\nc\nd"),
    "parts of a page": (
        "<nav>a</nav><main>b<address>c</address>d<figure>e<figcaption>f</figure></main>",
        "a\nb\nc\nd\ne\nf",
    ),
    "paragraphs without an end": ("<p>a<p>b", "a\n\nb"),
    "points": ("<ul><li>one<li><p>two</p></ul>x<ol><li>a</li><li>b</li></ol>", "- one\n- two\n\nx\n\n- a\n- b"),
    "cells": ("<table><tr><th>A<th>B</tr><tr><td>1</td><td>2</td></tr></table>", "A B\n1 2"),
    "set text": ("a<pre>b\n  c</pre>d", "a\n\nb\nc\n\nd"),
    "entities": ("&lt;a&gt;&nbsp;&eacute; &#x4E00;&bogus; AT&T", "<a> é 一&bogus; AT&T"),
    "a picture": ('<img src="x" alt="Office of Jane"><img src="pixel">', "Office of Jane"),
    "signs that are no tags": ("1 < 2 and 3 > 2, <3", "1 < 2 and 3 > 2, <3"),
    "a comment of Outlook": ("<!--[if mso]>a<![endif]--><!--[if !mso]><!-->b<!--<![endif]-->", "b"),
    "an empty comment": ("a<!-->b<!--->c", "abc"),
    "a head without an end": ("<html><head><title>x</title><body>a", "a"),
}
HIDDEN = {
    "a line for the list of mails": '<div style="display:none;max-height:0">No<div>No</div>No</div>a',
    "in capitals": '<SPAN STYLE="DISPLAY : NONE !important">No</SPAN>a',
    "invisible": '<span style="visibility:hidden">No</span>a',
    "by its attribute": "<div hidden>No</div>a",
    "a paragraph without an end": '<p style="display:none">No<p>a',
    "a link": '<a style="display:none" href="https://x.gov">No</a>a',
    "a picture": '<img style="display:none" alt="No">a',
    "a script": "<script>if (a<b) 'No</p>'</script>a",
    "a template": "<template><p>No</p></template>a",
}


@pytest.mark.parametrize(("html", "text"), TEXTS.values(), ids=TEXTS)
def test_lines_end_where_a_browser_ends_them(html: str, text: str) -> None:
    assert as_text(html) == text


@pytest.mark.parametrize("html", HIDDEN.values(), ids=HIDDEN)
def test_what_is_hidden_is_not_said(html: str) -> None:
    assert as_text(html) == "a"


def test_where_everything_is_hidden_nothing_is() -> None:
    assert as_text('<div style="display:none">Dear Ana') == "Dear Ana"
    assert as_text("<head><p>Dear Ana") == "Dear Ana"
