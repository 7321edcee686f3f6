"""The form of a campaign page: its fields, and what was said with them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.core import UnboundField
from wtforms.i18n import DummyTranslations
from wtforms.validators import DataRequired, StopValidation

from app import mailboxes
from app.addresses import MILITARY, MILITARY_POST_OFFICES, STATES, PostalAddress, State, parse_zip
from app.campaigns.checks import LETTER_LIMIT
from app.campaigns.letters import Signer, parts_open
from app.signing.draft import Entry
from app.signing.tokens import wire_email
from app.web.unfilled import decoded, unfilled, unreferenced
from app.web.validators import (
    PREFIXES,
    FirstName,
    LastName,
    NameLike,
    OwnEmail,
    OwnWords,
    PhoneNumber,
    Plain,
    Prefix,
    Prose,
    StateCode,
    ZipCode,
    is_no_name,
    military_name,
    says_none,
    tidy,
    tidy_email,
    tidy_phone,
    tidy_prefix,
    tidy_prose,
    tidy_state,
    tidy_zip,
)

MOST_PARTS = 5
"""A letter's open parts."""


MOST_SEATS = 20
"""So many seats can be left out: those of one state that a campaign writes to, and of some that were entered before."""


def _line(label: str, name: str, validators: list[Any], *, filters: Any = tidy, **attributes: str) -> StringField:
    return StringField(label, validators, filters=[filters], name=name, render_kw={"autocomplete": name, **attributes})


def _text(label: str, missing: str, longest: int, name: str, *more: Any) -> StringField:
    return _line(label, name, [DataRequired(message=missing), Plain(longest), *more])


def _states() -> dict[str, str]:
    """Those that elect somebody, and at the end those of military mail: who has only such an address learns why."""
    choices = {"": gettext("Choose your state")} | {str(code): name for code, name in STATES.items()}
    return choices | {code: military_name(code) for code in sorted(MILITARY)}


def _prefixes() -> dict[str, str]:
    return {"": gettext("No title")} | {prefix: prefix for prefix in PREFIXES}


def _mark(suggestion: str) -> str:
    """A short hash of a suggested text, or of one that was left as it was suggested."""
    return hashlib.sha256(str(tidy_prose(suggestion)).encode()).hexdigest()[:12]


def hidden(values: Iterable[tuple[str, str]]) -> Markup:
    """Fields that nobody sees; the names must be ours, or look like it."""
    fields = [f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in values]
    return Markup("".join(fields))  # noqa: S704 — escaped above


_HASH = r"[0-9a-f]{32}"
_MARK = r"[0-9a-f]{12}"
# What the page carries on unseen, and what each can be: nobody typed it, so what is anything else is not there.
_CARRIED = {
    "seal": re.compile(_HASH),
    "chosen-for": re.compile(r".{0,400}"),
    "looked-up": re.compile(_HASH),
    "replaces": re.compile(r"[A-Za-z0-9._~-]{1,100}"),
    "told": re.compile("1"),
    "parts-of": re.compile(rf"{_MARK}(?: {_MARK}){{0,{MOST_PARTS - 1}}}"),
    "asked-email": re.compile(r"[!-~]{1,254}"),
    "offered": re.compile(r"[A-Z0-9 -]{1,200}"),
}
_SEAT = re.compile(r"([A-Z]{2})-(?:S[123]|AL|[1-9][0-9]?)")
_DIVISION = re.compile(r"[a-z0-9:/-]{1,80}")


def _said(given: Mapping[str, str], name: str) -> str:
    text = str(tidy(given.get(name, "")))
    return text if _CARRIED[name].fullmatch(text) else ""


def _seats(values: Sequence[str]) -> frozenset[str]:
    """Those of them that could be seats, as far as a form can hold them."""
    found = [seat for seat in values if (match := _SEAT.fullmatch(seat)) and match[1] in STATES]
    return frozenset(found[:MOST_SEATS])


def _division(value: object) -> object:
    """A choice among representatives; whether it is one of them is asked later."""
    return value if isinstance(value, str) and _DIVISION.fullmatch(value) else ""


def _part(place: int) -> TextAreaField:
    """An open part of the letter, counted from 1."""
    return TextAreaField(
        _("Part %(number)s of the letter, which you can change", number=place),
        [Prose(LETTER_LIMIT)],
        filters=[tidy_prose],
        name=f"part-{place}",
    )


PREFILLED = (
    "prefix",
    "given_name",
    "family_name",
    "mononym",
    "address_line1",
    "address_line2",
    "city",
    "state",
    "postal_code",
    "email",
    "phone",
)
"""The fields that a link may fill. Not the words: a link shall put none into anybody's mouth."""


