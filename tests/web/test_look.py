"""The look of the site: its colours can be read, the organisation's colour and logo are shown, and nothing is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from app.web.look import LOGO_POLICY, smaller, stylesheet
from config import ROOT
from settings.colours import BUILT_IN, DARK, LIGHT, Accent, Scheme, contrast
from tests.conftest import OpenSandbox
from tests.images import png, svg
from tests.pages import Page, Visitor, check_headers

SOURCE = (ROOT / "app" / "static" / "redress.css").read_text(encoding="utf-8")
ICON = (ROOT / "app" / "static" / "icon.svg").read_text(encoding="utf-8")
FOREVER = "public, max-age=31536000, immutable"


def rules(css: str) -> list[tuple[str, ...]]:
    """Each declaration with all that it stands in, blank by blank, in their order."""
    found: list[tuple[str, ...]] = []
    within: list[str] = []
    piece, quote = "", ""
    for character in re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL):
        if character in "\"'" and quote in {"", character}:
            quote = "" if quote else character
        if quote or character not in "{};":
            piece += character
            continue
        words = bare(piece)
        if character == "{":
            within.append(words)
        elif words:
            found.append((*within, words))
        if character == "}":
            within.pop()
        piece = ""
    assert not within
    return found


def bare(words: str) -> str:
    """Words with single blanks, and none beside a comma or behind the colon of a declaration."""
    return re.sub(r"\s*(,)\s*|(:)\s+", r"\1\2", " ".join(words.split()))


def named(css: str) -> dict[Scheme, dict[str, str]]:
    """The named colours, for light and for dark."""
    in_dark = ("@media (prefers-color-scheme:dark)", ":root")
    light = {rule[1] for rule in rules(css) if rule[:-1] == (":root",)}
    dark = {rule[2] for rule in rules(css) if rule[:-1] == in_dark}
    first, second = (dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{3,6})\b", "\n".join(part))) for part in (light, dark))
    return {LIGHT: first, DARK: first | second}


def linked(page: Page, rel: str) -> str:
    """The address that the one link of the kind in a page's head leads to."""
    (address,) = [link.get("href") for link in page.all("link") if link.get("rel") == rel]
    return str(address)


def served(app: Flask) -> str:
    """The stylesheet that pages link to."""
    visitor = Visitor(app)
    address = linked(visitor.open("/"), "stylesheet")
    with visitor.client.get(address) as response:
        return response.get_data(as_text=True)


@pytest.fixture
def with_logo(open_sandbox: OpenSandbox, tmp_path: Path) -> Flask:
    """A site with a logo twice as large as it is shown."""
    (tmp_path / "logo.png").write_bytes(png(400, 96))
    return open_sandbox(ORGANISATION='Friends of "the Well"', LOGO_FILE=str(tmp_path / "logo.png"))


# --- colours --------------------------------------------------------------------------------------------------


def test_the_settings_know_the_colours_of_the_stylesheet(sandbox: Flask) -> None:
    for css in (SOURCE, served(sandbox)):
        for scheme, colours in named(css).items():
            assert [colours[name] for name in ("paper", "sheet", "tint", "ink")] == [
                scheme.paper,
                scheme.sheet,
                scheme.tint,
                scheme.ink,
            ]
        assert [colours["accent"] for colours in named(css).values()] == [BUILT_IN.light, BUILT_IN.dark]
        assert [colours["on-accent"] for colours in named(css).values()] == [
            BUILT_IN.words_on_light,
            BUILT_IN.words_on_dark,
        ]


@pytest.mark.parametrize(
    ("name", "least"), [("ink", 4.5), ("quiet", 4.5), ("warning", 4.5), ("good", 4.5), ("accent", 4.5), ("edge", 3)]
)
def test_what_is_written_on_the_page_can_be_read_in_both_schemes(sandbox: Flask, name: str, least: float) -> None:
    for scheme, colours in named(served(sandbox)).items():
        for ground in ("paper", "sheet"):
            assert contrast(colours[name], colours[ground]) >= least, (scheme.name, ground)


def test_words_of_notices_and_buttons_can_be_read_in_both_schemes(sandbox: Flask) -> None:
    for colours in named(served(sandbox)).values():
        assert contrast(colours["ink"], colours["tint"]) >= 4.5
        assert contrast(colours["accent"], colours["tint"]) >= 4.5
        assert contrast(colours["on-accent"], colours["accent"]) >= 4.5


def test_no_colour_of_the_stylesheet_goes_round_the_named_ones() -> None:
    """But for black and white of what is printed."""
    own = {rule for rule in rules(SOURCE) if re.search(r"#[0-9a-f]{3,8}\b", rule[-1]) and not rule[-1].startswith("--")}

    assert {rule[0] for rule in own} <= {"@media print"}


def test_the_stylesheet_holds_the_colour_of_the_settings(open_sandbox: OpenSandbox) -> None:
    colours = named(served(open_sandbox(ACCENT="#0a7a3c #63ab83")))

    assert [found["accent"] for found in colours.values()] == ["#0a7a3c", "#63ab83"]
    assert [found["on-accent"] for found in colours.values()] == ["#ffffff", "#1e1d1a"]


def test_the_icon_has_the_colour_of_the_settings(open_sandbox: OpenSandbox) -> None:
    visitor = Visitor(open_sandbox(ACCENT="#0a7a3c"))
    address = linked(visitor.open("/"), "icon")

    with visitor.client.get(address) as response:
        check_headers(response)
        assert response.mimetype == "image/svg+xml"
        assert response.get_data(as_text=True) == ICON.replace("#20386b", "#0a7a3c")
    assert ICON.count("#20386b") == ICON.count("#ffffff") == 1


