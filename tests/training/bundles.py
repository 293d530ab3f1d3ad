"""A bundle as others write them: its own `scripts` package, TensorBoard handlers, a CheckpointSaver, an overlay for two processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCRIPTS = '''
"""What this bundle needs beside MONAI."""

import os

from ignite.engine import Events
from monai.networks.nets import UNet


def small_net():
    return UNet(spatial_dims=3, in_channels=1, out_channels=2, channels=(4, 8), strides=(2,), num_res_units=1)


class LossFile:
    """Writes every loss to its last bit."""

    def __init__(self, path, explode_at=None):
        self.path, self.explode_at = path, explode_at

    def attach(self, engine):
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine):
        with open(self.path, "a") as file:
            file.write(float(engine.state.output[0]["loss"]).hex() + "\\n")
        if engine.state.iteration == self.explode_at:
            raise ValueError("the loss exploded")
'''

# Imported while a scan is being prepared, long after the configs were read.
STEPS = '''
import torch
from monai.transforms import MapTransform
from scipy import ndimage

CONTRAST = 2.0


class Contrastd(MapTransform):
    """Makes what is bright brighter, in its own words."""

    def __call__(self, data):
        from scripts.strength import contrast

        return {**data, **{key: data[key] * contrast() for key in self.key_iterator(data)}}


class Largestd(MapTransform):
    """Only the largest piece of what was found."""

    def __call__(self, data):
        data = dict(data)
        for key in self.key_iterator(data):
            pieces, count = ndimage.label(data[key].numpy() > 0)
            sizes = ndimage.sum_labels(pieces > 0, pieces, range(count + 1))
            data[key] = torch.where(torch.as_tensor(pieces == sizes.argmax()), data[key], 0)
        return data
'''
STRENGTH = "from scripts.steps import CONTRAST\n\n\ndef contrast():\n    return CONTRAST\n"

METADATA: dict[str, Any] = {
    "version": "0.3.0",
    "monai_version": "1.5.2",
    "pytorch_version": "2.6.0",
    "numpy_version": "1.26.0",
    "name": "Tiny spleen",
    "network_data_format": {
        "inputs": {"image": {"num_channels": 1, "channel_def": {"0": "image"}}},
        "outputs": {"pred": {"num_channels": 2, "channel_def": {"0": "background", "1": "spleen"}}},
    },
}

BEFORE: list[dict[str, Any]] = [
    {"_target_": "LoadImaged", "keys": ["image", "label"]},
    {"_target_": "EnsureChannelFirstd", "keys": ["image", "label"]},
    {"_target_": "Orientationd", "keys": ["image", "label"], "axcodes": "RAS"},
    {"_target_": "Spacingd", "keys": ["image", "label"], "pixdim": [8.0, 8.0, 8.0], "mode": ["bilinear", "nearest"]},
    {
        "_target_": "ScaleIntensityRanged",
        "keys": "image",
        "a_min": -57,
        "a_max": 164,
        "b_min": 0.0,
        "b_max": 1.0,
        "clip": True,
    },
    {"_target_": "SpatialPadd", "keys": ["image", "label"], "spatial_size": [16, 16, 16]},
]
AFTER = {
    "_target_": "Compose",
    "transforms": [
        {"_target_": "Activationsd", "keys": "pred", "softmax": True},
        {"_target_": "AsDiscreted", "keys": ["pred", "label"], "argmax": [True, False], "to_onehot": 2},
    ],
}

TRAIN: dict[str, Any] = {
    "imports": ["$import glob", "$import os", "$import scripts"],
    "bundle_root": ".",
    "ckpt_dir": "$@bundle_root + '/models'",
    "output_dir": "$@bundle_root + '/eval'",
    "dataset_dir": "/workspace/data/Task09_Spleen",
    "losses": "$@output_dir + '/losses.txt'",
    "images": "$list(sorted(glob.glob(@dataset_dir + '/imagesTr/*.nii.gz')))",
    "labels": "$list(sorted(glob.glob(@dataset_dir + '/labelsTr/*.nii.gz')))",
    "device": "$torch.device('cpu')",
    "epochs": 2,
    "explode_at": None,
    "network_def": "$scripts.small_net()",
    "network": "$@network_def.to(@device)",
    "loss": {"_target_": "DiceCELoss", "to_onehot_y": True, "softmax": True},
    "optimizer": {"_target_": "torch.optim.Adam", "params": "$@network.parameters()", "lr": 0.01},
    "train": {
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                *BEFORE,
                {
                    "_target_": "RandSpatialCropd",
                    "keys": ["image", "label"],
                    "roi_size": [16, 16, 16],
                    "random_size": False,
                },
                {"_target_": "RandGaussianNoised", "keys": "image", "prob": 0.5},
            ],
        },
        "dataset": {
            "_target_": "CacheDataset",
            "data": "$[{'image': i, 'label': l} for i, l in zip(@images[:-3], @labels[:-3])]",
            "transform": "@train#preprocessing",
            "progress": False,
        },
        "dataloader": {"_target_": "DataLoader", "dataset": "@train#dataset", "batch_size": 1, "shuffle": True},
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": AFTER,
        "handlers": [
            {"_target_": "ValidationHandler", "validator": "@validate#evaluator", "epoch_level": True, "interval": 1},
            {"_target_": "scripts.LossFile", "path": "@losses", "explode_at": "@explode_at"},
            {
                "_target_": "StatsHandler",
                "tag_name": "train_loss",
                "output_transform": "$monai.handlers.from_engine(['loss'], first=True)",
            },
            {
                "_target_": "TensorBoardStatsHandler",
                "log_dir": "@output_dir",
                "tag_name": "train_loss",
                "output_transform": "$monai.handlers.from_engine(['loss'], first=True)",
            },
        ],
        "key_metric": {
            "train_accuracy": {
                "_target_": "ignite.metrics.Accuracy",
                "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
            }
        },
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
            "key_train_metric": "@train#key_metric",
            "train_handlers": "@train#handlers",
        },
    },
    "validate": {
        "preprocessing": {"_target_": "Compose", "transforms": BEFORE},
        "dataset": {
            "_target_": "CacheDataset",
            "data": "$[{'image': i, 'label': l} for i, l in zip(@images[-3:], @labels[-3:])]",
            "transform": "@validate#preprocessing",
            "progress": False,
        },
        "dataloader": {"_target_": "DataLoader", "dataset": "@validate#dataset", "batch_size": 1, "shuffle": False},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "sw_batch_size": 4, "overlap": 0.25},
        "postprocessing": AFTER,
        "handlers": [
            {"_target_": "StatsHandler", "iteration_log": False},
            {"_target_": "TensorBoardStatsHandler", "log_dir": "@output_dir", "iteration_log": False},
            {
                "_target_": "CheckpointSaver",
                "save_dir": "@ckpt_dir",
                "save_dict": {"model": "@network"},
                "save_key_metric": True,
                "key_metric_filename": "model.pt",
            },
        ],
        "key_metric": {
            "val_mean_dice": {
                "_target_": "MeanDice",
                "include_background": False,
                "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
            }
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
    "initialize": ["$monai.utils.set_determinism(seed=7)", "$os.makedirs(@output_dir, exist_ok=True)"],
    "training": ["$@train#trainer.run()"],
    "run": "%training",
}

# A config of its own, with the other ids that bundles use: `evaluator` and `handlers`.
EVALUATE: dict[str, Any] = {
    **{
        key: TRAIN[key]
        for key in ("imports", "bundle_root", "ckpt_dir", "output_dir", "dataset_dir", "images", "labels")
    },
    **{key: TRAIN[key] for key in ("device", "network_def", "network")},
    "dataset": TRAIN["validate"]["dataset"] | {"transform": {"_target_": "Compose", "transforms": BEFORE}},
    "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
    "handlers": [
        {"_target_": "CheckpointLoader", "load_path": "$@ckpt_dir + '/model.pt'", "load_dict": {"model": "@network"}},
        {"_target_": "StatsHandler", "iteration_log": False},
    ],
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "@device",
        "val_data_loader": "@dataloader",
        "network": "@network",
        "inferer": TRAIN["validate"]["inferer"],
        "postprocessing": AFTER,
        "key_val_metric": TRAIN["validate"]["key_metric"],
        "val_handlers": "@handlers",
    },
    "evaluating": ["$@evaluator.run()"],
    "run": "%evaluating",
}

# How most of the zoo predicts: probabilities are inverted to the scan's own grid, and the strongest is written.
INFERENCE: dict[str, Any] = {
    "imports": ["$import glob", "$import scripts"],
    "bundle_root": ".",
    "image_key": "image",
    "output_dir": "$@bundle_root + '/predicted'",
    "dataset_dir": "/workspace/data/Task09_Spleen/imagesTs",
    "datalist": "$[{@image_key: path} for path in sorted(glob.glob(@dataset_dir + '/*.nii.gz'))]",
    "device": "$torch.device('cpu')",
    "network_def": "$scripts.small_net()",
    "network": "$@network_def.to(@device)",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "@image_key"},
            {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
            {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
            {"_target_": "Spacingd", "keys": "@image_key", "pixdim": [2.0, 2.0, 2.0], "mode": "bilinear"},
            {"_target_": "ScaleIntensityd", "keys": "@image_key"},
            {"_target_": "scripts.steps.Contrastd", "keys": "@image_key"},
        ],
    },
    "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
    "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "sw_batch_size": 2, "overlap": 0.25},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {
                "_target_": "Invertd",
                "keys": "pred",
                "transform": "@preprocessing",
                "orig_keys": "@image_key",
                "nearest_interp": False,
                "to_tensor": True,
            },
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir", "separate_folder": False},
        ],
    },
    "handlers": [{"_target_": "StatsHandler", "iteration_log": False}],
    "evaluator": {
        "_target_": "SupervisedEvaluator",
        "device": "@device",
        "val_data_loader": "@dataloader",
        "network": "@network",
        "inferer": "@inferer",
        "postprocessing": "@postprocessing",
        "val_handlers": "@handlers",
    },
    "checkpointloader": {
        "_target_": "CheckpointLoader",
        "load_path": "$@bundle_root + '/models/model.pt'",
        "load_dict": {"model": "@network"},
    },
    "initialize": ["$@checkpointloader(@evaluator)"],
    "run": ["$@evaluator.run()"],
}

# As the model zoo's: handlers are sliced away by position on every rank but the first.
MULTI_GPU: dict[str, Any] = {
    "network": {"_target_": "torch.nn.parallel.DistributedDataParallel", "module": "$@network_def.to(@device)"},
    "train#sampler": {
        "_target_": "DistributedSampler",
        "dataset": "@train#dataset",
        "even_divisible": True,
        "shuffle": True,
    },
    "train#dataloader#sampler": "@train#sampler",
    "train#dataloader#shuffle": False,
    "train#trainer#train_handlers": "$@train#handlers[: -2 if dist.get_rank() > 0 else None]",
    "validate#sampler": {
        "_target_": "DistributedSampler",
        "dataset": "@validate#dataset",
        "even_divisible": False,
        "shuffle": False,
    },
    "validate#dataloader#sampler": "@validate#sampler",
    "validate#evaluator#val_handlers": "$None if dist.get_rank() > 0 else @validate#handlers",
    "initialize": [
        "$import torch.distributed as dist",
        "$dist.is_initialized() or dist.init_process_group(backend='gloo')",
        "$monai.utils.set_determinism(seed=7)",
        "$os.makedirs(@output_dir, exist_ok=True)",
    ],
    "finalize": ["$dist.is_initialized() and dist.destroy_process_group()"],
}


def write_bundle(folder: Path, **changed: Any) -> Path:
    """The bundle in a folder of its own; `changed` replaces top-level keys of its train.json."""
    (folder / "configs").mkdir(parents=True)
    (folder / "scripts").mkdir()
    for name, text in {"__init__": SCRIPTS, "steps": STEPS, "strength": STRENGTH}.items():
        (folder / "scripts" / f"{name}.py").write_text(text)
    configs = {
        "metadata": METADATA,
        "train": {**TRAIN, **changed},
        "evaluate": EVALUATE,
        "inference": INFERENCE,
        "multi_gpu_train": MULTI_GPU,
    }
    for name, config in configs.items():
        (folder / "configs" / f"{name}.json").write_text(json.dumps(config, indent=4))
    return folder


def python(words: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs this Python, as a person does in a terminal, and waits."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=environment_of(**environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def environment_of(**more: str) -> Mapping[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}
