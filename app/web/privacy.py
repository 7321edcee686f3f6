"""/privacy: what is kept, why, who gets it, how long, and how to have it deleted; from the numbers that delete it."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.backups import KEPT_FOR
from app.campaigns.stories import render
from app.delivery.dead import KEEP as DEAD
from app.legislators.census import KEEP
from app.signing.retention import DIGESTS, PROOF
from app.web.site import site

blueprint = Blueprint("privacy", __name__)


@blueprint.get("/privacy")
def show() -> str:
    """The page."""
    config = site().config
    return render_template(
        "privacy/page.html",
        config=config,
        keep=site().keep,
        backups=KEPT_FOR,
        digests=DIGESTS,
        proof=PROOF,
        remembered=KEEP,
        dead=DEAD,
        own=render(config.privacy_text) if config.privacy_text else None,
    )
