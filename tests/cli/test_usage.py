"""A value that an option cannot have is told in our words, whatever library reads it."""

import json

import pytest


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("ingest x --ocr nope", "Invalid value for '--ocr': 'nope' is not one of 'auto', 'always', 'never'."),
        ("ingest x --renderer x", "Invalid value for '--renderer': 'x' is not one of 'pdfium', 'poppler'."),
        ("ask x --llm-sees x", "Invalid value for '--llm-sees': 'x' is not one of 'auto', 'images', 'text', 'both'."),
        ("eval answers x --scope y", "Invalid value for '--scope': 'y' is not one of 'document', 'union'."),
        ("ingest x --dpi 17", "Invalid value for '--dpi': must be at least 18, not '17'."),
        ("ingest x --dpi 601", "Invalid value for '--dpi': must be at most 600, not '601'."),
        ("ingest x --dpi 2.5", "Invalid value for '--dpi': '2.5' is not a whole number."),
        ("ingest x --dpi x", "Invalid value for '--dpi': 'x' is not a whole number."),
        ("ingest x --wait x", "Invalid value for '--wait': 'x' is not a number."),
        ("ingest x --wait 1e9", "Invalid value for '--wait': must be at most 86400, not '1e9'."),
    ],
)
def test_what_an_option_cannot_be_is_one_sentence_of_ours(cli, arguments, says):
    done = cli(*arguments.split())
    command = arguments.partition(" x")[0].partition(" --")[0]
    assert (done.code, done.out) == (2, "")
    assert done.err == f"Error: {says}\nSee: vrag {command} --help\n"
    assert json.loads(cli(*arguments.split(), "--json").out) == {"error": says, "hint": f"See: vrag {command} --help"}


def test_a_value_from_the_environment_is_told_with_its_name(cli):
    done = cli("search", "x", env={"VRAG_DTYPE": "zz"})
    assert "'--dtype' (env var: 'VRAG_DTYPE'): 'zz' is not one of 'auto'," in done.err
