"""GET of the campaign page against a bare Flask response of the same size."""

from __future__ import annotations

from flask import Flask

from bench import measure, site


def main() -> None:
    app = site.make()
    ours = app.test_client()
    size = len(ours.get("/reunite-families").data)
    bare = Flask("bare")
    text = "x" * size
    bare.add_url_rule("/<slug>", "page", lambda slug: text)
    floor = bare.test_client()

    def get_ours() -> None:
        ours.get("/reunite-families")

    def get_floor() -> None:
        floor.get("/reunite-families")

    measure.compare(f"GET of the campaign page ({size} bytes)", get_ours, get_floor, rounds=9, times=150)


if __name__ == "__main__":
    main()
