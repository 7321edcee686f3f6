"""Settings: what is refused, in which words; the secret; and that docs/settings.md is true."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from config import ROOT, Config, SettingsError, read_settings
from settings.addresses import is_loopback
from settings.colours import BUILT_IN, DARK, SCHEMES, Accent, contrast
from settings.logos import MOST_BYTES
from settings.mail_server import MailServer, Security
from settings.reader import Reader
from tests.certificates import Authority
from tests.factories import LIVE
from tests.images import gif, jpeg, png, svg, webp


def settings(tmp_path: Path, **given: str) -> Config:
    return Config.from_env({"DATA_DIR": str(tmp_path), **given})


def problems(tmp_path: Path, **given: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, **given)
    return caught.value.problems


def live(tmp_path: Path, **given: str) -> Config:
    return settings(tmp_path, **(LIVE | given))


def mail_server(tmp_path: Path, **given: str) -> MailServer:
    mail = live(tmp_path, **given).mail
    assert mail is not None
    return mail


def live_problems(tmp_path: Path, without: Sequence[str] = (), **given: str) -> list[str]:
    return problems(tmp_path, **{name: value for name, value in (LIVE | given).items() if name not in without})


@pytest.mark.parametrize("damage", [b"", b"short", "schlüssel".encode("latin-1") * 8])
def test_a_damaged_secret_is_refused_in_a_sentence(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "secret-key").write_bytes(damage)

    with pytest.raises(SettingsError, match="is damaged"):
        Config.from_env({"DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://redress@db.example/redress",
        "postgresql://redress:p%40ss@[::1]:5433/redress?sslmode=verify-full",
        "postgresql+psycopg://redress@/redress?host=/run/postgresql",
        "postgres://redress@db.example/redress",
    ],
)
def test_a_server_can_keep_the_database(tmp_path: Path, url: str) -> None:
    config = settings(tmp_path, DATABASE_URL=url)

    assert config.database is None
    assert config.database_url == "postgresql+psycopg://" + url.partition("://")[2]


def test_the_database_can_be_named_in_a_file_and_is_shown_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://redress:canary@db.example/redress\n")

    config = settings(tmp_path, DATABASE_URL_FILE=str(tmp_path / "url"))

    assert config.database is None
    assert "canary" not in repr(config)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x.db",
        "mysql://u:canary@h/d",
        "postgresql://canary@h",
        "postgresql://canary@h/",
        "canary",
        "postgresql:canary@h/d",
        "postgresql://canary@[h/d",
        "postgresql://canary@h/d\n",
    ],
)
def test_another_database_is_refused_without_showing_its_password(tmp_path: Path, url: str) -> None:
    (found,) = problems(tmp_path, DATABASE_URL=url)

    assert found.startswith("DATABASE_URL must be like postgresql://user:password@host/database")
    assert "canary" not in found


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    config = settings(tmp_path)

    assert (config.host, config.port, config.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (config.limit_address, config.limit_network, config.trusted_proxies) == (3, 100, 0)
    assert config.unknown_retry == timedelta(minutes=30)
    assert len(config.letter_retries) == 11
    assert config.confirmation_retries[0] == timedelta(seconds=30)
    assert config.bounce_domain == "sandbox.invalid"
    assert (config.live, config.mail, config.sandbox_channel) == (False, None, "mail")
    assert (config.keep_pending, config.keep_letters) == (timedelta(days=7), timedelta(days=90))
    assert (config.organisation_address, config.privacy_email) == ("", "letters@sandbox.invalid")
    assert (config.privacy_text, config.geocoder) == ("", "off")
    assert (config.accent, config.logo) == (BUILT_IN, None)


NONSENSE = {
    "DELIVERY": ["", "Live", "Sandbox", "1"],
    "HOST": ["", "127.0.0.1/8", "a b", "http://x", "\x00", ":::::", "a..b", "-", "fe80::1%eth0"],
    "PORT": ["", "0", "65536", "80a", "-1", "8000.0", "٨٠", "1_000", " 8000"],
    "SANDBOX_PUBLIC": ["", "yes", "true", "2"],
    "SANDBOX_CHANNEL": ["", "Mail", "hand-off", "cwc"],
    "PUBLIC_URL": ["", "act.example.org", "ftp://x", "http://", "http://x/path", "http://x?y", "http://x:a",
                   "http://[::1", "http://x\n", "javascript:alert(1)", "https://act exa.net", "https://a\u00a0b.net",
                   " https://act.example.org", "https://act.example.org\x00", "https://user:pw@act.example.org",
                   "https://user@act.example.org", "https://@act.example.org", "https://act.example.org?",
                   "https://act.example.org#", "https://act.example.org:", "https://act..org", "https://a,b.org",
                   "https://bürger.example.org", "https://[v1.x]", "https://[fe80::1%eth0]", "http://x:0", "http://x:080"],
    "TRUSTED_PROXIES": ["", "-1", "11", "one"],
    "ORGANISATION": ["", "  ", "x" * 101, "A\nB", "A\x00"],
    "ORGANISATION_EMAIL": ["", "letters", "@example.org", "a@b", "a b@example.org", "a@example.org\n",
                           "A <a@example.org>"],
    "ACCENT": ["", "blue", "#20386", "20386b", "#20386b,#9db7ea", "#20386b  #9db7ea", "#20386b #9db7ea #fff", "#20386g",
               "#20386b\n", "#٢0386b", "#ff8800", "#20386b #20386b"],
    "LOGO_FILE": ["no-such-file.svg", ".", "a\0b", "pyproject.toml"],
    "ORGANISATION_ADDRESS": ["x" * 201, "1 Main St\nSpringfield"],
    "PRIVACY_EMAIL": ["", "us", "us@localhost"],
    "PRIVACY_FILE": ["no-such-file.md", ".", "a\0b"],
    "KEEP_PENDING": ["", "7", "30m", "90m", "59m", "401d", "for ever"],
    "KEEP_LETTERS": ["", "0d", "61s", "9601h"],
    "MAIL_TIMEOUT": ["", "60", "0s", "1 s", "-1s", "60S", "1w", "601s", "11m", "999999d", "٢s"],
    "LETTER_RETRIES": ["", "  ", "2m,10m", "2m 999999d", "169h", "2m x"],
    "CONFIRMATION_RETRIES": ["", "8d", "30"],
    "UNKNOWN_RETRY": ["", "8d", "999999d", "soon"],
    "BOUNCE_DOMAIN": ["", "localhost", "-a.example", "a..b", "exa mple.org", "example.org\n", "x" * 64 + ".org"],
    "GEOCODER": ["", "on", "Census", "1", "https://geocoder.example.org"],
    "LIMIT_ADDRESS": ["", "0", "-3", "many"],
    "LIMIT_NETWORK": ["", "0", "1000001"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NONSENSE.items() for value in values])
def test_nonsense_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    found = problems(tmp_path, **{name: value})

    assert len(found) == 1
    assert found[0].startswith(f"{name} must be ")
    assert found[0].endswith(".")
    assert "Traceback" not in found[0]


@pytest.mark.parametrize(
    "url", ["http://[::1]:8000", "https://act.example.org:8443", "HTTPS://Act.Example.org", "http://redress:8000"]
)
def test_an_address_may_have_a_port_and_be_written_in_capitals(tmp_path: Path, url: str) -> None:
    assert settings(tmp_path, PUBLIC_URL=url).public_url == url.lower()


def test_durations_may_be_as_long_as_is_said(tmp_path: Path) -> None:
    pauses = {"LETTER_RETRIES": "1s 7d", "CONFIRMATION_RETRIES": "168h", "UNKNOWN_RETRY": "7d"}
    config = settings(tmp_path, MAIL_TIMEOUT="10m", **pauses)

    assert config.mail_timeout == timedelta(minutes=10)
    assert config.letter_retries == (timedelta(seconds=1), timedelta(days=7))
    assert config.confirmation_retries == (config.unknown_retry,) == (timedelta(days=7),)


def test_how_long_a_duration_may_be_is_said(tmp_path: Path) -> None:
    found = problems(tmp_path, MAIL_TIMEOUT="11m", LETTER_RETRIES="2m 8d", UNKNOWN_RETRY="8d")

    assert found == [
        "MAIL_TIMEOUT must be a duration like 2s or 10m, and no longer than 10m.",
        "LETTER_RETRIES must be a list of pauses like 2m 10m 1h, none of them longer than 7d.",
        "UNKNOWN_RETRY must be a duration like 2s or 10m, and no longer than 7d.",
    ]


def test_a_nonsense_folder_is_refused(tmp_path: Path) -> None:
    for value in ("", "a\0b"):
        with pytest.raises(SettingsError, match="DATA_DIR must be the path of a folder"):
            Config.from_env({"DATA_DIR": value, "SECRET_KEY": "s" * 32})


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, **{name: values[-1] for name, values in NONSENSE.items()}, SECRET_KEY="short")

    assert {line.split()[0] for line in found} == {*NONSENSE, "SECRET_KEY"}


def test_a_sandbox_that_others_can_reach_must_be_meant(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, HOST="0.0.0.0")

    assert "HOST is 0.0.0.0, which other machines can reach" in found
    assert settings(tmp_path, HOST="0.0.0.0", SANDBOX_PUBLIC="1").host == "0.0.0.0"


@pytest.mark.parametrize(
    ("name", "loopback"),
    [
        *((name, True) for name in ("127.0.0.1", "127.8.9.1", "::1", "localhost")),
        *(
            (name, False)
            for name in ("0.0.0.0", "::", "", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1")
        ),
    ],
)
def test_what_is_this_machine(name: str, loopback: bool) -> None:
    assert is_loopback(name) is loopback


def test_an_ipv6_host_is_bracketed_in_links(tmp_path: Path) -> None:
    assert settings(tmp_path, HOST="::1").public_url == "http://[::1]:8000"


def test_a_slash_at_the_end_of_the_public_address_does_not_matter(tmp_path: Path) -> None:
    assert settings(tmp_path, PUBLIC_URL="https://act.example.org/").public_url == "https://act.example.org"


def test_keeping_is_told_in_whole_hours(tmp_path: Path) -> None:
    config = settings(tmp_path, KEEP_PENDING="120m", KEEP_LETTERS="400d")

    assert (config.keep_pending, config.keep_letters) == (timedelta(hours=2), timedelta(days=400))


def test_street_addresses_are_looked_up_only_if_the_settings_say_so(tmp_path: Path) -> None:
    assert settings(tmp_path, GEOCODER="census").geocoder == "census"
    assert live(tmp_path).geocoder == "off"
    assert problems(tmp_path, GEOCODER="google") == ["GEOCODER must be off or census."]


def test_the_paragraphs_about_privacy_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "privacy.md"
    path.write_bytes(b"\xef\xbb\xbf## With us\r\n\r\nWe keep n\xc3\xb6thing else.\r\n")

    assert settings(tmp_path, PRIVACY_FILE=str(path)).privacy_text == "## With us\n\nWe keep nöthing else."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "the path of a readable Markdown file"),
        (b"na\xefve", "a text file in UTF-8; save it in that encoding"),
        ("é".encode() * 20_001, "a file of at most 20,000 characters; shorten it"),
    ],
)
def test_a_privacy_file_that_cannot_be_used_is_said(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "privacy.md"
    if content is not None:
        path.write_bytes(content)

    (found,) = problems(tmp_path, PRIVACY_FILE=str(path))

    assert found.startswith(f"PRIVACY_FILE must be {words}")


def test_a_privacy_file_may_be_just_long_enough(tmp_path: Path) -> None:
    (tmp_path / "privacy.md").write_text("é" * 20_000, encoding="utf-8")

    assert len(settings(tmp_path, PRIVACY_FILE=str(tmp_path / "privacy.md")).privacy_text) == 20_000


# --- colour and logo ------------------------------------------------------------------------------------------


def test_of_one_colour_the_dark_screens_get_a_lighter_shade(tmp_path: Path) -> None:
    accent = settings(tmp_path, ACCENT="#0A7A3C").accent

    assert accent == Accent("#0a7a3c", "#63ab83")
    assert settings(tmp_path, ACCENT="#0a7a3c #8fe0b0").accent == Accent("#0a7a3c", "#8fe0b0")


@pytest.mark.parametrize(
    "colour", ["#000000", "#0000ff", "#20386b", "#8b0000", "#5b2a86", "#006400", "#6b4e00", "#00586b"]
)
def test_what_is_made_for_dark_screens_can_be_read_there_and_on_it_its_words(tmp_path: Path, colour: str) -> None:
    accent = settings(tmp_path, ACCENT=colour).accent

    assert min(contrast(accent.dark, DARK.paper), contrast(accent.dark, DARK.sheet)) >= 6
    assert contrast(accent.dark, DARK.tint) >= 4.5
    assert contrast(accent.words_on_dark, accent.dark) >= 4.5
    assert contrast(accent.words_on_light, accent.light) >= 4.5


def test_a_colour_that_cannot_be_read_is_refused_with_one_that_can(tmp_path: Path) -> None:
    assert problems(tmp_path, ACCENT="#FF8800") == [
        "ACCENT must be a colour that can be read. In the light scheme #ff8800 has a contrast of 2.09:1 with the "
        "background of notices, and 4.50:1 is needed: the nearest darker shade that has it is #a75900."
    ]
    assert problems(tmp_path, ACCENT="#20386b #c00000") == [
        "ACCENT must be a colour that can be read. In the dark scheme #c00000 has a contrast of 2.21:1 with the "
        "background of notices, and 4.50:1 is needed: the nearest lighter shade that has it is #dc7070."
    ]
    assert settings(tmp_path, ACCENT="#a75900 #dc7070").accent == Accent("#a75900", "#dc7070")


def test_both_colours_that_cannot_be_read_are_said_at_once(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, ACCENT="#ffffff #000000")

    assert found.count("#ffffff has a contrast of 1.00:1 with the background of letters and forms") == 1
    assert found.count("#000000 has a contrast of ") == 1


def test_no_shade_of_any_colour_that_is_proposed_is_refused(tmp_path: Path) -> None:
    shades = [
        f"#{red}{green}{blue}" for red in ("00", "7f", "ff") for green in ("00", "7f", "ff") for blue in ("00", "ff")
    ]
    refused = 0
    for colour in shades:
        try:
            settings(tmp_path, ACCENT=f"{colour} {colour}")
        except SettingsError as error:
            refused += 1
            proposed = dict(re.findall(r"nearest (darker|lighter) shade that has it is (#[0-9a-f]{6})", str(error)))
            settings(tmp_path, ACCENT=f"{proposed.get('darker', colour)} {proposed.get('lighter', colour)}")
    assert refused > 10


def test_what_is_no_colour_is_refused(tmp_path: Path) -> None:
    words = (
        "ACCENT must be a colour like #20386b, with six digits and without a name, or two, for light and dark, "
        "like #20386b #9db7ea."
    )

    assert problems(tmp_path, ACCENT="navy") == [words]
    assert problems(tmp_path, ACCENT="#20386b #9db7ea #ffffff") == [words]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert contrast("#123456", "#123456") == 1
    assert [scheme.direction for scheme in SCHEMES] == ["darker", "lighter"]


@pytest.mark.parametrize(
    ("content", "kind", "shown"),
    [
        (png(200, 40), "png", (200, 40)),
        (png(480, 96), "png", (240, 48)),
        (png(4096, 1), "png", (240, 1)),
        (png(16, 16), "png", (16, 16)),
        (gif(96, 96), "gif", (48, 48)),
        (jpeg(100, 400), "jpeg", (12, 48)),
        (webp("VP8 ", 300, 100), "webp", (144, 48)),
        (webp("VP8L", 300, 100), "webp", (144, 48)),
        (webp("VP8X", 300, 100), "webp", (144, 48)),
        (svg('width="20" height="10"'), "svg", (96, 48)),
        (svg("width='2in' height='9.6cm'"), "svg", (25, 48)),
        (svg('width="100%" height="100%" viewBox="-5,-5 10000,1000.5"'), "svg", (240, 24)),
        (svg('viewBox="0 0 1 1"'), "svg", (48, 48)),
    ],
)
def test_a_logo_is_shown_in_a_size_that_is_known_before_it_is_there(
    tmp_path: Path, content: bytes, kind: str, shown: tuple[int, int]
) -> None:
    (tmp_path / "logo").write_bytes(content)

    config = settings(tmp_path, LOGO_FILE=str(tmp_path / "logo"))

    assert config.logo is not None
    assert (config.logo.kind, (config.logo.width, config.logo.height)) == (kind, shown)
    assert config.logo.content == content
    assert repr(content) not in repr(config)


NO_LOGO: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "a PNG, JPEG, GIF, WebP or SVG image, and this file is empty"),
    "too large": (
        png(48, 48).ljust(30_721, b"\0"),
        "a file of at most 30,720 bytes, and this one has 30,721; save the image in fewer pixels",
    ),
    "words": (b"logo", "a PNG, JPEG, GIF, WebP or SVG image, and this file is none"),
    "another image": (b"BM" + bytes(60), "a PNG, JPEG, GIF, WebP or SVG image, and this file is none"),
    "a page": (b"<html><svg/></html>", "a PNG, JPEG, GIF, WebP or SVG image, and this file is none"),
    "an SVG of another kind": (
        b'<svg width="1" height="1"/>',
        "a PNG, JPEG, GIF, WebP or SVG image, and this file is none",
    ),
    "a PNG that breaks off": (
        png(9, 9)[:20],
        "a PNG, JPEG, GIF, WebP or SVG image, and this file breaks off or is damaged",
    ),
    "a JPEG without a frame": (
        jpeg(9, 9)[:30],
        "a PNG, JPEG, GIF, WebP or SVG image, and this file breaks off or is damaged",
    ),
    "a JPEG of garbage": (
        b"\xff\xd8\xff\xe0\0\2" + bytes(99),
        "a PNG, JPEG, GIF, WebP or SVG image, and this file breaks off or is damaged",
    ),
    "a WebP of another kind": (
        webp("VP9 ", 9, 9),
        "a PNG, JPEG, GIF, WebP or SVG image, and this file breaks off or is damaged",
    ),
    "no pixels": (png(0, 10), "an image of 1 to 4,096 pixels a side, and this one is 0 × 10"),
    "too many pixels": (png(4097, 10), "an image of 1 to 4,096 pixels a side, and this one is 4,097 × 10"),
    "an SVG that breaks off": (svg("")[:-4], "an SVG without errors, and this one breaks off or is damaged"),
    "an SVG of no size": (svg(""), "an SVG with a width and a height, or a viewBox, that are more than nothing"),
    "an SVG of zero size": (
        svg('width="0" height="10"'),
        "an SVG with a width and a height, or a viewBox, that are more than nothing",
    ),
    "a script": (svg(within="<script/>"), "an SVG without scripts, and this one has <script>; save it as plain SVG"),
    "a page in it": (
        svg(within="<foreignObject/>"),
        "an SVG without scripts, and this one has <foreignobject>; save it as plain SVG",
    ),
    "an event": (svg('onload="go()"'), "an SVG without scripts, and this one has onload=; save it as plain SVG"),
    "a script in a link": (
        svg(within='<a href=" java&#10;script:go()"/>'),
        "an SVG without scripts, and this one has javascript:; save it as plain SVG",
    ),
    "another site": (
        svg(within='<image xlink:href="https://example.org/a.png"/>'),
        "an SVG that is whole in itself, and this one refers to https://example.org/a.png; put that into the file",
    ),
    "another file": (
        svg(within='<use href="logo.svg#a"/>'),
        "an SVG that is whole in itself, and this one refers to logo.svg#a; put that into the file",
    ),
    "another site's colours": (
        svg(within="<path style=\"fill:url( '//example.org/a')\"/>"),
        "an SVG that is whole in itself, and this one refers to //example.org/a; put that into the file",
    ),
    "another site's letters": (
        svg(within="<style>@import '//example.org/a.css';</style>"),
        "an SVG that is whole in itself, and this one refers to '//example.org/a.css'; put that into the file",
    ),
    "a stylesheet": (
        b'<?xml-stylesheet href="https://example.org/a.css"?>' + svg(),
        "an SVG that is whole in itself, and this one refers to a stylesheet; put that into the file",
    ),
    "entities": (
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg(),
        "an SVG without entities of its own; save it as plain SVG",
    ),
    "an encoding that is not known": (
        b'<?xml version="1.0" encoding="utf-32"?>' + svg(),
        "a PNG, JPEG, GIF, WebP or SVG image, and this file is none",
    ),
}


@pytest.mark.parametrize(("content", "words"), NO_LOGO.values(), ids=NO_LOGO)
def test_a_file_that_is_no_logo_is_refused_in_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "logo").write_bytes(content)

    assert problems(tmp_path, LOGO_FILE=str(tmp_path / "logo")) == [f"LOGO_FILE must be {words}."]


def test_a_logo_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, LOGO_FILE=str(tmp_path / "logo.png")) == [
        "LOGO_FILE must be the path of a readable file with a PNG, JPEG, GIF, WebP or SVG image, or unset."
    ]
    assert settings(tmp_path, LOGO_FILE="").logo is None


def test_a_logo_may_be_just_small_enough(tmp_path: Path) -> None:
    (tmp_path / "logo").write_bytes(png(4096, 4096).ljust(30_720, b"\0"))

    assert settings(tmp_path, LOGO_FILE=str(tmp_path / "logo")).logo is not None


def test_what_drawing_programs_write_into_an_svg_is_taken(tmp_path: Path) -> None:
    doctype = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    drawing = svg(
        'viewBox="0 0 10 10"',
        "<metadata><license resource='http://example.org/licence'/></metadata><style>.a{fill:url(#b)}</style>"
        "<path style='fill:url(\"#b\")'/><use xlink:href='#a'/><image href='data:image/png;base64,AAAA'/>",
    )
    (tmp_path / "logo").write_bytes(b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>\n" + doctype + drawing)

    assert settings(tmp_path, LOGO_FILE=str(tmp_path / "logo")).logo is not None


# --- live mode ------------------------------------------------------------------------------------------------


def test_a_live_site_with_what_it_needs(tmp_path: Path) -> None:
    config = live(tmp_path / "data", MAIL_SERVER="Mail.Example.org")

    assert config.live
    assert config.mail == MailServer("mail.example.org", 587, Security.STARTTLS)
    assert (config.privacy_email, config.bounce_domain) == ("letters@example.org", "example.org")
    assert list((tmp_path / "data").iterdir()) == []


def test_everything_that_live_mode_misses_is_said_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, DELIVERY="live")

    names = ["PUBLIC_URL", "ORGANISATION", "ORGANISATION_EMAIL", "SECRET_KEY", "MAIL_SERVER"]
    assert [line.partition(" is not set, and live mode needs it: give ")[0] for line in found] == names
    assert list(tmp_path.iterdir()) == []


def test_live_mode_neither_makes_nor_reads_a_secret_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("k" * 64, encoding="ascii")

    (found,) = live_problems(tmp_path, without=["SECRET_KEY"])

    assert found.startswith("SECRET_KEY is not set, and live mode needs it: give 64 random characters")


def test_an_empty_setting_is_said_once_too(tmp_path: Path) -> None:
    empty = dict.fromkeys(("PUBLIC_URL", "ORGANISATION", "ORGANISATION_EMAIL", "SECRET_KEY", "MAIL_SERVER"), "")

    found = live_problems(tmp_path, **empty)

    assert sorted(line.partition(" is not set, and live mode needs it: give ")[0] for line in found) == sorted(empty)


@pytest.mark.parametrize("marker", ["CHANGE-ME", "CHANGE_ME", "CHANGEME", "REPLACE-ME", "changeme"])
def test_a_placeholder_that_nobody_replaced_counts_as_missing(tmp_path: Path, marker: str) -> None:
    names = ("PUBLIC_URL", "ORGANISATION", "ORGANISATION_EMAIL", "SECRET_KEY", "MAIL_SERVER")

    found = live_problems(tmp_path, **dict.fromkeys(names, marker))

    assert [line.partition(" is not set, and live mode needs it: give ")[0] for line in found] == list(names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "https://CHANGE-ME.example.org"),
        ("ORGANISATION", "Friends of CHANGE-ME"),
        ("ORGANISATION_EMAIL", "letters@CHANGE-ME.org"),
        ("SECRET_KEY", "CHANGE-ME-" * 5),
        ("MAIL_SERVER", "mail.CHANGE-ME.org"),
    ],
)
def test_a_placeholder_within_a_value_counts_as_missing_too(tmp_path: Path, name: str, value: str) -> None:
    (found,) = live_problems(tmp_path, **{name: value})

    assert found.startswith(f"{name} is not set, and live mode needs it: give ")


@pytest.mark.parametrize("name", ["ORGANISATION_ADDRESS", "MAIL_USERNAME", "MAIL_PASSWORD"])
def test_a_placeholder_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    login = {"MAIL_USERNAME": "a", "MAIL_PASSWORD": "p"}

    found = live_problems(tmp_path, **(login | {name: "CHANGE-ME"}))

    assert found == [f"{name} still holds a placeholder. Give it a value of your own, or take it out if you need none."]


def test_a_placeholder_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("CHANGE-ME " * 5, encoding="utf-8")

    (found,) = live_problems(tmp_path, without=["SECRET_KEY"], SECRET_KEY_FILE=str(tmp_path / "secret"))

    assert found.startswith("SECRET_KEY still holds a placeholder.")


@pytest.mark.parametrize("name", ["Exchangeme", "letters-EXCHANGEMEN", "Change me now"])
def test_not_every_word_is_a_placeholder(tmp_path: Path, name: str) -> None:
    assert live(tmp_path, ORGANISATION=name).organisation == name


def test_a_sandbox_does_not_mind_a_placeholder(tmp_path: Path) -> None:
    assert settings(tmp_path, ORGANISATION="CHANGE-ME").organisation == "CHANGE-ME"


@pytest.mark.parametrize("name", ["MAIL_SERVER", "PUBLIC_URL", "ORGANISATION", "ORGANISATION_EMAIL"])
def test_a_file_that_is_not_read_gives_no_setting(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    (found,) = live_problems(tmp_path, without=[name], HOST="0.0.0.0", **{f"{name}_FILE": str(tmp_path / "file")})

    files = "SECRET_KEY, MAIL_PASSWORD and DATABASE_URL"
    assert found == f"{name}_FILE is not read: only {files} can be files. Set {name} instead."


@pytest.mark.parametrize("name", ["DELIVERY", "PORT", "MAIL_SERVER", "MAIL_TIMEOUT", "DATA_DIR"])
def test_a_file_that_is_not_read_is_refused_in_a_sandbox_too(tmp_path: Path, name: str) -> None:
    (found,) = problems(tmp_path, **{f"{name}_FILE": "/etc/redress/some-file"})

    assert found.startswith(f"{name}_FILE is not read: ")
    assert list(tmp_path.iterdir()) == [] or name not in {"DELIVERY", "DATA_DIR"}


def test_only_a_file_that_is_read_counts_as_a_given_setting(tmp_path: Path) -> None:
    names = ("MAIL_SERVER", "PUBLIC_URL", "SECRET_KEY")
    reader = Reader({f"{name}_FILE": str(tmp_path / "file") for name in names})

    assert [reader.is_set(name) for name in names] == [False, False, True]


def test_an_empty_name_of_a_file_is_no_file(tmp_path: Path) -> None:
    assert live(tmp_path, SECRET_KEY_FILE="", MAIL_PASSWORD_FILE="", MAIL_SERVER_FILE="").live

    (found,) = live_problems(tmp_path, without=["SECRET_KEY"], SECRET_KEY_FILE="")
    assert found.startswith("SECRET_KEY is not set, and live mode needs it")


def test_a_live_site_may_listen_where_others_reach_it(tmp_path: Path) -> None:
    assert live(tmp_path, HOST="0.0.0.0").host == "0.0.0.0"


def test_a_live_site_can_be_tried_on_one_machine(tmp_path: Path) -> None:
    config = live(tmp_path, PUBLIC_URL="http://127.0.0.1:8000", TRUSTED_PROXIES="0")

    assert config.public_url == "http://127.0.0.1:8000"


def test_names_and_addresses_do_not_cross_the_network_unencrypted(tmp_path: Path) -> None:
    (found,) = live_problems(tmp_path, PUBLIC_URL="http://act.example.org")

    assert found.startswith("PUBLIC_URL is http://act.example.org, where names and addresses would cross the network")
    assert found.endswith("give the address that starts with https:.")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::", "10.0.0.5", "redress"])
@pytest.mark.parametrize("url", ["https://act.example.org", "https://192.0.2.1:8443"])
def test_a_proxy_that_nobody_told_of_is_missed(tmp_path: Path, host: str, url: str) -> None:
    found = live_problems(tmp_path, TRUSTED_PROXIES="0", HOST=host, PUBLIC_URL=url)

    assert found == [
        "TRUSTED_PROXIES is 0, but Redress speaks only http, so a proxy in front answers for https:. Everybody comes "
        "through it, and all of them would count as one network. Set TRUSTED_PROXIES=1, or how many proxies there are."
    ]
    assert live_problems(tmp_path, without=["TRUSTED_PROXIES"], HOST=host, PUBLIC_URL=url) == found


def test_of_an_address_that_is_missing_only_that_is_said(tmp_path: Path) -> None:
    (found,) = live_problems(tmp_path, PUBLIC_URL="", HOST="0.0.0.0", TRUSTED_PROXIES="0")

    assert found.startswith("PUBLIC_URL is not set")


def test_of_a_mail_server_that_is_missing_only_that_is_said(tmp_path: Path) -> None:
    (found,) = live_problems(tmp_path, MAIL_SERVER="", MAIL_USE_TLS="0")

    assert found.startswith("MAIL_SERVER is not set")


@pytest.mark.parametrize("ending", ["invalid", "test", "localhost", "EXAMPLE"])
@pytest.mark.parametrize(
    ("name", "value"), [("ORGANISATION_EMAIL", "a@b."), ("PRIVACY_EMAIL", "a@b."), ("BOUNCE_DOMAIN", "b.")]
)
def test_a_domain_where_no_mail_arrives_is_refused(tmp_path: Path, name: str, value: str, ending: str) -> None:
    found = live_problems(tmp_path, **{name: value + ending})

    assert found == [f"{name} ends in .{ending.lower()}, where no mail ever arrives. Use a domain of your own."]


def test_a_sandbox_with_a_mail_server_does_not_start(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, MAIL_SERVER="mail.example.org")

    assert found.startswith("MAIL_SERVER is set, but DELIVERY is sandbox, which sends nothing from this machine.")
    assert found.endswith("Set DELIVERY=live if mails shall go out, or unset MAIL_SERVER.")


def test_a_sandbox_does_not_look_at_the_rest_of_a_mail_server(tmp_path: Path) -> None:
    given = {"MAIL_PORT": "many", "MAIL_USE_TLS": "x", "MAIL_USERNAME": "a", "MAIL_PASSWORD_FILE": "/no/such/file"}

    assert settings(tmp_path, **given).mail is None


def test_a_mode_that_is_misspelt_is_the_only_thing_said_of_it(tmp_path: Path) -> None:
    found = problems(tmp_path, **(LIVE | {"DELIVERY": "Live", "HOST": "0.0.0.0"}))

    assert found == ["DELIVERY must be sandbox or live."]


# --- the mail server ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "port", "security"),
    [
        ({"MAIL_SERVER": "mail.example.org"}, 587, Security.STARTTLS),
        ({"MAIL_SERVER": "mail.example.org", "MAIL_USE_SSL": "1"}, 465, Security.TLS),
        ({"MAIL_SERVER": "mail.example.org", "MAIL_USE_TLS": "0", "MAIL_PLAIN": "1"}, 25, Security.PLAIN),
        ({"MAIL_SERVER": "mail.example.org", "MAIL_PLAIN": "1"}, 587, Security.STARTTLS),
        ({"MAIL_SERVER": "localhost"}, 25, Security.PLAIN),
        ({"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": "2525"}, 2525, Security.PLAIN),
        ({"MAIL_SERVER": "::1", "MAIL_USE_TLS": "1"}, 587, Security.STARTTLS),
        ({"MAIL_SERVER": "localhost", "MAIL_USE_SSL": "1"}, 465, Security.TLS),
        ({"MAIL_SERVER": "mail_relay", "MAIL_USE_SSL": "1", "MAIL_USE_TLS": "0"}, 465, Security.TLS),
    ],
)
def test_port_and_encryption_follow_from_what_is_set(
    tmp_path: Path, given: dict[str, str], port: int, security: Security
) -> None:
    mail = mail_server(tmp_path, **given)

    assert (mail.host, mail.port, mail.security) == (given["MAIL_SERVER"], port, security)


def test_the_password_can_come_from_a_file_and_is_in_nobodys_words(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("swordfish\n", encoding="utf-8")

    mail = mail_server(tmp_path, MAIL_USERNAME="ana", MAIL_PASSWORD_FILE=str(tmp_path / "password"))

    assert (mail.username, mail.password) == ("ana", "swordfish")
    assert "swordfish" not in repr(live(tmp_path, MAIL_USERNAME="ana", MAIL_PASSWORD="swordfish"))


def test_the_address_of_a_mail_server_is_bracketed_where_it_must_be() -> None:
    assert [MailServer(host, 25, Security.PLAIN).address for host in ("::1", "mail")] == ["[::1]:25", "mail:25"]


ELSEWHERE = {"MAIL_SERVER": "mail.example.org"}
IMPOSSIBLE_MAIL: dict[str, tuple[dict[str, str], str]] = {
    "both kinds of TLS": ({"MAIL_USE_TLS": "1", "MAIL_USE_SSL": "1"}, "MAIL_USE_TLS and MAIL_USE_SSL are both 1"),
    "no TLS": (ELSEWHERE | {"MAIL_USE_TLS": "0"}, "MAIL_USE_TLS is 0, so letters would cross the network"),
    "a password without TLS": (
        ELSEWHERE | {"MAIL_USE_TLS": "0", "MAIL_USERNAME": "a", "MAIL_PASSWORD": "p"},
        "MAIL_PASSWORD would cross the network",
    ),
    "a password without TLS, meant": (
        ELSEWHERE | {"MAIL_USE_TLS": "0", "MAIL_PLAIN": "1", "MAIL_USERNAME": "a", "MAIL_PASSWORD": "p"},
        "MAIL_PASSWORD would cross the network",
    ),
    "a name without a password": ({"MAIL_USERNAME": "a"}, "MAIL_USERNAME is set without MAIL_PASSWORD."),
    "a password without a name": ({"MAIL_PASSWORD": "p"}, "MAIL_PASSWORD is set without MAIL_USERNAME."),
    "an empty password": ({"MAIL_USERNAME": "a", "MAIL_PASSWORD": ""}, "MAIL_USERNAME is set without MAIL_PASSWORD."),
    "a password of two lines": ({"MAIL_USERNAME": "a", "MAIL_PASSWORD": "p\nq"}, "MAIL_PASSWORD must be one line"),
    "a name of two lines": ({"MAIL_USERNAME": "a\nb", "MAIL_PASSWORD": "p"}, "MAIL_USERNAME must be one line"),
    "a file that is not there": (
        {"MAIL_USERNAME": "a", "MAIL_PASSWORD_FILE": "/no/such/file"},
        "MAIL_PASSWORD_FILE names a file that cannot be read.",
    ),
    "a port with the name": ({"MAIL_SERVER": "mail.example.org:587"}, "MAIL_SERVER must be the name or address"),
    "an address of the web": ({"MAIL_SERVER": "https://example.org"}, "MAIL_SERVER must be the name or address"),
    "a name with an empty part": ({"MAIL_SERVER": "mail..org"}, "MAIL_SERVER must be the name or address"),
    "an overlong name": ({"MAIL_SERVER": "a" * 64 + ".org"}, "MAIL_SERVER must be the name or address"),
    "port 0": ({"MAIL_PORT": "0"}, "MAIL_PORT must be a whole number"),
    "a switch": ({"MAIL_PLAIN": "yes"}, "MAIL_PLAIN must be 1 (on) or 0 (off)."),
    "no authorities": ({"SSL_CERT_FILE": "/no/such/file"}, "SSL_CERT_FILE must be the absolute path of a readable"),
    "authorities at a relative path": ({"SSL_CERT_FILE": "pyproject.toml"}, "SSL_CERT_FILE must be the absolute path"),
    "no PEM": ({"SSL_CERT_FILE": str(ROOT / "pyproject.toml")}, "SSL_CERT_FILE must be the absolute path"),
}


@pytest.mark.parametrize(("given", "words"), IMPOSSIBLE_MAIL.values(), ids=IMPOSSIBLE_MAIL)
def test_a_mail_server_that_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, given: dict[str, str], words: str
) -> None:
    (found,) = live_problems(tmp_path, **given)

    assert found.startswith(words)
    assert found.endswith(".")


def test_authorities_of_ones_own_are_taken(tmp_path: Path) -> None:
    authority = Authority.made_in(tmp_path)

    assert live(tmp_path / "data", SSL_CERT_FILE=str(authority.certificate)).live


# --- the secret -----------------------------------------------------------------------------------------------


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    first = settings(folder).secret_key

    assert len(first) == 64
    assert settings(folder).secret_key == first
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["secret-key"]


def test_each_folder_has_its_own(tmp_path: Path) -> None:
    assert settings(tmp_path / "a").secret_key != settings(tmp_path / "b").secret_key


def test_two_processes_that_start_at_once_read_the_same_secret(tmp_path: Path) -> None:
    program = "from config import Config; print(Config.from_env().secret_key)"
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")}
    started = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    secrets = {process.communicate()[0].strip() for process in started}

    assert len(secrets) == 1
    assert len(secrets.pop()) == 64


def test_a_given_secret_is_taken_and_none_is_made(tmp_path: Path) -> None:
    assert settings(tmp_path, SECRET_KEY="g" * 32).secret_key == "g" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("f" * 40 + "\n", encoding="utf-8")

    assert settings(tmp_path, SECRET_KEY_FILE=str(tmp_path / "given")).secret_key == "f" * 40


@pytest.mark.parametrize("content", [None, b"", b"short", b"\xff" * 40])
def test_a_file_without_a_good_secret_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "given"
    if content is not None:
        path.write_bytes(content)

    found = problems(tmp_path / "data", SECRET_KEY_FILE=str(path))

    assert any("SECRET_KEY" in line for line in found)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    (found,) = problems(tmp_path / "file" / "data")

    assert "cannot be used" in found
    assert "Give DATA_DIR a folder that you may write to." in found


def test_the_secret_is_not_in_the_settings_own_words(tmp_path: Path) -> None:
    config = settings(tmp_path)

    assert config.secret_key not in repr(config)


# --- the document ---------------------------------------------------------------------------------------------


def test_the_document_says_how_long_durations_may_be_and_which_files_are_read() -> None:
    page = " ".join((ROOT / "docs" / "settings.md").read_text("utf-8").split())

    assert "At most `10m`" in page
    assert page.count("at most `7d`") == 2
    assert "`SECRET_KEY`, `MAIL_PASSWORD` and `DATABASE_URL` can also be given as a file" in page


def documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([A-Z_]+)` \|([^|]*)\|", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return {name: default.strip().strip("`") for name, default in rows}


def asked(tmp_path: Path) -> dict[str, str]:
    """Every setting that either mode asks for, with its default; a sandbox's where they differ."""
    far_away = LIVE | {"MAIL_SERVER": "mail.example.org"}
    defaults: dict[str, str] = {}
    for mode in (far_away, {}):
        reader = Reader({"DATA_DIR": str(tmp_path), **mode})
        read_settings(reader)
        assert reader.problems == []
        defaults |= reader.defaults
    return defaults


