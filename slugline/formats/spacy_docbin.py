"""spaCy's own files of documents (DocBin, ``.spacy``), read and written by the spaCy library where it is installed.

A DocBin is one compressed block: spaCy holds all of it in memory, so these files are for corpora, not for archives.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slugline.errors import InputError, LibraryMissing
from slugline.formats.columns import Columns, FaultyRow
from slugline.formats.jsonl import with_id
from slugline.formats.records import Fields, Format, Record, Survey
from slugline.formats.spacy_cats import cats_of_topics, lost_by_cats, topics_of_cats

FIELDS_KEY = "slugline"


class SpacyDocBin(Format):
    """Documents with `cats`; the other fields of an article stand in the document's `user_data`."""

    name = "spacy"
    suffixes = (".spacy",)

    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a file, numbered by documents."""
        library = _spacy()
        try:
            documents = library.tokens.DocBin(store_user_data=True).from_disk(path)
        except Exception as error:
            raise InputError(f"{path}: cannot be read by spaCy: {error}") from None
        for number, document in enumerate(documents.get_docs(library.blank("xx").vocab), start=1):
            kept = document.user_data.get(FIELDS_KEY, {})
            fields = with_id({"text": document.text} | columns.but_topics.named(kept), path, number)
            try:
                record = Record(number, fields | ({"topics": topics_of_cats(document.cats)} if document.cats else {}))
            except FaultyRow as fault:
                record = Record(number, None, str(fault))
            yield record

    def lost(self, fields: Fields, survey: Survey) -> list[str]:
        """An explicit ``[]`` where there is no topic at all."""
        return lost_by_cats(fields, survey)

    def write(self, path: Path, rows: Iterator[Fields], survey: Survey) -> None:
        """Write one document an article, cut into words by spaCy's tokeniser for any language."""
        library = _spacy()
        blank = library.blank("xx")
        blank.max_length = 10**9
        documents = library.tokens.DocBin(store_user_data=True)
        for fields in rows:
            document = blank.make_doc(fields["text"])
            if fields.get("topics") is not None:
                document.cats = cats_of_topics(fields["topics"], survey)
            document.user_data[FIELDS_KEY] = {k: v for k, v in fields.items() if k not in ("text", "topics")}
            documents.add(document)
        documents.to_disk(path)


def _spacy() -> Any:
    try:
        import spacy
        import spacy.tokens
    except ImportError:
        raise LibraryMissing("a .spacy file", "spacy") from None
    return spacy


SPACY_DOCBIN = SpacyDocBin()
