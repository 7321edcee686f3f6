"""A browser without JavaScript over Flask's test client; every page that it is given is checked.

It does what a real one does with a form: hidden fields, ticked boxes, chosen options and closed `<details>` go along,
and the button that was pressed. A redirect after a POST (303) is followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import html5lib
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

ORIGIN = "http://localhost"
_LABELLED = {"input", "select", "textarea"}
_INLINE = {"a", "abbr", "b", "cite", "code", "em", "i", "label", "small", "span", "strong"}
_LOADS = {"img": "src", "script": "src", "iframe": "src", "source": "src", "object": "data", "embed": "src"}
_LOADING_RELS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
Element = Any  # xml.etree's elements as html5lib, which has no types, makes them


@dataclass
class Page:
    """One answer: its status, headers and elements. `values` is what stands in the fields, by their names."""

    url: str
    status: int
    headers: Headers
    html: str
    root: Element
    typed: dict[Element, str | bool] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What a person reads, with single spaces."""
        return _text(self.find("main")) if self.all("main") else _text(self.root)

    @property
    def title(self) -> str:
        return _text(self.find("title"))

    @property
    def heading(self) -> str:
        return _text(self.find("h1"))

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def errors(self) -> list[str]:
        """The sentences of the summary at the top."""
        return [_text(item) for box in self.summary for item in box.iter("li")]

    @property
    def notice(self) -> str:
        return " ".join(_text(box) for box in self.summary if not list(box.iter("li")))

    @property
    def summary(self) -> list[Element]:
        return [element for element in self.root.iter("div") if "summary" in element.get("class", "").split()]

    @property
    def values(self) -> dict[str, str]:
        """Every field that a press would send, whichever form it is in."""
        return {name: value for form in self.all("form") for name, value in self.sent_by(form)}

    @property
    def letters(self) -> list[str]:
        return [_text(sheet) for sheet in self.all("article")]

    @property
    def buttons(self) -> list[str]:
        """What a person sees of them; not the languages."""
        shown = [element for element in self.root.iter() if _is_button(element) and _is_shown(element)]
        return [_words(element) for element in shown if element.get("name") != "speak"]

    def all(self, tag: str) -> list[Element]:
        return list(self.root.iter(tag))

    def find(self, tag: str) -> Element:
        return self.all(tag)[0]

    def control(self, name: str, value: str | None = None) -> Element:
        """The field of that name; of several radios the one with `value`."""
        found = [
            element
            for tag in _LABELLED
            for element in self.root.iter(tag)
            if element.get("name") == name and (value is None or element.get("value") == value)
        ]
        assert len(found) == 1, f"{len(found)} fields {name}={value} on {self.path}"
        return found[0]

    def has(self, name: str) -> bool:
        return any(element.get("name") == name for tag in _LABELLED for element in self.root.iter(tag))

    def sent_by(self, form: Element, pressed: Element = None) -> list[tuple[str, str]]:
        """Name and value of each control that counts, in the order of the page."""
        sent: list[tuple[str, str]] = []
        for element in form.iter():
            name = element.get("name")
            if not name or element.get("disabled") is not None:
                continue
            if _is_button(element):
                if element is pressed:
                    sent.append((name, element.get("value", "")))
                continue
            value = self._value(element)
            if element.tag in _LABELLED and value is not None:
                sent.append((name, value))
        return sent

    def _value(self, element: Element) -> str | None:
        kind = element.get("type", "text") if element.tag == "input" else element.tag
        if kind in {"radio", "checkbox"}:
            ticked = self.typed.get(element, element.get("checked") is not None)
            return element.get("value", "on") if ticked else None
        if element in self.typed:
            return str(self.typed[element])
        if kind == "select":
            options = list(element.iter("option"))
            chosen = [option for option in options if option.get("selected") is not None] or options[:1]
            return str(chosen[-1].get("value", _text(chosen[-1]))) if chosen else None
        if kind == "textarea":
            return "".join(element.itertext())
        return None if kind == "file" else str(element.get("value", ""))


