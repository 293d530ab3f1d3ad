"""The other way to review a segmentation, after W&B's tutorial for MONAI: a table with a row for each slice, and in it an
image for each channel and region, each with the true and the predicted mask. Runs where wandb is installed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main(folder: Path, file: Path) -> dict[str, float]:
    import numpy as np

    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
    # Pictures of a table wait here until they are uploaded.
    os.environ |= {"WANDB_DATA_DIR": str(folder), "WANDB_CACHE_DIR": str(folder)}
    import wandb

    run = wandb.init(project="bench", dir=str(folder))
    volumes = np.load(file)
    channels, truth, predictions = volumes["channels"], volumes["truth"], volumes["predictions"]
    # As 8 bits, or recent versions of wandb show noise.
    low, high = np.percentile(channels, [1, 99])
    grey = (np.clip((channels - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    regions = {"tumor core": (2, 3), "whole tumor": (1, 2, 3), "enhancing tumor": (3,)}
    names = [f"{channel}/{region}" for channel in range(len(grey)) for region in regions]
    took = []
    before = size(folder)
    for prediction in predictions:
        started = time.perf_counter()
        table = wandb.Table(columns=["slice", *names])
        for k in range(truth.shape[2]):
            row = [k]
            for channel in grey:
                for region, values in regions.items():
                    masks = {
                        name: {
                            "mask_data": np.isin(labels[:, :, k], values).astype(np.uint8),
                            "class_labels": {1: region},
                        }
                        for name, labels in (("truth", truth), ("prediction", prediction))
                    }
                    row.append(wandb.Image(channel[:, :, k], masks=masks))
            table.add_data(*row)
        run.log({"val": table})
        took.append(time.perf_counter() - started)
    run.finish()
    return {"ms": float(np.mean(took)) * 1000, "bytes": (size(folder) - before) / len(predictions)}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    with open(os.dup(1), "w") as out:  # noqa: PTH123 - what wandb prints itself goes to stderr
        os.dup2(2, 1)
        print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))), file=out)
