"""The public surface and the error tree."""

import pytest

import vrag
from vrag import errors


def test_the_public_names_are_these():
    assert vrag.__all__ == sorted(vrag.__all__)
    assert vrag.__all__ == [
        "Answer", "AnyIndex", "Failure", "Hit", "Hits", "Index", "IngestReport", "Llm", "Quote", "VragError",
    ]  # fmt: skip
    for name in vrag.__all__:
        assert getattr(vrag, name).__doc__
    with pytest.raises(AttributeError, match="nope"):
        _ = vrag.nope


def test_every_error_is_a_vrag_error_with_an_exit_code():
    tree = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(tree) > 4
    for error in tree:
        raised = error("What.", "Do this.")
        assert isinstance(raised, errors.VragError)
        assert raised.exit_code in (1, 2)
        assert str(raised) == "What. Do this."
        assert str(error("What.")) == "What."
