"""The TOML head of a campaign file: its keys, and a table for each translation."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from string import ascii_letters, digits

from app import typed
from app.campaigns.checks import (
    AT_MOST,
    LANGUAGE_NAMES,
    LANGUAGES,
    TOPICS,
    Problem,
    head_warnings,
    slug_complaint,
)
from app.campaigns.head_table import DAYS, KEYS, NUMBERS, TRANSLATED_KEYS, Line, Table, without_quotes
from app.campaigns.sections import LETTER, STORY, Text, Translated, heading
from app.campaigns.targeting import Target
from app.campaigns.values import CampaignFile, Translation
from app.spelling import nearest

COUNT_FROM = 100
# What people call those whom a campaign can write to, beside the names and slips in them.
_CALLED = {
    **dict.fromkeys(("us-senate", "senate", "federal-senators"), Target.SENATORS),
    **dict.fromkeys(("us-rep", "us-reps", "rep", "reps", "us-house", "house", "congressman"), Target.REPRESENTATIVE),
    **dict.fromkeys(("house-of-representatives", "congresswoman", "congressperson"), Target.REPRESENTATIVE),
}

_BEGINS = re.compile(r"\[[ \t]*([\"']?)([\w.-]{1,80})\1[ \t]*\][ \t]*(?:#.*)?")


_WITHOUT_QUOTES = re.compile(
    rf"[ \t]*([\"']?)(?P<key>{'|'.join((*NUMBERS, *DAYS))})\1[ \t]*=[ \t]*(?P<value>[^#]*)(?:#.*)?"
)
_OF_TOML = frozenset(f"{ascii_letters}{digits}[]{{}}=,.\"'#-_+")
"""What can stand between the strings of a head."""
_STRINGS = re.compile(r""" "(?:[^"\\]|\\.)*" | '[^']*' """, re.VERBOSE)


