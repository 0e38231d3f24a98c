"""What a Qdrant server takes, checked before hours are spent on embedding."""

from __future__ import annotations

from vrag.errors import UsageError

MULTIVECTOR_LIMIT = 1_048_576  # numbers; a server refuses a multivector that reaches it, and no setting changes that


def check_pages_fit(model: str, most_rows: int | None, dim: int) -> None:
    """Refuse a model whose largest page no server takes.

    Args:
        model: Its name, for the message.
        most_rows: The most vectors a page can have; None when nothing bounds them: then each page is checked.
        dim: Dimension of a vector.

    Raises:
        UsageError: Such a page reaches the limit; says how many vectors would do.
    """
    if most_rows is not None and most_rows * dim >= MULTIVECTOR_LIMIT:
        raise UsageError(
            f"A page of {model} can have {most_rows} vectors of {dim} numbers, and a Qdrant server takes fewer than "
            f"{MULTIVECTOR_LIMIT:,} numbers a page: {(MULTIVECTOR_LIMIT - 1) // dim} vectors.",
            "Lower the pixels a page may have in its preprocessor_config.json, or keep the index in a folder.",
        )
