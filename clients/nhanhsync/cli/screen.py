"""A console for text that other people wrote: it is shown as it is, and does not steer the terminal."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

KEPT = "\n\t\r"  # Rich folds the first two and drops the third
C0, DELETE, C1 = range(0x20), 0x7F, range(0x80, 0xA0)

PICTURES = {
    **{code: 0x2400 + code for code in C0 if chr(code) not in KEPT},
    DELETE: 0x2421,
    **dict.fromkeys(C1, 0xFFFD),
}
"""The picture of each control character: a customer's name may hold an escape sequence."""

JSON_ESCAPES = {code: f"\\u{code:04x}" for code in (DELETE, *C1)}
"""The control characters that JSON allows in strings as they are; it escapes the others by itself."""


class Screen(Console):
    """Prints pictures of control characters in place of the characters themselves.

    It reads no markup, emoji or highlights into what it prints.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as the console takes them
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - as the console takes them
        """Make text of a string, before it is measured: a table's frame stays straight."""
        return super().render_str(text.translate(PICTURES), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render whatever is shown; the console's own controls are kept."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=segment.text.translate(PICTURES))