class Head:
    """The head while it is read; problems go to the list that is passed in."""

    def __init__(self, head: Text, problems: list[Problem]) -> None:
        self._lines = [Line(head.line + index, line) for index, line in enumerate(head.text.split("\n"))]
        self._problems = problems
        self._legible = True
        values = self._parse(head.text)
        self._top = Table("", values, self._lines_of(""), problems)

    def campaign(self, story: str, letter: str, translated: Mapping[str, Translated]) -> CampaignFile:
        """The campaign with this head; whatever had a problem is empty in it."""
        if not self._legible:
            return CampaignFile("", "", "", (), "", story, letter)
        top = self._top
        language = self._language()
        self._unknown_keys(language)
        file = CampaignFile(
            slug=self._slug(),
            title=top.line("title"),
            headline=top.line("headline"),
            targets=self._targets(),
            subject=top.line("subject"),
            story=story,
            letter=letter,
            topic=self._topic(),
            opens=top.day("opens"),
            closes=top.day("closes"),
            language=language,
            goal=top.number("goal"),
            count_from=top.number("count-from") or COUNT_FROM,
            share=top.line("share") if "share" in top.values else "",
            translations=self._translations(language, translated),
        )
        if file.opens and file.closes and file.closes < file.opens:
            top.complain("closes", "Set closes to the day of opens or to a later one.")
        return file

    def warnings(self, file: CampaignFile) -> list[Problem]:
        """What is odd about the head of this file, but may be meant."""
        found = head_warnings(file.topic)
        if file.goal is not None and file.goal < file.count_from:
            advice = f"The page shows no count below {file.count_from:,} signers: raise goal, or lower count-from."
            found.append(Problem(*self._top.place("goal"), advice))
        own = LANGUAGE_NAMES[file.language]
        for translation in file.translations:
            if file.story and not translation.story:
                reader = LANGUAGE_NAMES[translation.language]
                advice = f"The story is not translated: supporters who read {reader} see the story in {own}."
                found.append(Problem(*self._top.place(translation.language), advice))
        return found

    def _parse(self, text: str) -> dict[str, object]:
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError; huge numbers raise that itself
            self._legible = False
            words = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a value is too large or too deep"
            match = re.search(r" \(at line (\d+), column (\d+)\)$", words)
            line, column = (int(match[1]), int(match[2])) if match else (len(self._lines), 1)
            at_fault = self._lines[min(line, len(self._lines)) - 1]
            if match and (unquoted := _number_or_day(at_fault.text)):
                column, message = unquoted
            elif mistyped := _mistyped(at_fault.text, column):
                column, message = mistyped[0], f"{typed.correction(mistyped[1])}."
            else:
                reason = re.sub(r" \(at [^()]*\)$", "", words)
                here = at_fault.text[column - 1 : column]
                where = (
                    f"at {here if here.isascii() and here.isalnum() else typed.described(here)}"
                    if here
                    else "at the end of the line"
                )
                message = f'Write the head as TOML, like title = "Reunite Families" ({reason}, {where}).'
            self._problems.append(Problem(self._lines[0].number + line - 1, column, message))
            return {}

    def _lines_of(self, table: str) -> list[Line]:
        """The lines of a table, its own first; of the top all that stand above the tables, and the tables' own."""
        lines, current = [], ""
        for line in self._lines:
            begins = _BEGINS.fullmatch(line.text.strip())
            current = begins[2] if begins else current
            if current == table or (begins and not table):
                lines.append(line)
        return lines

    def _table(self, name: str, values: Mapping[str, object]) -> Table:
        number, _ = self._top.place(name)
        lines = self._lines_of(name) or [line for line in self._lines if line.number == number]
        return Table(name, values, lines, self._problems)

    def _unknown_keys(self, language: str) -> None:
        tables = [code for code in LANGUAGES if code != language]
        for key in sorted(self._top.values.keys() - {*KEYS, *LANGUAGES})[:AT_MOST]:
            if isinstance(self._top.values[key], dict):
                meant, known = (
                    nearest(typed.plain_form(key), tables),
                    f"a translation's table is [{'] or ['.join(tables)}]",
                )
            else:
                meant, known = nearest(typed.plain_form(key), KEYS), f"the keys are {', '.join(KEYS)}"
            self._top.complain(
                key, f"There is no key {key[:80]}{typed.unlike(key)}; {f'write {meant}' if meant else known}."
            )

    def _slug(self) -> str:
        return typed.code(self._top.text("slug", lambda value: slug_complaint(typed.code(value))))

    def _language(self) -> str:
        """The campaign's own; empty after a complaint."""
        value = _as_code(self._top.values.get("language", LANGUAGES[0]))
        if value in LANGUAGES:
            return str(value)
        hint = f"the languages are {' and '.join(LANGUAGES)}"
        self._top.complain("language", _none("language", value, hint), _unusual(value))
        return ""

    def _targets(self) -> tuple[Target, ...]:
        names = self._top.value("targets", '["us-senators", "us-representative"]')
        if names is None:
            return ()
        if not isinstance(names, list) or not names:
            self._top.complain(
                "targets", 'Name at least one target, like targets = ["us-senators", "us-representative"].'
            )
            return ()
        known = {target.value: target for target in Target}
        codes = [_as_code(name) for name in names]
        for name, code in list(zip(names, codes, strict=True))[:AT_MOST]:
            if code not in known.values():
                hint = "a campaign writes to Congress only, and the targets are " + " and ".join(known)
                meant = _target_meant(str(code))
                self._top.complain("targets", _none("target", code, f"write {meant}" if meant else hint), str(name))
        targets = tuple(known[str(code)] for code in codes if code in known.values())
        if len(set(targets)) < len(targets):
            self._top.complain("targets", "Name each target once.")
        return targets

    def _topic(self) -> str:
        value = _as_code(self._top.values.get("topic"))
        if value is None:
            return ""
        meant = nearest(typed.plain_form(str(value)), TOPICS)
        if value not in TOPICS:
            hint = f"write {meant}" if meant else f"the topics are {'; '.join(TOPICS)}"
            self._top.complain("topic", _none("topic", value, hint), _unusual(value))
        return str(value)

    def _translations(self, language: str, translated: Mapping[str, Translated]) -> tuple[Translation, ...]:
        tables = [code for code in LANGUAGES if code in self._top.values]
        if language in tables:
            advice = f"Remove [{language}]: it is the campaign's own language, whose title and headline stand above."
            self._top.complain(language, advice)
        for code, texts in translated.items():
            if code == language:
                advice = f"Move this text below “{STORY}” or “{LETTER}”: {code} is the campaign's own language."
                self._problems.append(Problem(texts.line, 1, advice))
            elif code not in tables:
                advice = f"Add a table [{code}] with title and headline at the end of the head, or remove this section."
                self._problems.append(Problem(texts.line, 1, advice))
        return tuple(
            self._translation(code, translated.get(code, Translated(0))) for code in tables if code != language
        )

    def _translation(self, code: str, texts: Translated) -> Translation:
        story, letter = texts.story or Text("", 0), texts.letter or Text("", 0)
        values = self._top.values[code]
        if not isinstance(values, dict):
            self._top.complain(code, f"Write the translation as a table: a line [{code}], below it title and headline.")
            return Translation(code, "", "")
        table = self._table(code, values)
        table.unknown_keys()
        if values.keys().isdisjoint(TRANSLATED_KEYS):
            self._top.complain(code, f"Write title and headline below [{code}], or remove it.")
            return Translation(code, "", "")
        subject = ""
        if texts.letter is not None:
            subject = table.line("subject")
        elif "subject" in values:
            advice = (
                f"Remove the subject below [{code}], or add the letter that it belongs to, “{heading(LETTER, code)}”."
            )
            table.complain("subject", advice)
        return Translation(
            language=code,
            title=table.line("title"),
            headline=table.line("headline"),
            share=table.line("share") if "share" in values else "",
            subject=subject,
            story=story.text,
            letter=letter.text,
        )