class SignForm(FlaskForm):
    """Who writes, and what. Field names are the tokens by which browsers fill in a person's own data."""

    class Meta:
        """The form's own signed token (form_token.py) does what CSRF protection would need a cookie for."""

        csrf = False

        def get_translations(self, form: object) -> DummyTranslations:
            """All that the fields say comes from here; WTForms would read its own translations for each form."""
            return DummyTranslations()

    prefix = SelectField(
        _("Title"),
        [Prefix()],
        filters=[tidy_prefix],
        choices=_prefixes,
        validate_choice=False,
        name="honorific-prefix",
        render_kw={"autocomplete": "honorific-prefix"},
    )
    given_name = _line(_("First name"), "given-name", [FirstName(), Plain(100), NameLike()])
    family_name = _line(_("Last name"), "family-name", [LastName(), Plain(100), NameLike()])
    mononym = BooleanField(_("I have only one name"), name="mononym")
    address_line1 = _text(
        _("Street address"), _("Enter your street address, like 12 Main Street."), 200, "address-line1"
    )
    address_line2 = _line(_("Apartment, unit"), "address-line2", [Plain(200)])
    city = _text(_("City"), _("Enter your city or town."), 100, "address-level2")
    state = SelectField(
        _("State"),
        [DataRequired(message=_("Choose your state.")), StateCode()],
        choices=_states,
        filters=[tidy_state],
        validate_choice=False,
        name="address-level1",
        render_kw={"autocomplete": "address-level1"},
    )
    postal_code = _line(
        _("ZIP code"),
        "postal-code",
        [DataRequired(message=_("Enter your ZIP code, like 94110.")), Plain(20), ZipCode()],
        filters=tidy_zip,
        inputmode="numeric",
    )
    email = _line(
        _("Email"),
        "email",
        [DataRequired(message=_("Enter your e-mail address, like name@example.com.")), Prose(254), OwnEmail()],
        filters=tidy_email,
        type="email",
        inputmode="email",
        spellcheck="false",
        autocapitalize="off",
    )
    phone = _line(_("Phone"), "tel", [Plain(40), PhoneNumber()], filters=tidy_phone, type="tel", inputmode="tel")
    own_words = TextAreaField(
        _("Your own words"),
        [Prose(LETTER_LIMIT), OwnWords()],
        filters=[tidy_prose],
        name="own-words",
        render_kw={"rows": 6},
    )
    after_own_words = tuple(_part(place) for place in range(1, MOST_PARTS + 1))
    """Made here, since fields stand in the order in which they were made."""
    write_to = SelectMultipleField(name="write-to", choices=[], validate_choice=False)
    sure_of_state = BooleanField(name="sure-of-state")
    district = StringField(name="district", filters=[_division])
    other_district = StringField(name="other-district", filters=[_division])
    trap = StringField(
        _("Leave this field empty"),
        filters=[tidy],
        name="further-wishes",
        render_kw={"autocomplete": "off", "tabindex": "-1"},
    )
    """No program that fills in what it knows of a person knows anything for a field of this name."""

    def __init__(self, given: MultiDict[str, str] | None = None) -> None:
        super().__init__(given)
        came: MultiDict[str, str] = given or MultiDict()
        if "use-email" in came:
            self.email.data = mailboxes.probably_meant(str(self.email.data or "")) or self.email.data
        self._settle_names()
        self.seal = _said(came, "seal")
        self.chosen_for = _said(came, "chosen-for")
        self.looked_up = _said(came, "looked-up")
        self.replaces = _said(came, "replaces")
        self.told = _said(came, "told")
        self.parts_of = _said(came, "parts-of")
        self.asked_email = self._asked_before = _said(came, "asked-email")
        self._offered = _seats(_said(came, "offered").split())
        self._left_out = _seats(came.getlist("left-out"))

    @property
    def carried(self) -> Markup:
        """What the page carries to the next one, beside what people see. As plain values: fields take time to make."""
        return hidden(
            {
                "seal": self.seal,
                "chosen-for": self.chosen_for,
                "looked-up": self.looked_up,
                "replaces": self.replaces,
                "told": self.told,
                "parts-of": self.parts_of,
                "asked-email": self.asked_email,
            }.items()
        )

    def validate_trap(self, field: Field) -> None:
        """People are told what the field says; programs that fill in everything are not let through."""
        if field.data:
            raise ValidationError(gettext("Leave this field empty: it is there to stop programs."))

    def _settle_names(self) -> None:
        """Let the only name of somebody who says so stand in the first field, wherever they typed it."""
        if not self.mononym.data:
            return
        self.family_name.flags.required = False
        given, family = str(self.given_name.data or ""), str(self.family_name.data or "")
        if is_no_name(given) and not says_none(family):
            self.given_name.data, self.family_name.data = family, ""
        elif says_none(family) or family.casefold() == given.casefold():
            self.family_name.data = ""

    mailbox = ""
    """The e-mail address in its ASCII form, as it goes over the wire, once it has been found right."""

    email_meant = ""
    """The address that was probably meant, while the person is asked."""

    def validate_email(self, field: Field) -> None:
        """Ask, once for each address, about a slip of the finger; who presses the button again is believed."""
        meant = mailboxes.probably_meant(self.mailbox) if self.mailbox else None
        if meant is None or self.asked_email == self.mailbox:
            return
        self.asked_email, self.email_meant = self.mailbox, meant
        raise ValidationError(
            gettext(
                "Did you mean %(meant)s? If %(typed)s is right, press the button once more.",
                meant=meant,
                typed=field.data,
            )
        )

    congress = 0
    """Which Congress sits while the form is read: a district chosen in another one is another place."""

    @property
    def spot(self) -> str:
        """Congress, state and ZIP code: what is said about a district, or about the state, holds for these alone."""
        return f"{self.congress} {self.state.data or ''} {(self.postal_code.data or '')[:5]}"

    @property
    def place(self) -> str:
        """Where a choice among representatives was made; a district found by the street holds for that street only."""
        return f"{self.spot} {self.city.data} {self.address_line1.data}" if self.looked_up else self.spot

    def entry(self, *, look_up: bool = False) -> Entry:
        """The typed values of a form that has validated; `look_up`: the person asked for that with their button.

        Words that are wrong are left out: then the letters are shown as they are without them.
        """
        for_here = self.chosen_for == self.place and not look_up
        said = self.chosen_for
        return Entry(
            signer=self.signer(),
            district=(self.district.data or "") if for_here else "",
            other_district=(self.other_district.data or "") if for_here else "",
            sure_of_state=bool(self.sure_of_state.data) and (said == self.spot or said.startswith(f"{self.spot} ")),
            look_up=look_up,
            looked_up=bool(self.looked_up) and for_here,
            own_words="" if self.own_words.errors else str(self.own_words.data or ""),
            edits=tuple(str(part.data or "") if part.raw_data and not part.errors else None for part in self.parts),
            left_out=self.seats_left_out,
        )

    @property
    def parts(self) -> tuple[TextAreaField, ...]:
        """The open parts of the letter; `form_for` tells which form has fields for them."""
        return ()

    def settle_parts(self, letter: str) -> bool:
        """Let each part stand where it belongs in this letter, and be typed only where it differs from the suggestion.

        The form says of which suggestions its parts were: the letter may be another one by now, in another language or
        revised. Whether something was changed that has no place in this letter any more; it stands where it stood, or
        among the signer's own words, and somebody should look at it.
        """
        suggested = parts_open(letter)
        marks = [_mark(text) for text in suggested]
        typed, strays = self._typed_parts(marks)
        for position, text in sorted(strays.items()):
            if position < len(suggested) and position not in typed:
                typed[position] = text
            else:
                self.own_words.data = f"{self.own_words.data or ''}\n\n{tidy_prose(text)}".strip()
        for position, field in enumerate(self.parts):
            field.raw_data = [typed[position]] if position in typed else []
            field.data = str(tidy_prose(typed.get(position, suggested[position] if position < len(suggested) else "")))
        self.parts_of = " ".join(marks)
        return bool(strays)

    def _typed_parts(self, marks: Sequence[str]) -> tuple[dict[int, str], dict[int, str]]:
        """By position: what was changed in suggestions with these marks, and in others, as it came."""
        typed, strays = {}, {}
        came = self.parts_of.split()
        for position, field in enumerate(self.parts):
            text = str(field.raw_data[0]) if field.raw_data else ""
            of = came[position] if position < len(came) else ""
            if not field.raw_data or of == _mark(text):
                continue
            if of in marks:
                typed[marks.index(of)] = text
            else:
                strays[position] = text
        return typed, strays

    def changes(self, left_out: Collection[str]) -> dict[str, str]:
        """What was changed in the letters, by the names of the fields; `left_out` are the seats that get none."""
        changed = {part.name: str(part.data or "") for part in self.parts if part.raw_data}
        if changed:
            changed["parts-of"] = self.parts_of
        return changed | ({"left-out": " ".join(sorted(left_out))} if left_out else {})

    @property
    def seats_left_out(self) -> frozenset[str]:
        """Seats whose tick was taken away: on the page before, or on one before that."""
        return _seats(sorted(self._offered - set(self.write_to.data or ()) | self._left_out))

    def signer(self) -> Signer:
        """Who writes."""
        address = PostalAddress(
            line1=str(self.address_line1.data),
            line2=str(self.address_line2.data or ""),
            city=str(self.city.data),
            state=State(str(self.state.data)),
            zip=parse_zip(str(self.postal_code.data)) or "",
        )
        return Signer(
            str(self.given_name.data),
            str(self.family_name.data or ""),
            address,
            self.mailbox or wire_email(str(self.email.data)),
            prefix=str(self.prefix.data or ""),
            phone=str(self.phone.data or ""),
        )

    asks_state = False
    """Whether the ZIP code is mostly in another state, and the person shall say that theirs is right."""

    def only_words_are_wrong(self) -> bool:
        """Whether everything is right but what the signer added to the letters, or changed in them."""
        of_words = {field.name for field in (self.own_words, *self.parts)}
        return {field.name for field in self if field.errors} <= of_words

    def forget_errors(self) -> None:
        """Show what was typed without what is wrong with it."""
        for field in self:
            field.errors = []
        self.asked_email, self.email_meant = self._asked_before, ""

    def fill_in(self, given: Mapping[str, str]) -> None:
        """Take the values of a link; one that its field cannot hold leaves it empty, with the reason as its error."""
        fields = [self[name] for name in PREFILLED]
        wanted = MultiDict({field.name: decoded(given[field.name]) for field in fields if field.name in given})
        for field in fields:
            field.process(wanted)
        self._settle_names()
        self.empty_what_cannot_stand(fields)

    def empty_what_cannot_stand(self, fields: Iterable[Field] | None = None) -> None:
        """Of what somebody else has filled in: nobody shall find a placeholder, or half a text, in their letters."""
        for field in [self[name] for name in (*PREFILLED, "own_words")] if fields is None else fields:
            why = _why_it_cannot_stand(self, field)
            if not why:
                continue
            if field.data not in MILITARY:  # who is told of that shall see of what
                field.process(MultiDict({field.name: ""}))
            if field is not self.prefix:  # nobody needs a title
                field.errors = [why]

    def shows_details_wrong(self) -> bool:
        """Whether anything of what a person entered about themselves is wrong."""
        about_letters = {field.name for field in (self.own_words, self.write_to, self.district, *self.parts)}
        return any(field.errors for field in self if field.name not in about_letters)

    def shown_errors(self) -> list[tuple[str, Any]]:
        """Field id and sentence, in the order of the page, for the summary at its top."""
        return [(field.id, field.errors[0]) for field in self if field.errors]


