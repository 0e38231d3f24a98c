"""What tells whether a remembered failure still stands: types, not the words that people read."""

import pickle

import pytest

from tests.adversarial.rawpdf import plain
from vrag import Index
from vrag.catalog.failures import Failure, Remembered
from vrag.errors import EncryptedError, PageError
from vrag.ingest.ingest_options import IngestOptions
from vrag.ingest.sources import stamp_of
from vrag.pages.faults import page_errors
from vrag.pages.load import PageLoader
from vrag.pages.page import PageSpec


def remembered(reason, **how):
    return Remembered(Failure("/d/a.pdf", None, reason), "", "1:2:3", **how)


@pytest.mark.parametrize("needs_password", [True, False])
def test_what_is_remembered_comes_back(needs_password):
    one = remembered("It is encrypted, or so it says.", needs_password=needs_password)
    assert Remembered.from_payload(one.to_record().payload) == one


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("The PDF is encrypted and needs a password.", True), ("The PDF is cut off: its end is missing.", False)],
)
def test_a_record_from_before_is_told_by_its_reason(reason, expected):
    payload = remembered(reason).to_record().payload
    del payload["needs_password"]
    assert Remembered.from_payload(payload).needs_password is expected


def test_a_file_that_fails_for_another_reason_is_not_read_again_for_a_password(tmp_path):
    file = tmp_path / "encrypted.pdf"
    file.write_bytes(b"%PDF-1.4 encrypted")
    with Index.create(tmp_path / "i") as index:
        index.stored.failures().add(
            Failure(str(file), None, "A damaged picture of an encrypted letter."), stamp=stamp_of(file)
        )
        (failure,) = index.ingest([file], workers=1, options=IngestOptions(passwords=("any",))).failed
        assert failure.times == 1


@pytest.mark.parametrize("renderer", ["pdfium", "poppler"])
@pytest.mark.parametrize("passwords", [(), ("wrong",)])
def test_every_reader_says_by_type_that_a_password_is_missing(tmp_path, renderer, passwords):
    file = tmp_path / "a.pdf"
    file.write_bytes(plain("locked words").build(b"hunter2"))
    with pytest.raises(EncryptedError, match=r"^a\.pdf: the PDF is encrypted") as caught:
        PageLoader(PageSpec(renderer=renderer, passwords=passwords)).inspect(file)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.message, again.hint) == (EncryptedError, caught.value.message, caught.value.hint)


def test_the_place_is_added_to_an_error_of_any_type(tmp_path):
    for kind in (PageError, EncryptedError):
        with pytest.raises(kind, match=r"a\.pdf, page 3: so it is") as caught, page_errors(tmp_path / "a.pdf", 3):
            raise kind("so it is.", "Do this.")
        assert (type(caught.value), caught.value.hint) == (kind, "Do this.")
