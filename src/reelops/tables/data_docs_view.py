"""How Great Expectations draws a page, with values of the table as plain text.

It escapes what it puts into sentences, and not what stands alone in a cell: the values that an expectation failed on,
which in our tables are whatever a stranger wrote as a prompt or called a clip. Loaded by Great Expectations, by name.
"""

from __future__ import annotations

import html
from typing import Any

from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import pass_context


class PlainTextPageView(DefaultJinjaPageView):  # type: ignore[misc] # it has no types
    """The pages as they are, but no value is markup."""

    @pass_context
    def render_content_block(self, jinja_context: Any, content_block: Any, *where: Any, **how: Any) -> Any:
        """A block as HTML; blocks within it come here, too, and what they became does not."""
        if isinstance(content_block, list):
            content_block = [_plain(one) for one in content_block]
        return super().render_content_block(jinja_context, _plain(content_block), *where, **how)


def _plain(block: Any) -> Any:
    return html.escape(block, quote=False) if isinstance(block, str) else block