_LOOKED_AT = 1000
"""Characters in which a placeholder is looked for; in a longer text it would be among many words."""


def _why_it_cannot_stand(form: SignForm, field: Field) -> str:
    """Why a field cannot hold what it has been given: too long, illegible, none of its choices, a placeholder."""
    if not field.data or isinstance(field, BooleanField):
        return ""
    if tag := unfilled(str(field.data)[:_LOOKED_AT]):
        return gettext(
            "%(field)s: fill this in yourself; the link or form held %(tag)s, which a program should have filled.",
            field=field.label.text,
            tag=tag,
        )
    try:
        for check in field.validators:
            if isinstance(check, Prose | Prefix | StateCode):
                check(form, field)
    except (ValidationError, StopValidation) as error:
        if field.data in MILITARY | MILITARY_POST_OFFICES:
            return str(error)
        return gettext(
            "%(field)s: fill this in yourself; what the link or form held cannot stand here.", field=field.label.text
        )
    return ""


class PartedForm(SignForm):
    """With the parts of a letter that its signer may change: most letters have none, and fields take time to make."""

    part_1, part_2, part_3, part_4, part_5 = SignForm.after_own_words

    @property
    def parts(self) -> tuple[TextAreaField, ...]:
        """All that a letter can have."""
        return (self.part_1, self.part_2, self.part_3, self.part_4, self.part_5)


