"""What a campaign file says, and how it is told in another language."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from app.campaigns.targeting import Target


@dataclass(frozen=True, slots=True)
class Translation:
    """What of a campaign there is in another language; what is empty is told in the campaign's own."""

    language: str
    """One of LANGUAGES, another than the campaign's own."""
    title: str
    headline: str
    share: str = ""
    subject: str = ""
    """There is one if and only if there is a letter."""
    story: str = ""
    letter: str = ""
    """Has the merge fields, and as many open parts as, the campaign's own."""


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A campaign as its file tells it."""

    slug: str
    title: str
    headline: str
    targets: tuple[Target, ...]
    subject: str
    story: str
    """Markdown; may be empty."""
    letter: str
    """Plain text with merge fields and open parts."""
    topic: str = ""
    """One of TOPICS, or empty: what offices' forms ask a writer to choose."""
    opens: date | None = None
    """First day on which it is open."""
    closes: date | None = None
    """Last day on which it is open."""
    language: str = "en"
    """One of LANGUAGES: that of title and headline; see `story_language` and `letter_language`."""
    goal: int | None = None
    """So many signers are hoped for."""
    count_from: int = 100
    """Below so many signers the page shows no count."""
    share: str = ""
    """What a supporter says to friends, on one line; may be empty."""
    translations: tuple[Translation, ...] = ()
    """In the order of LANGUAGES; none on a file that is told in another language."""
    original: CampaignFile | None = None
    """The file as it was read, on one that is told in another language."""

    @property
    def languages(self) -> tuple[str, ...]:
        """All in which it can be told, its own first."""
        file = self.original or self
        return (file.language, *(translation.language for translation in file.translations))

    @property
    def story_language(self) -> str:
        """The language in which this file has the story."""
        translation = self._told_by()
        return self.language if translation is None or translation.story else self.languages[0]

    @property
    def letter_language(self) -> str:
        """The language in which this file has the subject and the letter."""
        translation = self._told_by()
        return self.language if translation is None or translation.letter else self.languages[0]

    def told_in(self, language: str) -> CampaignFile:
        """The file in that language as far as it is translated, in its own elsewhere; as read for any other."""
        return _told(self.original or self, language)

    def _told_by(self) -> Translation | None:
        return None if self.original is None else _translation(self.original, self.language)


def _translation(file: CampaignFile, language: str) -> Translation | None:
    return next((translation for translation in file.translations if translation.language == language), None)


@lru_cache(maxsize=128)
def _told(file: CampaignFile, language: str) -> CampaignFile:
    translation = _translation(file, language)
    if translation is None:
        return file
    return replace(
        file,
        language=language,
        title=translation.title,
        headline=translation.headline,
        share=translation.share,  # words of another language would stand beside a link to this one
        subject=translation.subject or file.subject,
        story=translation.story or file.story,
        letter=translation.letter or file.letter,
        translations=(),
        original=file,
    )
