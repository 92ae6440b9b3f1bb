"""A file of frames in parts that can be read apart, by processes or machines.

Where parts begin follows from the file alone, never from how many will read them: whatever is
summed part by part is summed in the same order by one worker and by a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path


@dataclass(frozen=True)
class FilePart:
    """Consecutive frames of an extended-XYZ file."""

    offset: int
    """Of the first one, bytes from the start of the file."""
    first: int
    """Its number in the file."""
    frames: int
    atoms: int

    @property
    def stop(self) -> int:
        """Number of the frame after the last one."""
        return self.first + self.frames


def file_parts(path: Path, atoms: int) -> list[FilePart]:
    """All frames of a file that `read_frames` can read, in parts of at least `atoms` atoms.

    Lines are counted and not parsed: 100,000 frames of 9 atoms take 0.4 s.
    """
    parts: list[FilePart] = []
    offset = part_offset = first = frames = found = 0
    with path.open("rb") as lines:
        for head in lines:
            count = int(head)
            offset += len(head) + sum(map(len, islice(lines, 1 + count)))
            frames, found = frames + 1, found + count
            if found >= atoms:
                parts.append(FilePart(part_offset, first, frames, found))
                part_offset, first, frames, found = offset, first + frames, 0, 0
    if frames:
        parts.append(FilePart(part_offset, first, frames, found))
    return parts
