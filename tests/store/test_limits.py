import pytest

from vrag.errors import UsageError
from vrag.store.limits import MULTIVECTOR_LIMIT, check_pages_fit


@pytest.mark.parametrize(("rows", "dim"), [(8191, 128), (1, 2560), (None, 384), (768, 128)])
def test_pages_below_the_limit_pass(rows, dim):
    assert rows is None or rows * dim < MULTIVECTOR_LIMIT
    check_pages_fit("model", rows, dim)


@pytest.mark.parametrize(("rows", "dim", "most"), [(8192, 128, 8191), (16384, 320, 3276)])
def test_a_page_that_reaches_the_limit_is_refused_with_what_would_do(rows, dim, most):
    with pytest.raises(UsageError, match=rf"my-model can have {rows} vectors of {dim} numbers.*: {most} vectors"):
        check_pages_fit("my-model", rows, dim)
