"""Have files that strangers send in examined in a process of its own, within limits of time and memory.

`Examiner` is the parent's side, the child `python -m balintmail.receiving.examiner`; what is taken and refused is
upload.py's to say. A file over which the child dies or takes too long is damaged, whatever else it may be.
"""

import sys
from collections.abc import Collection

from balintmail.receiving.child import Child, ChildGone, serve
from balintmail.receiving.upload import PAPERS, Kind, UploadRefused, Why, examine

SECONDS = 20.0  # for one file; a document of 20 MB takes a tenth of one
MEMORY = 512 << 20  # octets; the largest file that is taken has 20 MB


class Examiner(Child):
    """Says what files are, one by one; it begins no process before it is asked."""

    module = "balintmail.receiving.examiner"

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        super().__init__(seconds=seconds, memory=memory)

    def examine(self, name: str, content: bytes, taken: Collection[Kind] = PAPERS) -> Kind:
        """Return what `content` is; raise UploadRefused as upload.examine does."""
        called = name.encode("utf-8", "replace")
        kinds = ",".join(kind.name for kind in taken).encode("ascii")
        asked = kinds + b"\n" + len(called).to_bytes(4, "big") + called + content
        try:
            verdict, said = self._answer(asked).decode("ascii").split()
        except ChildGone as gone:
            raise UploadRefused(Why.BROKEN) from gone
        if verdict == "refused":
            raise UploadRefused(Why[said])
        return Kind[said]


def _verdict(asked: bytes) -> bytes:
    kinds, _, rest = asked.partition(b"\n")
    size = int.from_bytes(rest[:4], "big")
    name, content = rest[4 : 4 + size].decode("utf-8"), rest[4 + size :]
    try:
        found = examine(name, content, frozenset(Kind[one] for one in kinds.decode("ascii").split(",")))
    except UploadRefused as refused:
        return f"refused {refused.why.name}".encode("ascii")
    return f"taken {found.name}".encode("ascii")


if __name__ == "__main__":
    serve(int(sys.argv[1]), _verdict)