def _as_code(value: object) -> object:
    """A name that a campaign file can only take from a list, in plain signs."""
    return typed.code(value) if isinstance(value, str) else value


def _none(kind: str, value: object, hint: str) -> str:
    return f"There is no {kind} {str(value)[:80]!r}{typed.unlike(str(value))}; {hint}."


def _unusual(value: object) -> str:
    """The first sign of a value that is not plain; empty when all are."""
    found = typed.first_unusual(str(value))
    return found[1] if found else ""


def _target_meant(name: str) -> str | None:
    words = re.findall("[a-z]+", typed.plain_form(name).lower().replace("u.s.", "us"))
    called = "-".join(word for word in words if word not in {"your", "my", "the"})
    return _CALLED.get(called) or nearest(called, [target.value for target in Target])


def _number_or_day(line: str) -> tuple[int, str] | None:
    """Column and words of what is wrong with a number or a day that is none of TOML; None in any other line."""
    match = _WITHOUT_QUOTES.fullmatch(line)
    if match is None or _is_toml(line):
        return None
    key, value = match["key"], match["value"].rstrip()
    right = "0123456789" if key in NUMBERS else "0123456789-"
    wrong = [(place, sign) for place, sign in enumerate(value) if sign not in right]
    how = without_quotes(key, value)
    if not wrong:
        return match.start("value") + 1, f"{how}."
    place, sign = next((each for each in wrong if not each[1].isspace()), wrong[0])
    is_like_one = (typed.meant_by(sign) or " ") in right + "#"
    why = typed.correction(sign) if is_like_one else f"{typed.described(sign)} cannot stand in it"
    return match.start("value") + place + 1, f"{how}: {why}."


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _mistyped(line: str, column: int) -> tuple[int, str] | None:
    """Column and sign of what was typed in the place of a plain one, where the line of a TOML error has such a sign.

    Between straight quotes any sign is right, and in a comment.
    """
    bare = _STRINGS.sub(lambda match: " " * len(match[0]), line).partition("#")[0]
    found = [(place, sign) for place, sign in enumerate(bare, start=1) if (typed.meant_by(sign) or " ") in _OF_TOML]
    here = [(place, sign) for place, sign in found if place == column]
    return next(iter(here or found), None)
