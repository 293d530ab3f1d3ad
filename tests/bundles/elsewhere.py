"""A machine without voxloop, as a process: what it is given to do is done with torch alone, then with plain MONAI.

`python elsewhere.py JOB` where JOB is a JSON file: {"torchscript": [[model, input, output], ...], "commands": [[word, ...], ...]}.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any


class Gone:
    """No voxloop, wherever it may be installed."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == "voxloop":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


def main(job: dict[str, Any]) -> None:
    sys.meta_path.insert(0, Gone())
    import torch

    for model, image, answer in job["torchscript"]:
        files = {"metadata.json": "", "inference.json": ""}
        loaded = torch.jit.load(model, _extra_files=files)
        assert all(json.loads(content) for content in files.values()), "the configs are inside"
        torch.save(loaded(torch.load(image)), answer)
    assert "monai" not in sys.modules, "torch was enough"
    for folder, *words in job["commands"]:
        os.chdir(folder)
        sys.argv = ["monai.bundle", *words]
        runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
    import monai

    assert "voxloop" not in sys.modules
    print(f"done with MONAI {monai.__version__}")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
