from pathlib import Path

import pytest

from slugline.errors import TopicsFileError
from slugline.topics import Topic, name_problem, read_no_topic_share, read_topics, topics_from_labels


def test_topics_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    path.write_text('[[topic]]\nname = "b"\ndefinition = "two\\nlines"\n[[topic]]\nname = "a"\nexamples = ["x"]\n')
    assert read_topics(path) == (Topic("b", "two lines"), Topic("a", "", ("x",)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no [[topic]] table"),
        ("[[topic]\n", "cannot be read as TOML"),
        ("a = " + "[" * 100_000, "cannot be read as TOML"),
        ('topic = ["a"]\n', "[[topic]] 1: must be a table"),
        ("[[topic]]\n", "must be a string"),
        ('[[topic]]\nname = " a"\n', "begin or end with a space"),
        ('[[topic]]\nname = "a"\n[[topic]]\nname = "a"\n', "stands there twice"),
        ('[[topic]]\nname = "a"\ndefinition = 3\n', "`definition` must be a string"),
        ('[[topic]]\nname = "a"\nexamples = [1]\n', "`examples` must be a list of strings"),
        ('[[topic]]\nname = "a"\ncode = 20000053\n', "`code` must be scheme:code"),
        ('[[topic]]\nname = "a"\ncode = "20000053"\n', "`code` must be scheme:code"),
        ('[[topic]]\nname = "a"\ncode = "medtop: 20000053"\n', "`code` must be scheme:code"),
        ('[[topic]]\nname = "a"\ncode = ":20000053"\n', "`code` must be scheme:code"),
    ],
)
def test_faults_name_the_file_and_the_problem(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(text)
    with pytest.raises(TopicsFileError) as caught:
        read_topics(path)
    assert str(caught.value).startswith(str(path))
    assert problem in str(caught.value)


def test_a_topic_may_have_the_code_of_a_standard(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    path.write_text('[[topic]]\nname = "a"\ncode = "medtop:20000053"\n[[topic]]\nname = "b"\n')
    assert [topic.code for topic in read_topics(path)] == ["medtop:20000053", ""]


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TopicsFileError, match="no such file"):
        read_topics(tmp_path / "topics.toml")


def test_topics_from_labels_are_sorted_and_single() -> None:
    assert topics_from_labels([("b", "a"), (), ("a",)]) == (Topic("a"), Topic("b"))


@pytest.mark.parametrize("name", ["", " a", "a\n", "a" * 101, 3, None])
def test_bad_names(name: object) -> None:
    assert name_problem(name)


@pytest.mark.parametrize("name", ["a", "Drug Trafficking", "überfall", "a" * 100])
def test_good_names(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("value", ["0.0", "1.5", '"half"', "1"])
def test_a_share_without_topic_lies_between_0_and_1(tmp_path: Path, value: str) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(f"no_topic_share = {value}\n")
    with pytest.raises(TopicsFileError, match="no_topic_share"):
        read_no_topic_share(path)


def test_a_share_without_topic_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    path.write_text('[[topic]]\nname = "a"\n')
    assert read_no_topic_share(path) is None
    path.write_text("no_topic_share = 0.5\n")
    assert read_no_topic_share(path) == 0.5


@pytest.mark.parametrize("content", [b"no_topic_share =", b"\xff", b"no_topic_share = 2.0", b'no_topic_share = "half"'])
def test_a_share_that_is_none_is_a_fault_of_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "topics.toml"
    path.write_bytes(content)
    with pytest.raises(TopicsFileError, match=r"topics\.toml"):
        read_no_topic_share(path)