class Visitor:
    """Somebody at a browser. `headers` go with every request, `network` is the address they come from."""

    def __init__(self, app: Flask, network: str = "127.0.0.1", **headers: str) -> None:
        self.app = app
        self.client = app.test_client(use_cookies=False)
        self.network = network
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.page: Page = Page("", 0, Headers(), "", None)

    def open(self, path: str, **headers: str) -> Page:
        """Follow a link or type an address; redirects are followed."""
        return self._arrive(self._ask("GET", path, None, headers))

    def follow(self, words: str) -> Page:
        """Follow the first link with these words."""
        found = [a.get("href") for a in self.page.all("a") if _text(a) == words]
        assert found, f"no link {words!r} on {self.page.path}"
        return self.open(urljoin(self.page.url, found[0]))

    def fill(self, **fields: str | bool) -> Visitor:
        """Type into fields, by their HTML names (`given_name` is `given-name`); tick boxes with True."""
        for name, value in fields.items():
            html_name = name.replace("_", "-")
            if isinstance(value, bool):
                self.page.typed[self.page.control(html_name)] = value
                continue
            control = self.page.control(html_name)
            if control.tag == "select":
                assert value in [option.get("value") for option in control.iter("option")], f"{name} has no {value}"
            self.page.typed[control] = value
        return self

    def untick(self, name: str, value: str) -> Visitor:
        """Take away the tick of one of several boxes of a name."""
        box = self.page.control(name, value)
        assert box.get("type") == "checkbox"
        self.page.typed[box] = False
        return self

    def choose(self, name: str, value: str) -> Visitor:
        """Press a radio button: the others of its name go off."""
        chosen = self.page.control(name, value)
        for radio in self.page.all("input"):
            if radio.get("type") == "radio" and radio.get("name") == name:
                self.page.typed[radio] = radio is chosen
        return self

    def press(self, button: str, **headers: str) -> Page:
        """Press the first button with these words, of whichever form it is in."""
        path, fields = self.ready(button)
        return self.post(path, fields, **headers)

    def ready(self, button: str) -> tuple[str, list[tuple[str, str]]]:
        """Where and what `press` would send."""
        for form in self.page.all("form"):
            for element in form.iter():
                if _is_button(element) and _is_shown(element) and _words(element) == button:
                    assert form.get("method", "").lower() == "post"
                    return urljoin(self.page.url, form.get("action") or ""), self.page.sent_by(form, element)
        raise AssertionError(f"no button {button!r} on {self.page.path}: {self.page.buttons}")

    def enter(self) -> Page:
        """Press Enter in a text field of the first form: browsers then press its first button."""
        form = self.page.find("form")
        first = next(element for element in form.iter() if _is_button(element))
        return self.post(urljoin(self.page.url, form.get("action") or ""), self.page.sent_by(form, first))

    def post(self, path: str, fields: list[tuple[str, str]], **headers: str) -> Page:
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        return self._arrive(self._ask("POST", path, data, headers))

    def _ask(self, method: str, path: str, data: dict[str, list[str]] | None, headers: dict[str, str]) -> TestResponse:
        parts = urlsplit(path)
        merged = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        response = self.client.open(
            parts._replace(scheme="", netloc="").geturl(),
            method=method,
            data=data,
            headers=merged,
            environ_base={"REMOTE_ADDR": self.network},
            base_url=ORIGIN,
        )
        check_headers(response)
        return response

    def _arrive(self, response: TestResponse) -> Page:
        hops = 0
        while response.status_code in {301, 302, 303, 308}:
            assert response.request.method == "GET" or response.status_code == 303
            hops += 1
            assert hops < 5
            response = self._ask("GET", urljoin(response.request.url, response.headers["Location"]), None, {})
        page = checked(response)
        self.page = page
        return page


def checked(response: TestResponse) -> Page:
    """The page of an answer, when everything that must hold of any page holds."""
    html = response.get_data(as_text=True)
    assert response.content_type == "text/html; charset=utf-8"
    page = Page(response.request.url, response.status_code, response.headers, html, parse(html))
    check_headers(response)
    check_elements(page.root)
    return page


def parse(html: str) -> Element:
    """Its elements; any departure from HTML fails."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


def check_headers(response: Response) -> None:
    """What holds of every answer, whatever it is."""
    headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers
    assert "Cache-Control" in headers


def check_elements(root: Element) -> None:
    """What holds of every page: it can be read by machines that read aloud, and loads nothing from elsewhere."""
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    ids = [element.get("id") for element in elements if element.get("id") is not None]
    assert len(ids) == len(set(ids)), f"ids twice: {sorted(i for i in set(ids) if ids.count(i) > 1)}"
    assert all(re.fullmatch(r"\S+", id_) for id_ in ids)
    assert root.get("lang")
    assert len(list(root.iter("h1"))) == 1
    assert _text(next(root.iter("h1")))
    (title,) = root.iter("title")
    assert _text(title).strip(" ·")
    assert len(list(root.iter("main"))) == 1
    labels = {label.get("for") for label in root.iter("label")}
    assert labels - {None} <= set(ids), "a label of nothing"
    for element in elements:
        _check_labelled(element, labels)
        _check_references(element, set(ids))
        _check_loads(element)
        assert not any(name.startswith("on") or name == "style" for name in element.keys())  # noqa: SIM118
        assert element.tag not in {"style", "base", "iframe", "object", "embed"}
        assert element.tag != "script" or (element.get("src") and not _text(element)), "an inline script"
        assert element.get("href", "").partition(":")[0].strip().lower() not in {"javascript", "data"}
        if element.tag == "a":
            assert _text(element) or element.get("aria-label")
        assert not _is_button(element) or _words(element)


def _check_labelled(element: Element, labels: set[str | None]) -> None:
    kind = element.get("type", "text")
    if element.tag in _LABELLED and kind not in {"hidden", "submit"}:
        assert element.get("id") in labels, f"no label: {element.get('name')}"


def _check_references(element: Element, ids: set[str]) -> None:
    for name in ("aria-describedby", "aria-labelledby", "aria-controls"):
        targets = element.get(name)
        assert targets is None or (targets.split() and set(targets.split()) <= ids), f"{name}={targets}"
    href = element.get("href", "")
    if element.tag == "a" and href.startswith("#"):
        assert href[1:] in ids, f"{href} leads nowhere"


def _check_loads(element: Element) -> None:
    address = element.get(_LOADS.get(element.tag, ""))
    if element.tag == "link" and _LOADING_RELS & set(element.get("rel", "").split()):
        address = element.get("href")
    assert address is None or re.match(r"/(?!/)", address), f"loads {address}"
    if element.tag == "form":
        action = element.get("action")
        assert action is None or re.match(r"/(?!/)", action)


def _is_button(element: Element) -> bool:
    return bool(element.tag == "button" or (element.tag == "input" and element.get("type") == "submit"))


def _is_shown(button: Element) -> bool:
    """Whether it is not only there for the Enter key."""
    return bool(button.get("aria-hidden") != "true")


def _words(button: Element) -> str:
    return _text(button) if button.tag == "button" else str(button.get("value", ""))


def _text(element: Element) -> str:
    """Its words, with single spaces: blocks and line ends part words, inline elements do not."""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Element) -> Iterator[str]:
    apart = "" if element.tag in _INLINE else " "
    yield apart + (element.text or "")
    for child in element:
        if isinstance(child.tag, str):
            yield from _pieces(child)
        yield child.tail or ""
    yield apart
