"""Heat maps over the patches of every family: the hottest pixel lies in the patch that matches."""

import numpy as np
import pytest
from PIL import Image

from tests.embedders.colpali.conftest import LATE
from tests.embedders.colpali.test_patches import inputs
from tests.embedders.painting import noise
from tests.explain.test_heatmap import hottest, lies_in
from vrag.embedders.protocol import QueryVectors
from vrag.explain.heatmap import located, paint, row_heat
from vrag.explain.matching import find_matches
from vrag.pages.page import Words
from vrag.pooling.poolings import normalise


@pytest.mark.parametrize("family", LATE)
@pytest.mark.parametrize("size", [(420, 594), (800, 300)])
def test_the_patch_that_equals_the_query_is_the_hottest(family, size, embedder):
    (page,) = embedder(family).embed_pages([noise(*size)])
    rows = np.flatnonzero(located(page.grid))
    assert len(rows) >= len(page.grid) / 3
    full = normalise(np.random.default_rng(1).normal(size=page.full.shape).astype(np.float32))
    for row in rows[:: max(1, len(rows) // 7)]:
        query = QueryVectors(full[[row]], ("it",))
        (match,) = find_matches(query, full, page.grid, Words())
        assert match.row == row
        assert match.place
        heat = row_heat(query.vectors @ full.T, np.ones(1, np.float32), page.grid)
        assert lies_in(hottest(paint(heat[0], page.grid, (210, 297))), page.grid.boxes[row])


@pytest.mark.parametrize("family", LATE)
@pytest.mark.parametrize("size", [(420, 594), (800, 300)])
def test_what_is_painted_on_a_white_page_is_hot_where_it_was_painted(family, size, embedder):
    """Through the family's own processor; weights are random, so a patch's pixels stand for its vector."""
    model, (width, height) = embedder(family), size
    blank = inputs(model, Image.new("RGB", size, "white"))
    (grid,) = model._patches.grids(model.process([noise(width, height)]))
    for word in ((0.1, 0.1, 0.2, 0.15), (0.7, 0.3, 0.85, 0.4), (0.3, 0.8, 0.45, 0.9)):
        picture = Image.new("RGB", size, "white")
        x0, y0, x1, y1 = (int(edge) for edge in np.array(word) * [width, height, width, height])
        picture.paste("black", (x0, y0, x1, y1))
        change = np.abs(inputs(model, picture) - blank)
        similarities = (change / change.max())[None].astype(np.float32)
        raster = paint(row_heat(similarities, np.ones(1, np.float32), grid)[0], grid, (210, 297))
        x, y = hottest(raster)
        patch = grid.boxes[np.where(located(grid), change, 0).argmax()]
        assert lies_in((x, y), patch)
        assert max(patch[0], word[0]) < min(patch[2], word[2])
        assert max(patch[1], word[1]) < min(patch[3], word[3])


@pytest.mark.parametrize("family", LATE)
def test_a_match_in_the_tile_of_the_whole_page_is_named_and_not_painted(family, embedder):
    (page,) = embedder(family).embed_pages([noise(420, 594)])
    hidden = np.flatnonzero(~located(page.grid))
    assert len(hidden) == sum(len(tile) for tile in page.grid.tiles if tile.is_global and len(page.grid.tiles) > 1)
    for row in hidden[::3]:
        full = np.eye(len(page.grid), dtype=np.float32)
        query = QueryVectors(full[[row]], ("it",))
        assert find_matches(query, full, page.grid, Words())[0].place.startswith("whole page, ")
        assert row_heat(query.vectors @ full.T, np.ones(1, np.float32), page.grid).max() == 0
