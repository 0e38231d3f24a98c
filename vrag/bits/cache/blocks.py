"""A data file of the cache: a block of bytes a page, one behind the other, each with its checksum."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vrag.bits.cache.array_files import Arrays, CacheFiles, DamagedError
from vrag.bits.kernels.portable import IntArray
from vrag.bits.kernels.quantise import BitArray

AnyArray = npt.NDArray[Any]


class Blocks:
    """What is known of one data file.

    Args:
        file: Its name in the cache's folder.
        ends: First byte of each page's block and the end of the last; multiples of 4.
        sums: CRC-32 of each block.
    """

    def __init__(self, file: str, ends: Sequence[int] = (0,), sums: Sequence[int] = ()) -> None:
        self.file = file
        self.ends, self.sums = [*ends], [*sums]

    def __len__(self) -> int:
        return len(self.sums)

    @property
    def size(self) -> int:
        """Bytes of the file that count."""
        return self.ends[-1]

    def starts(self, unit: int) -> IntArray:
        """Where each page's block begins and the last one ends, in units of so many bytes, int64 [pages + 1]."""
        return np.array(self.ends, np.int64) // unit

    def append(self, files: CacheFiles, blocks: Sequence[AnyArray]) -> None:
        """Write the next pages' blocks; when it fails, none of them is there."""
        self._append(files, (block.tobytes() for block in blocks))

    def mapped(self, files: CacheFiles) -> BitArray:
        """The whole file as uint32."""
        return files.map(self.file, self.size)

    def kept(self, pages: Sequence[int], file: str, files: CacheFiles) -> Blocks:
        """The blocks of some pages, in another file.

        Raises:
            DamagedError: One of them is not what was written.
        """
        kept, whole = Blocks(file), self.mapped(files)
        kept._append(files, (self._checked(whole, page) for page in pages))
        return kept

    def damaged(self, files: CacheFiles, pages: Iterable[int] | None = None) -> list[int]:
        """Those of the pages, or of all, whose blocks are not what was written."""
        whole = self.mapped(files)
        return [page for page in (range(len(self)) if pages is None else pages) if not self._is_whole(whole, page)]

    def arrays(self) -> Arrays:
        """What `restored` needs besides the file's name."""
        return {"ends": np.array(self.ends, np.int64), "sums": np.array(self.sums, np.uint32)}

    @classmethod
    def restored(cls, file: str, ends: AnyArray, sums: AnyArray, pages: int) -> Blocks:
        """As it was committed with so many pages.

        Raises:
            DamagedError: The numbers do not fit together.
        """
        is_sound = ends.dtype == np.int64 and ends.shape == (pages + 1,) and sums.shape == (pages,)
        if not (is_sound and ends[0] == 0 and (np.diff(ends) >= 0).all() and (ends % 4 == 0).all()):
            raise DamagedError(f"{file}: its blocks do not fit together")
        return cls(file, ends.tolist(), sums.tolist())

    def _append(self, files: CacheFiles, blocks: Iterable[bytes]) -> None:
        ends, sums = [self.size], []

        def counted() -> Iterator[bytes]:
            for block in blocks:
                ends.append(ends[-1] + len(block))
                sums.append(zlib.crc32(block))
                yield block

        files.append(self.file, self.size, counted())
        self.ends += ends[1:]  # only now: after a failure the next attempt cuts off what was written
        self.sums += sums

    def _checked(self, whole: BitArray, page: int) -> bytes:
        if not self._is_whole(whole, page):
            raise DamagedError(f"{self.file}: a page is damaged")
        return self._block(whole, page).tobytes()

    def _is_whole(self, whole: BitArray, page: int) -> bool:
        return zlib.crc32(self._block(whole, page).data) == self.sums[page]

    def _block(self, whole: BitArray, page: int) -> BitArray:
        return whole[self.ends[page] // 4 : self.ends[page + 1] // 4]
