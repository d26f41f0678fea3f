"""Documents: what comes in, and the one text the model reads."""

import html

import msgspec

from slugline.errors import BlankText, MissingId, NotUnicode, TextTooLong

DEFAULT_MAX_TEXT_CHARS = 200_000
"""The most characters of title and text together; about thirty times a long newspaper article."""

BETWEEN = ". "
"""What stands between title and text where they are read as one."""


class Document(msgspec.Struct, frozen=True):
    """One news article. Title and id may be empty."""

    text: str
    title: str = ""
    id: str = ""

    def content(self) -> str:
        """The text the model reads: the title as its first sentence, HTML entities as the characters they stand for."""
        joined = self.joined()
        return html.unescape(joined) if "&" in joined else joined

    def joined(self) -> str:
        """Title and text as they came, one after the other."""
        return f"{self.title}{BETWEEN}{self.text}" if self.title else self.text


def check_document(document: Document, *, max_text_chars: int, needs_id: bool) -> None:
    """Raise the DocumentError that says why `document` cannot be classified, if it cannot.

    Raises:
        MissingId: `needs_id`, and the document has none.
        BlankText: the text is empty or white space, whatever the title says.
        TextTooLong: title and text have more than `max_text_chars` characters.
        NotUnicode: a field holds half a surrogate pair.
    """
    if needs_id and not document.id:
        raise MissingId
    if not document.text or document.text.isspace():
        raise BlankText
    chars = len(document.title) + len(document.text)
    if chars > max_text_chars:
        raise TextTooLong(chars, max_text_chars)
    for field in ("id", "title", "text"):
        value: str = getattr(document, field)
        if not value.isascii() and not _encodable(value):
            raise NotUnicode(field)


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
