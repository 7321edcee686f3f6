"""The story of a campaign, from Markdown to HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 — the library's own name
        # Relative links too are refused: a story is also read in other places than on this site.
        return url.lower().startswith(("https://", "http://", "mailto:"))


def render(story: str) -> Markup:
    """CommonMark as HTML that is safe to show.

    HTML in the story is shown as text, an image as its description, a link that is not http, https or mailto as it
    was written. `#` gives an h2 like `##`: the page has its own h1.
    """
    markdown = _Markdown("commonmark", {"html": False})
    markdown.add_render_rule("image", _description)
    tokens = markdown.parse(story)
    for token in tokens:
        if token.type in ("heading_open", "heading_close") and token.tag == "h1":
            token.tag = "h2"
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("rel", "noopener noreferrer")
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 — the renderer escapes


def _description(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    children: Any = tokens[index].children or []
    return escapeHtml(renderer.renderInlineAsText(children, options, env))
