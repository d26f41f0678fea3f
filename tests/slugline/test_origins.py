import html

from hypothesis import example, given
from hypothesis import strategies as st

from slugline.documents import Document
from slugline.origins import Origin, Origins

PIECE = st.sampled_from(
    ["&amp;", "&quot;", "&#39;", "&#x27", "&notit;", "&", "&;", "&nosuch;", "&#1;", "&#xD800;", "&AMP", "x"]
)
TEXT = st.lists(PIECE | st.text(max_size=4), max_size=12).map("".join)


@given(title=TEXT, text=TEXT)
@example(title="a&amp", text="; b")
@example(title="", text="&lt;p&gt;")
def test_every_character_of_the_content_comes_from_somewhere(title: str, text: str) -> None:
    document = Document(text, title)
    content, origins = document.content(), Origins(document)
    fields = {"title": title, "text": text}
    for index, character in enumerate(content):
        for origin in origins.of(index, index + 1):
            assert 0 <= origin.start < origin.end <= len(fields[origin.field])
            piece = fields[origin.field][origin.start : origin.end]
            assert piece == character or "&" in document.joined()
            assert len(piece) == 1 or character in html.unescape(document.joined())


@given(text=TEXT)
def test_the_origins_of_all_characters_cover_the_text_in_order(text: str) -> None:
    document = Document(text)
    origins = Origins(document)
    spans = [origins.of(index, index + 1)[0] for index in range(len(document.content()))]
    assert [span.start for span in spans] == sorted(span.start for span in spans)
    for index, span in enumerate(spans):
        if span.end - span.start == 1:
            assert text[span.start] == document.content()[index]


def test_a_span_over_title_and_text_has_an_origin_in_each() -> None:
    document = Document("Talks &amp; more", "Envoy")
    assert Origins(document).of(0, 12) == [Origin("title", 0, 5), Origin("text", 0, 5)]
    assert Origins(document).of(13, 14) == [Origin("text", 6, 11)]