def test_every_setting_is_documented_and_none_is_invented(tmp_path: Path) -> None:
    assert set(documented()) == set(asked(tmp_path))


def test_what_an_organisation_gives_of_itself_stands_together() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    section = page.partition("## Your organisation\n")[2].partition("\n## ")[0]
    names = re.findall(r"^\| `([A-Z_]+)`", section, re.MULTILINE)

    assert {"ORGANISATION", "ACCENT", "LOGO_FILE", "ORGANISATION_ADDRESS", "PRIVACY_EMAIL"} <= set(names)
    assert f"at most {MOST_BYTES:,} bytes" in section


def test_the_documented_defaults_are_true(tmp_path: Path) -> None:
    said = documented()
    derived = {
        "PUBLIC_URL": ("http://127.0.0.1:8000", "http://HOST:PORT"),
        "PRIVACY_EMAIL": ("letters@sandbox.invalid", "ORGANISATION_EMAIL"),
        "BOUNCE_DOMAIN": ("sandbox.invalid", "domain of `ORGANISATION_EMAIL"),
    }
    for name, default in asked(tmp_path).items():
        assert (default, said[name]) == derived.get(name, (default, default)), name


def test_the_documented_live_site_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    given = dict(
        word.split("=", 1) for line in re.findall(r"^    (\S+=.+)$", page, re.MULTILINE) for word in shlex.split(line)
    )
    for name in ("SECRET_KEY_FILE", "MAIL_PASSWORD_FILE"):
        given[name] = str(tmp_path / Path(given[name]).name)
        Path(given[name]).write_text("s" * 64, encoding="utf-8")

    config = settings(tmp_path, **given)

    assert config.live
    assert config.organisation == "Friends of the Well"
    assert config.mail == MailServer("mail.example.org", 587, Security.STARTTLS, "letters@example.org", "s" * 64)
