"""The story as HTML."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from app.campaigns.stories import render


def test_markdown_becomes_html() -> None:
    assert render("One *two* [three](https://example.org/?a=1&b=2).\n\n- four") == Markup(
        '<p>One <em>two</em> <a href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer">three</a>.</p>\n'
        "<ul>\n<li>four</li>\n</ul>\n"
    )


def test_an_empty_story_is_empty() -> None:
    assert render("") == ""


def test_the_page_keeps_its_own_h1() -> None:
    html = render("# One\n\n## Two\n\n### Three\n\nFour\n====")

    assert html == "<h2>One</h2>\n<h2>Two</h2>\n<h3>Three</h3>\n<h2>Four</h2>\n"


@pytest.mark.parametrize("story", ["<script>alert(1)</script>", "a <b onclick=x>b</b>", "<!-- x -->", "<img src=x>"])
def test_html_is_text(story: str) -> None:
    html = render(story)

    assert "&lt;" in html
    assert not {"<script", "<b ", "<!--", "<img"} & {tag for tag in ("<script", "<b ", "<!--", "<img") if tag in html}


@pytest.mark.parametrize(
    "story",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](\tjavascript:alert(1))",
        "[x](data:text/html,hi)",
        "[x](data:image/png;base64,AAAA)",
        "[x](vbscript:x)",
        "[x](//example.org)",
        "[x](/privacy)",
        "[x](file:///etc/passwd)",
        "<javascript:alert(1)>",
        "[x]\n\n[x]: javascript:alert(1)",
    ],
)
def test_other_links_are_no_links(story: str) -> None:
    assert "href" not in render(story)


@pytest.mark.parametrize("url", ["https://example.org", "http://example.org", "mailto:a@example.org", "HTTPS://x.org"])
def test_links_to_the_web_and_to_mail_are_links(url: str) -> None:
    assert f'href="{url}"' in render(f"[x]({url})")


def test_an_attribute_can_not_be_broken_out_of() -> None:
    html = render('[x](https://example.org/"onclick="y \'" onclick="z\')')

    assert ' onclick="' not in html.replace("&quot;", "'")


def test_an_image_is_its_description() -> None:
    assert render("![A *creek* <b>](https://example.org/x.png)") == "<p>A creek &lt;b&gt;</p>\n"
    assert render("[![creek](https://e.org/x.png)](https://e.org)") == (
        '<p><a href="https://e.org" rel="noopener noreferrer">creek</a></p>\n'
    )


def test_code_is_escaped() -> None:
    assert render('```"><script>\n</code><b>\n```').count("<") == 4
