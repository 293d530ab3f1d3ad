"""A small bundle with nothing wrong in it, for faults to be planted into."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEYS = ["image", "label"]
CASES = "$monai.data.load_decathlon_datalist(@dataset_dir + '/dataset.json', data_list_key='{}')"
SCANS = "$[{'image': one} for one in @scans]"
PAIR = "$monai.handlers.from_engine(['pred', 'label'])"
DEVICE = "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')"

NETWORK: dict[str, Any] = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [4, 8],
    "strides": [2],
    "num_res_units": 1,
}


def before(keys: Any) -> list[dict[str, Any]]:
    """What a scan, and its label where there is one, goes through."""
    mode = ["bilinear", "nearest"] if isinstance(keys, list) else "bilinear"
    return [
        {"_target_": "LoadImaged", "keys": keys},
        {"_target_": "EnsureChannelFirstd", "keys": keys},
        {"_target_": "Orientationd", "keys": keys, "axcodes": "RAS"},
        {"_target_": "Spacingd", "keys": keys, "pixdim": [1.5, 1.5, 2.0], "mode": mode},
        {
            "_target_": "ScaleIntensityRanged",
            "keys": "image",
            "a_min": -57,
            "a_max": 164,
            "b_min": 0.0,
            "b_max": 1.0,
            "clip": True,
        },
        {"_target_": "SpatialPadd", "keys": keys, "spatial_size": [32, 32, 32]},
    ]


ONEHOT = {
    "_target_": "Compose",
    "transforms": [{"_target_": "AsDiscreted", "keys": ["pred", "label"], "argmax": [True, False], "to_onehot": 2}],
}

TRAIN: dict[str, Any] = {
    "imports": ["$import os"],
    "bundle_root": ".",
    "ckpt_dir": "$@bundle_root + '/models'",
    "output_dir": "$@bundle_root + '/eval'",
    "dataset_dir": "data",
    "epochs": 20,
    "device": DEVICE,
    "network_def": NETWORK,
    "network": "$@network_def.to(@device)",
    "loss": {"_target_": "DiceCELoss", "to_onehot_y": True, "softmax": True},
    "optimizer": {"_target_": "torch.optim.Adam", "params": "$@network.parameters()", "lr": 0.01},
    "lr_scheduler": {"_target_": "torch.optim.lr_scheduler.StepLR", "optimizer": "@optimizer", "step_size": 10},
    "train": {
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                *before(KEYS),
                {
                    "_target_": "RandCropByPosNegLabeld",
                    "keys": KEYS,
                    "label_key": "label",
                    "spatial_size": [32, 32, 32],
                    "num_samples": 2,
                },
                {"_target_": "RandFlipd", "keys": KEYS, "prob": 0.5, "spatial_axis": 0},
            ],
        },
        "dataset": {"_target_": "CacheDataset", "data": CASES.format("training"), "transform": "@train#preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@train#dataset", "batch_size": 2, "shuffle": True},
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": ONEHOT,
        "handlers": [
            {"_target_": "LrScheduleHandler", "lr_scheduler": "@lr_scheduler"},
            {"_target_": "ValidationHandler", "validator": "@validate#evaluator", "epoch_level": True, "interval": 2},
            {"_target_": "StatsHandler", "tag_name": "train_loss"},
        ],
        "trainer": {
            "_target_": "SupervisedTrainer",
            "max_epochs": "@epochs",
            "device": "@device",
            "train_data_loader": "@train#dataloader",
            "network": "@network",
            "loss_function": "@loss",
            "optimizer": "@optimizer",
            "inferer": "@train#inferer",
            "postprocessing": "@train#postprocessing",
            "train_handlers": "@train#handlers",
        },
    },
    "validate": {
        "preprocessing": {"_target_": "Compose", "transforms": before(KEYS)},
        "dataset": {"_target_": "Dataset", "data": CASES.format("validation"), "transform": "@validate#preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@validate#dataset", "batch_size": 1},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32, 32], "overlap": 0.5},
        "postprocessing": ONEHOT,
        "handlers": [
            {
                "_target_": "CheckpointSaver",
                "save_dir": "@ckpt_dir",
                "save_dict": {"model": "@network"},
                "save_key_metric": True,
                "key_metric_filename": "model.pt",
            },
        ],
        "key_metric": {
            "val_mean_dice": {"_target_": "MeanDice", "include_background": False, "output_transform": PAIR},
        },
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@validate#dataloader",
            "network": "@network",
            "inferer": "@validate#inferer",
            "postprocessing": "@validate#postprocessing",
            "key_val_metric": "@validate#key_metric",
            "val_handlers": "@validate#handlers",
        },
    },
    "initialize": ["$monai.utils.set_determinism(seed=0)"],
    "run": ["$os.makedirs(@output_dir, exist_ok=True)", "$@train#trainer.run()"],
}

INFERENCE: dict[str, Any] = {
    "imports": ["$import glob"],
    "bundle_root": ".",
    "ckpt_dir": "$@bundle_root + '/models'",
    "output_dir": "$@bundle_root + '/eval'",
    "dataset_dir": "data",
    "scans": "$sorted(glob.glob(@dataset_dir + '/imagesTs/*.nii.gz'))",
    "device": DEVICE,
    "network_def": NETWORK,
    "network": "$@network_def.to(@device)",
    "preprocessing": {"_target_": "Compose", "transforms": before("image")},
    "dataset": {"_target_": "Dataset", "data": SCANS, "transform": "@preprocessing"},
    "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32, 32], "overlap": 0.5},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {
                "_target_": "Invertd",
                "keys": "pred",
                "transform": "@preprocessing",
                "orig_keys": "image",
                "nearest_interp": True,
            },
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir", "resample": False},
        ],
    },
    "handlers": [
        {"_target_": "CheckpointLoader", "load_path": "$@ckpt_dir + '/model.pt'", "load_dict": {"model": "@network"}},
    ],
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "@device",
        "val_data_loader": "@dataloader",
        "network": "@network",
        "inferer": "@inferer",
        "postprocessing": "@postprocessing",
        "val_handlers": "@handlers",
    },
    "run": ["$@evaluator.run()"],
}

METADATA: dict[str, Any] = {
    "schema": "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json",
    "version": "0.1.0",
    "monai_version": "1.4.0",
    "pytorch_version": "2.4.0",
    "numpy_version": "1.26.0",
    "required_packages_version": {"nibabel": "5.2.1"},
    "name": "Small spleen",
    "task": "Segmentation of the spleen in CT",
    "description": "A network for tests.",
    "authors": "Nobody",
    "copyright": "Nobody",
    "network_data_format": {
        "inputs": {"image": {"modality": "CT", "num_channels": 1, "channel_def": {"0": "image"}}},
        "outputs": {"pred": {"num_channels": 2, "channel_def": {"0": "background", "1": "spleen"}}},
    },
}


@dataclass
class Planted:
    """The sound bundle as data, to be changed and written."""

    configs: dict[str, Any] = field(
        # Through JSON, so that nothing is shared between two places of it.
        default_factory=lambda: json.loads(json.dumps({"train": TRAIN, "inference": INFERENCE, "metadata": METADATA}))
    )
    # Files that are written as they are, over everything else.
    texts: dict[str, str] = field(default_factory=dict)

    def set(self, key: str, value: Any, config: str = "train") -> None:
        """`set("train#trainer#max_epochs", 5)`; a number is a place in a list."""
        place, last = self._place(key, config)
        place[last] = value

    def drop(self, key: str, config: str = "train") -> None:
        place, last = self._place(key, config)
        del place[last]

    def _place(self, key: str, config: str) -> tuple[Any, Any]:
        place, steps = self.configs[config], key.split("#")
        for step in steps[:-1]:
            place = place[int(step)] if isinstance(place, list) else place[step]
        return place, int(steps[-1]) if isinstance(place, list) else steps[-1]

    def write(self, folder: Path) -> Path:
        (folder / "configs").mkdir(parents=True)
        for name, config in self.configs.items():
            (folder / "configs" / f"{name}.json").write_text(json.dumps(config, indent=4))
        for name, text in self.texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return folder
