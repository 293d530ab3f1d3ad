"""Scores of an exported model under plain MONAI: settings to merge after those of its inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxloop.bundles.exporting.plain import GRID, TO_SCAN, Config, kind
from voxloop.monai.output import Classes, Regions

LISTED = "$monai.data.load_decathlon_datalist(os.path.join(@dataset_dir, 'dataset.json'), data_list_key=@data_list_key)"


def write(config: Mapping[str, Any], output: Classes | Regions) -> Config:
    """Against the labels of a dataset in the Decathlon's layout; `config` is one that plain MONAI reads.

    A label is compared on its scan's own grid, and what has none of the values named counts as background.
    """
    classes = len(output.classes)
    steps = [step for step in config["postprocessing"]["transforms"] if kind(step) != "SaveImaged"]
    both = ["pred", "label"]
    if isinstance(output, Classes):
        apart: Config = {"_target_": "AsDiscreted", "keys": both, "to_onehot": classes}
    else:
        values = [list(part.values) for part in output.parts]
        apart = {
            "_target_": "Lambdad",
            "keys": both,
            "func": "$lambda labels: torch.cat([torch.isin(labels, torch.tensor(values, device=labels.device)) "
            f"for values in {values}])",
        }
    meant = "sum((label == value) * number for number, value in enumerate(@label_values, start=1))"
    return {
        "_desc_": "Merge it after inference.json; label_values says which value each class, after the background, has in the labels.",
        "data_list_key": "training",
        "label_values": list(range(1, classes)),
        "pairs": LISTED,
        "dataset#data": "@pairs",
        "to_scan": TO_SCAN,
        "+preprocessing#transforms": [
            {"_target_": "LoadImaged", "keys": "label", "reader": "NibabelReader"},
            {"_target_": "EnsureChannelFirstd", "keys": "label"},
            {"_target_": "Lambdad", "keys": "label", "func": f"$lambda label: {meant}"},
            # Where a label is stored in another orientation than its scan; where it is not, this does nothing.
            f"$lambda sample: {{**sample, 'label': @to_scan(sample['label'], {GRID})}}",
        ],
        "postprocessing#transforms": [*steps, apart],
        "evaluator#key_val_metric": {
            "val_mean_dice": {
                "_target_": "MeanDice",
                "include_background": isinstance(output, Regions),
                "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
            }
        },
        "+handlers": [
            {
                "_target_": "MetricsSaver",
                "save_dir": "@output_dir",
                "metrics": ["val_mean_dice"],
                "metric_details": ["val_mean_dice"],
                "batch_transform": "$lambda batch: [sample['image'].meta for sample in batch]",
                "summary_ops": "*",
            }
        ],
    }