def form_for(letter: str, given: MultiDict[str, str] | None = None) -> SignForm:
    """The form of this letter, empty or as it was `given`, with parts of what was another letter then."""
    parted = parts_open(letter) or any(name.startswith("part-") for name in given or ())
    return (PartedForm if parted else SignForm)(given)


def by_a_stranger(given: Mapping[str, str]) -> MultiDict[str, str]:
    """What another site may fill in: what the person sees on the page, and nothing that is hidden."""
    line = {name: decoded(given[name]) for name in _IN_LINKS if name in given}
    return MultiDict(line | {name: unreferenced(given[name]) for name in ("own-words",) if name in given})


FIELD_NAMES = (
    *(str(field.name) for field in vars(PartedForm).values() if isinstance(field, UnboundField)),
    *(str(field.name) for field in vars(SignForm).values() if isinstance(field, UnboundField)),
    *(name for name in _CARRIED if name != "replaces"),
    *("token", "lang", "left-out"),
)
"""All that a form can say, but for its buttons and what it takes the place of."""

_IN_LINKS = tuple(str(getattr(SignForm, name).name) for name in PREFILLED)


def fills_a_field(given: Mapping[str, str]) -> bool:
    """Whether what stands in an address fills any field; to ask costs less than to make a form."""
    return bool(given) and any(given.get(name) for name in _IN_LINKS)
