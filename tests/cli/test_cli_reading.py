"""Reading from the command line, in processes of their own."""

import json

from vrag.reader.cross_encoder import CROSS_ENCODER

QUESTION = "Which animal lives on the ice in winter?"
CASCADE = "full:9 > read(3)"


def test_a_search_reads_and_tells_which_pages_were_read(process, indexed):
    done = process("search", QUESTION, "--index", indexed, "--cascade", CASCADE, "--json")
    assert (done.code, done.err) == (0, "")
    hits = json.loads(done.out)["hits"]
    assert (hits[0]["doc"], hits[0]["page"]) == ("animals.pdf", 2)
    assert ["read" in hit["stages"] for hit in hits] == [True] * 3 + [False] * 2


def test_without_the_model_a_search_says_so_and_ranks_unread(process, indexed, tmp_path):
    places = []
    for cascade in (CASCADE, "full:9"):
        options = ("--index", indexed, "--cascade", cascade, "--json")
        done = process("search", QUESTION, *options, env={CROSS_ENCODER.folder_env: str(tmp_path)})
        assert done.code == 0
        places.append([(hit["doc"], hit["page"]) for hit in json.loads(done.out)["hits"]])
        assert ("Pages are ranked without being read. The weights of the cross-encoder" in done.err) == (
            "read" in cascade
        )
    assert places[0] == places[1]


def test_doctor_says_where_the_model_is_and_that_pages_are_ranked_without_it(process, tmp_path):
    found = process("doctor", "--json", env={CROSS_ENCODER.folder_env: str(tmp_path)})
    [check] = [check for check in json.loads(found.out)["checks"] if check["name"] == "cross-encoder"]
    assert (found.code, check["ok"], check["needed"]) == (0, False, False)
    assert "no model.onnx" in check["found"]
    assert check["remedy"] == 'Without it pages are ranked unread: pip install "vrag-toolkit[read]"'
