import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugline.documents import Document, check_document
from slugline.errors import BlankText, DocumentError, MissingId, NotUnicode, TextTooLong


def test_the_title_is_read_before_the_text() -> None:
    assert Document("Troops moved.", "Border tense").content() == "Border tense. Troops moved."


def test_without_a_title_the_text_is_read_as_it_is() -> None:
    assert Document("Troops moved.").content() == "Troops moved."


def test_entities_are_read_as_the_characters_they_stand_for() -> None:
    assert Document("Mali&#39;s &quot;allies&quot; &amp; foes").content() == 'Mali\'s "allies" & foes'


@pytest.mark.parametrize(
    ("document", "error", "field"),
    [
        (Document(""), BlankText, "text"),
        (Document(" \n\t", "A title"), BlankText, "text"),
        (Document("x" * 95, "title!"), TextTooLong, "text"),
        (Document("text", id=""), MissingId, "id"),
        (Document("half \ud800 pair", id="a"), NotUnicode, "text"),
        (Document("text", "half \udfff pair", "a"), NotUnicode, "title"),
    ],
)
def test_faults_name_their_field(document: Document, error: type[DocumentError], field: str) -> None:
    with pytest.raises(error) as caught:
        check_document(document, max_text_chars=100, needs_id=error in (MissingId, NotUnicode))
    assert caught.value.field == field
    assert str(caught.value).startswith(field + ": ")


def test_a_text_of_just_the_allowed_length_is_taken() -> None:
    check_document(Document("x" * 94, "title!"), max_text_chars=100, needs_id=False)


@given(text=st.text(), title=st.text())
def test_any_text_has_content_that_ends_like_it_unless_it_holds_entities(text: str, title: str) -> None:
    content = Document(text, title).content()
    if "&" not in text + title:
        assert content.endswith(text)
        assert content.startswith(title)
