from __future__ import annotations

from faceir.runtime.deepstream.keys import find_group
from faceir.runtime.deepstream.tables import APP, INFER


def test_names_with_numbers() -> None:
    for name in ("sourceN", "source", "source0x", "xsource0", "source-1", "class-attrs-", "primary-gie1"):
        group = find_group((*APP, *INFER), name)
        assert group is None or group.name == name
    assert find_group(APP, "source11") is find_group(APP, "source0")