def test_browsers_get_the_colour_of_the_paper_for_what_they_draw_around_the_page(visitor: Visitor) -> None:
    metas = [meta for meta in visitor.open("/").all("meta") if meta.get("name") == "theme-color"]

    assert [(meta.get("media"), meta.get("content")) for meta in metas] == [
        ("(prefers-color-scheme: light)", LIGHT.paper),
        ("(prefers-color-scheme: dark)", DARK.paper),
    ]


# --- the stylesheet as it is served ---------------------------------------------------------------------------


def test_no_rule_is_lost_on_the_way_to_the_browser() -> None:
    css = stylesheet(SOURCE, BUILT_IN)

    assert len(rules(SOURCE)) > 300
    assert rules(css) == rules(SOURCE)
    assert "/*" not in css
    assert len(css) < len(SOURCE)


def test_only_the_accent_is_another_in_another_colour() -> None:
    before, after = (rules(stylesheet(SOURCE, accent)) for accent in (BUILT_IN, Accent("#0a7a3c", "#63ab83")))

    changed = [(old[-1], new[-1]) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("--accent:#20386b", "--accent:#0a7a3c"), ("--accent:#9db7ea", "--accent:#63ab83")]


@pytest.mark.parametrize(
    ("css", "less"),
    [
        ("/* a */\na {\n  color: red;\n}\n", "a{color:red;}"),
        ('a::after { content: " /* ;  { */ " ; }', 'a::after{content:" /* ;  { */ ";}'),
        ("a { content: 'b:  c' }", "a{content:'b:  c'}"),
        ("a :hover, .b  > c { font: 1rem/1.5 d }", "a :hover,.b > c{font:1rem/1.5 d}"),
        ("a { inline-size: calc(1rem + 2 * (3px - 1px)) }", "a{inline-size:calc(1rem + 2 * (3px - 1px))}"),
        ("@media (a: b) and (c: d) { e { f: g } }", "@media (a:b) and (c:d){e{f:g}}"),
        ("a/**/b { c: d }/* e */ /* f */ g { h: i }", "a b{c:d}g{h:i}"),
    ],
)
def test_only_what_means_nothing_is_left_out(css: str, less: str) -> None:
    assert smaller(css) == less


# --- names and headers ----------------------------------------------------------------------------------------


def test_another_colour_is_another_name_and_the_same_colour_the_same(open_sandbox: OpenSandbox) -> None:
    blue, again, green = (
        {linked(Visitor(open_sandbox(**given)).open("/"), rel) for rel in ("stylesheet", "icon")}
        for given in ({}, {"ACCENT": "#20386B #9DB7EA"}, {"ACCENT": "#0a7a3c"})
    )

    assert blue == again
    assert len(blue) == len(green) == 2
    assert not blue & green


def test_a_file_of_the_look_is_kept_for_a_year_and_no_other_name_is_answered(with_logo: Flask) -> None:
    visitor = Visitor(with_logo)
    page = visitor.open("/reunite-families")
    (image,) = page.find("header").iter("img")
    loaded = [linked(page, "stylesheet"), linked(page, "icon"), image.get("src")]

    for address in loaded:
        name = re.fullmatch(r"/look/(?:redress|icon|logo)\.([0-9a-f]{12})\.(?:css|svg|png)", address)
        assert name is not None
        with visitor.client.get(address) as response:
            check_headers(response)
            assert (response.status_code, response.headers["Cache-Control"]) == (200, FOREVER)
        with visitor.client.get(address.replace(name[1], "0" * 12)) as response:
            check_headers(response)
            assert response.status_code == 404
            assert "public" not in response.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path", ["/look", "/look/", "/look/redress.css", "/look/../config.py", "/look/%2e%2e/config.py"]
)
def test_nothing_else_lies_beside_them(visitor: Visitor, path: str) -> None:
    assert visitor.open(path).status == 404


# --- the logo -------------------------------------------------------------------------------------------------


def test_the_logo_stands_in_the_place_of_the_name_in_a_size_that_is_known_before_it_is_there(with_logo: Flask) -> None:
    visitor = Visitor(with_logo)
    page = visitor.open("/reunite-families")
    (image,) = page.find("header").iter("img")
    (link,) = [link for link in page.find("header").iter("a") if link.get("href") == "/"]

    assert (image.get("alt"), image.get("width"), image.get("height")) == ('Friends of "the Well"', "200", "48")
    assert list(link) == [image]
    assert page.title.endswith('Friends of "the Well"')
    with visitor.client.get(image.get("src")) as response:
        assert (response.mimetype, response.get_data()) == ("image/png", png(400, 96))


def test_without_a_logo_the_name_stands_there(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families")

    assert list(page.find("header").iter("img")) == []
    assert [link.text for link in page.find("header").iter("a") if link.get("href") == "/"] == ["Sample Organisation"]


def test_an_svg_that_is_opened_by_itself_can_do_nothing(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    (tmp_path / "logo").write_bytes(svg(within="<style>path { fill: red }</style>"))
    visitor = Visitor(open_sandbox(LOGO_FILE=str(tmp_path / "logo")))
    (image,) = visitor.open("/").find("header").iter("img")

    with visitor.client.get(image.get("src")) as response:
        assert response.mimetype == "image/svg+xml"
        assert response.headers.get_all("Content-Security-Policy") == [LOGO_POLICY]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.partition(" ")[::2] for part in LOGO_POLICY.split("; "))
    assert policy.keys() >= {"sandbox"}
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert policy["sandbox"] == ""
