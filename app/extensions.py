"""Flask's extensions, each bound to an application by create_app."""

from __future__ import annotations

from gettext import NullTranslations

import flask_babel
from babel import Locale
from flask import g
from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from app.db import Base


class _Catalogs(flask_babel.Domain):
    """The translations, each read once. A page asks for them 150 times, and flask_babel would look around each time."""

    def __init__(self) -> None:
        super().__init__()
        self._read: dict[Locale, NullTranslations] = {}

    def get_translations(self) -> NullTranslations:
        """Of the language that is spoken now."""
        spoken = vars(g._get_current_object()).get("_flask_babel") if g else None
        locale = getattr(spoken, "babel_locale", None)
        found = self._read.get(locale) if locale else None
        if found is None:
            found = super().get_translations()
            if locale:
                self._read[locale] = found
        return found


class _Babel(flask_babel.Babel):
    """One domain for all requests."""

    def __init__(self) -> None:
        super().__init__()
        self._catalogs = _Catalogs()

    @property
    def domain_instance(self) -> _Catalogs:
        """Asked for once in each request."""
        return self._catalogs


# expire_on_commit would read a row again after each commit, and so open a transaction while mail is being sent.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate(render_as_batch=True)
mail = Mail()
babel = _Babel()
