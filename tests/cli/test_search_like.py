"""`vrag search --like` and `--image`, as users and programs meet them."""

import pytest

from vrag import Index
from vrag.search.query_picture import MOST_BYTES


@pytest.fixture(scope="module")
def picture(indexed, tmp_path_factory):
    file = tmp_path_factory.mktemp("picture") / "page.png"
    with Index.hold(indexed) as index:
        index.page_image("machines.pdf", 2, width=1200).save(file)
    return file


def test_pages_like_a_page(cli, indexed, tmp_path):
    done = cli("search", "--like", "machines.pdf:1", "--index", indexed, "--json", "-k", 4)
    assert done.code == 0
    assert (done.json["query"], done.json["cascade"]) == ("machines.pdf:1", "best")
    places = [(hit["doc"], hit["page"]) for hit in done.json["hits"]]
    assert places[0] == ("machines.pdf", 2)
    assert len(set(places)) == 4
    assert ("machines.pdf", 1) not in places
    assert all(hit["snippet"] for hit in done.json["hits"])
    people = cli("search", "--like", "machines.pdf:1", "-k", 1, "--index", indexed, "--image-dir", "pages")
    assert "QX-4471" in people.out
    assert people.err.startswith("1 of 5 pages in ")
    assert len(list((tmp_path / "pages").iterdir())) == 1


def test_a_cascade_that_chooses_no_passage_shows_one_all_the_same(cli, indexed):
    done = cli("search", "--like", "animals.pdf:1", "--cascade", "exact", "--index", indexed, "--json", "-k", 1)
    assert done.json["hits"][0]["region"] is None
    assert done.json["hits"][0]["snippet"]


def test_pages_like_a_picture(cli, indexed, picture):
    done = cli("search", "--image", picture, "--index", indexed, "--json", "-k", 1)
    assert (done.code, done.json["query"]) == (0, str(picture))
    (hit,) = done.json["hits"]
    assert (hit["doc"], hit["page"]) == ("machines.pdf", 2)
    assert "QX-4471" in hit["snippet"]


def test_nothing_that_filters_let_through_is_said(cli, indexed):
    done = cli(
        "search", "--like", "animals.pdf:1", "--where", "page=1", "--where", "doc=animals.pdf", "--index", indexed
    )
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("Nothing found for 'animals.pdf:1' on 5 pages. Try without --where;")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--like", "machines.pdf"], "--like 'machines.pdf' names no page."),
        (["--like", "machines.pdf:0"], "--like 'machines.pdf:0' names no page."),
        (["--like", "machines.pdf:-1"], "--like 'machines.pdf:-1' names no page."),
        (["--like", ":1"], "--like ':1' names no page."),
        (["--like", ""], "--like '' names no page."),
        (["--like", "machines.pdf:99999999999"], "--like 'machines.pdf:99999999999' names no page."),
        (["--like", "machines.pdf:3"], "No page 3 of 'machines.pdf' in the index."),
        (["--like", "none.pdf:1"], "No document called 'none.pdf' in the index."),
        (["--like", "machines.pdf:1", "bees"], "--like stands without a query."),
        (["--like", "machines.pdf:1", "--image", "a.png"], "--like stands without --image."),
        (["--image", "a.png", "--queries", "q.jsonl"], "--image stands without --queries."),
        (["--like", "machines.pdf:1", "--explain"], "--like stands without --explain."),
        (["--like", "machines.pdf:1", "--exact-words"], "--like stands without --exact-words."),
        (["--image", "a.png", "--min-relevance", "0.3"], "--image stands without --min-relevance."),
        (["--image", "none.png"], "The picture 'none.png' cannot be read: No such file or directory."),
        (["--image", ""], "A path is empty."),
        (["--image", "."], "The picture '.' cannot be read: Is a directory."),
        (["--image", "long.png"], "The picture has more than 21.0 MB."),
    ],
)
def test_mistakes_are_one_sentence(cli, indexed, tmp_path, arguments, says):
    with (tmp_path / "long.png").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    done = cli("search", *arguments, "--index", indexed, "--json")
    assert done.code == 2
    assert done.json["error"] == says
