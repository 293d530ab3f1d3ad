"""The catalogue of all that `voxloop bundle check` can find: how bad it is, what it is, why it matters, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, slots=True)
class Kind:
    """`says` is what is found, `why` what it costs, `example` a config that has it. The next step stands in each finding's sentence."""

    group: str
    severity: Severity
    says: str
    why: str
    example: str


FILES, REFERENCES, COMPONENTS, META, NETWORK, SCANS, TRAINING, INFERENCE, CODE, DATA = (
    "Files and their writing",
    "References and expressions",
    "Components and their arguments",
    "Metadata",
    "The network and its channels",
    "Transforms",
    "Training and validation",
    "Inference",
    "Code, packages and machines",
    "The bundle and a dataset",
)

KINDS: dict[str, Kind] = {
    # -- files
    "unreadable": Kind(
        FILES, "error", "a config that cannot be read",
        "MONAI stops at it, with a trace instead of the line.",
        '`{"epochs": 5,}`',
    ),
    "duplicate_key": Kind(
        FILES, "warning", "a key that stands twice in one block",
        "JSON readers keep the last and say nothing, so the first is a setting without effect.",
        '`{"lr": 0.1, "lr": 0.001}`',
    ),
    "overlay_without_base": Kind(
        FILES, "error", "an overlay that patches what is not there",
        "Merging stops with a KeyError.",
        '`"validate#handlers": []` over a config without `validate`',
    ),
    # -- references
    "reference_to_nothing": Kind(
        REFERENCES, "error", "a reference to a key that is not there",
        "The bundle stops when it gets there, which may be after the data were cached.",
        '`"max_epochs": "@epoch"` beside `"epochs": 5`',
    ),
    "circular_reference": Kind(
        REFERENCES, "error", "references that lead back to themselves",
        "MONAI makes components one after the other, and none of these can be the first.",
        'a CheckpointSaver in `train#handlers` that saves `"@train#trainer"`',
    ),
    "macro_to_nothing": Kind(
        REFERENCES, "error", "a % macro to a file or key that is not there",
        "Macros are replaced before anything runs, so nothing of the bundle starts.",
        '`"postprocessing": "%train#postprocesing"`',
    ),
    "nothing_to_run": Kind(
        REFERENCES, "error", "a config without anything to run",
        "There is no `run`, and no other key whose expression runs an engine.",
        'a train.json without `"run": ["$@train#trainer.run()"]`',
    ),
    "broken_expression": Kind(
        REFERENCES, "error", "an expression that is not valid Python",
        "It fails when it is reached.",
        '`"device": "$torch.device(\'cpu\'"`',
    ),
    "undefined_name": Kind(
        REFERENCES, "error", "an expression that uses a name nobody imports",
        "Only monai, torch, numpy (also as np) and what the config imports itself are known in an expression.",
        '`"$os.makedirs(@output_dir)"` without `"$import os"`',
    ),
    # -- components
    "unknown_target": Kind(
        COMPONENTS, "error", "a _target_ that is nowhere",
        "It was misspelled, renamed or removed in the MONAI that is installed, or is missing from the bundle's "
        "scripts.",
        '`"_target_": "LoadImagd"`',
    ),
    "unknown_argument": Kind(
        COMPONENTS, "error", "an argument that its component does not take",
        "It was misspelled or removed; the component cannot be made.",
        '`"_target_": "UNet", "chanels": [16, 32]`',
    ),
    "missing_argument": Kind(
        COMPONENTS, "error", "an argument that its component needs and is not given",
        "The component cannot be made.",
        '`"_target_": "ScaleIntensityRanged"` without `a_min`',
    ),
    # -- metadata
    "metadata_missing": Kind(
        META, "warning", "metadata.json without a field that bundles have to have",
        "The bundle specification asks for it, and tools that read bundles (MONAI Label, Deploy, this one) rely on it.",
        "a metadata.json without `monai_version`",
    ),
    "metadata_invalid": Kind(
        META, "error", "a field of metadata.json of another form than the specification's",
        "Class names, colours and channels are read from there.",
        '`"network_data_format": []`',
    ),
    "metadata_channels": Kind(
        META, "warning", "num_channels that does not count channel_def",
        "One of the two is wrong, and with it the names of classes or channels.",
        '`"num_channels": 3, "channel_def": {"0": "background", "1": "spleen"}`',
    ),
    "metadata_network": Kind(
        META, "warning", "metadata that says another number of channels than the network has",
        "Every name after the difference is that of another class.",
        '`"num_channels": 2` and a network with `"out_channels": 14`',
    ),
    "newer_monai": Kind(
        META, "note", "a bundle that was made with a newer MONAI",
        "It may use what is not there yet.",
        '`"monai_version": "9.0.0"`',
    ),
    "deprecated_name": Kind(
        META, "note", "a name that MONAI has replaced",
        "MONAI still takes it, with a warning, and will stop doing so.",
        '`"optional_packages_version"`, now `"required_packages_version"`',
    ),
    # -- network
    "onehot_count": Kind(
        NETWORK, "error", "a one-hot with another number of classes than the network has",
        "Scores then average over classes that do not exist, or the transform stops at a value it cannot place.",
        '`"to_onehot": 3` behind a network with `"out_channels": 2`',
    ),
    "roi_not_divisible": Kind(
        NETWORK, "error", "a patch whose sides the network cannot halve as often as it does",
        "Shapes differ where the decoder meets the encoder: the first batch stops the training.",
        '`"roi_size": [100, 100, 100]` for a UNet with four strides of 2',
    ),
    # -- transforms
    "key_not_loaded": Kind(
        SCANS, "error", "a transform of a key that nothing loads",
        "It finds a file's name where it expects voxels, or nothing.",
        '`Spacingd` of `["image", "label"]` after `LoadImaged` of `"image"`',
    ),
    "label_interpolated": Kind(
        SCANS, "error", "a label that is interpolated",
        "Between class 1 and class 3 lies 2.3: labels become fractions, and edges other classes.",
        '`"_target_": "Spacingd", "keys": ["image", "label"], "mode": "bilinear"`',
    ),
    "label_left_behind": Kind(
        SCANS, "error", "an image that is moved and its label that is not",
        "From there on a voxel's label is that of another place.",
        '`Orientationd` of `"image"` only',
    ),
    "spacing_before_orientation": Kind(
        SCANS, "warning", "Spacing before Orientation, with unequal voxel sides",
        "The long side then falls on whichever axis the file stored last, so scans of one dataset get different grids.",
        "`Spacingd` to 1.5 x 1.5 x 2.0 mm, then `Orientationd`",
    ),
    "crop_without_pad": Kind(
        SCANS, "warning", "crops of a fixed size without a SpatialPad before them",
        "The first scan that is smaller than the crop stops the training.",
        "`RandCropByPosNegLabeld` of 96 x 96 x 96 without `SpatialPadd`",
    ),
    "brats_labels": Kind(
        SCANS, "error", "BraTS's class numbers for the Decathlon's labels",
        "MONAI's transform knows BraTS's 1, 2, 4; in Task01 its enhancing tumour is always empty, without a word.",
        "`ConvertToMultiChannelBasedOnBratsClassesd` and Task01_BrainTumour",
    ),
    "deepedit_order": Kind(
        SCANS, "error", "DeepEdit's label_names with the background not last",
        "The transform numbers the names in their order from 1, background included, so every later class gets a "
        "number too many.",
        '`"label_names": {"background": 0, "spleen": 1}`',
    ),
    # -- training
    "scheduler_never_fires": Kind(
        TRAINING, "warning", "a learning-rate schedule that does not fire before the end",
        "The learning rate stays what it was, whatever the paper says.",
        "`StepLR` with `step_size` 5000 over 800 epochs",
    ),
    "scheduler_unused": Kind(
        TRAINING, "warning", "a learning-rate schedule that nobody steps",
        "Without a LrScheduleHandler it has no effect.",
        '`"lr_scheduler"` and no `LrScheduleHandler`',
    ),
    "never_validated": Kind(
        TRAINING, "error", "a validation interval longer than the training",
        "Nothing is validated, so no best model is kept.",
        "`val_interval` 10 with 5 epochs",
    ),
    "no_checkpoint": Kind(
        TRAINING, "warning", "a training that saves no weights",
        "When it ends, everything it learned is gone.",
        "no `CheckpointSaver` in the handlers of trainer and validator",
    ),
    "background_in_dice": Kind(
        TRAINING, "warning", "a mean Dice with the background in it",
        "The background is nearly always right, which lifts the mean: 0.94 of a spleen reads as 0.97.",
        "`MeanDice` without `include_background: false` after a one-hot",
    ),
    "unknown_metric": Kind(
        TRAINING, "warning", "a metric that its engine does not compute",
        "It is left out without a word, or nothing is saved by it.",
        '`MetricsSaver` of `"val_acc"` where the engine has `"val_accuracy"`',
    ),
    "handlers_by_position": Kind(
        TRAINING, "warning", "handlers counted by position where one is disabled",
        "MONAI takes disabled handlers out before it counts, so another one is cut off; with several processes that "
        "ends in a hang.",
        '`"$@train#handlers[: -2 if dist.get_rank() > 0 else None]"` with a disabled handler',
    ),
    "pairs_by_order": Kind(
        TRAINING, "warning", "images and labels paired by the order of two sorted lists",
        "One missing or additional file shifts every pair after it, and nothing complains.",
        "`zip(@images, @labels)` of two globs",
    ),
    "split_by_position": Kind(
        TRAINING, "warning", "a split by position in a list sorted by letters",
        "spleen_10 comes before spleen_2, so another file changes which cases validate, and patients may be in both "
        "parts.",
        "`@images[:-9]` and `@images[-9:]`",
    ),
    # -- inference
    "not_inverted": Kind(
        INFERENCE, "error", "predictions that are saved on the network's grid",
        "They do not lie on the scan, which shows in a viewer only if one looks.",
        "`Spacingd` before, `SaveImaged` with `resample: false` and no `Invertd` after",
    ),
    "inverted_as_float": Kind(
        INFERENCE, "note", "probabilities of all classes carried back to the scan's grid before the argmax",
        "That takes memory and time for every class, where one byte a voxel would do; the borders are a little "
        "smoother.",
        "`Invertd`, then `AsDiscreted` with `argmax`",
    ),
    "train_infer_disagree": Kind(
        INFERENCE, "error", "training and inference that prepare scans, or build the network, differently",
        "The network sees at work what it never learned from.",
        "`Spacingd` 1.5 x 1.5 x 2.0 mm in train.json, 1 x 1 x 1 in inference.json",
    ),
    "window_differs": Kind(
        INFERENCE, "note", "another window at inference than in validation",
        "It works, and scores may differ a little from the validation's.",
        "`roi_size` 96 in train.json, 128 in inference.json",
    ),
    "weights_missing": Kind(
        INFERENCE, "error", "weights that are loaded, not there and not made by the bundle's own training",
        "The config stops where it loads them.",
        '`"load_path": "$@bundle_root + \'/models/best.pt\'"` and no such file',
    ),
    # -- code
    "package_missing": Kind(
        CODE, "error", "a package that is used and not installed",
        "The bundle stops where it needs it.",
        '`"$import skimage"` without scikit-image',
    ),
    "tensorboard_missing": Kind(
        CODE, "warning", "TensorBoard's handlers without the package tensorboard",
        "Under MONAI's own command the training ends at once; voxloop bundle run leaves them out.",
        "`TensorBoardStatsHandler`",
    ),
    "place_of_author": Kind(
        CODE, "warning", "a path of its author's machine",
        "It is not there on this one.",
        '`"dataset_dir": "/workspace/data/Task09_Spleen"`',
    ),
    "fixed_cuda": Kind(
        CODE, "warning", "a GPU without asking whether there is one",
        "On a machine without one the bundle does not start.",
        '`"device": "$torch.device(\'cuda:0\')"`',
    ),
    "amp_on_cpu": Kind(
        CODE, "note", "mixed precision on a processor",
        "MONAI's amp is CUDA's: on a CPU it warns and trains in full precision.",
        '`"amp": true` and `"device": "$torch.device(\'cpu\')"`',
    ),
    "unsafe_load": Kind(
        CODE, "warning", "torch.load without weights_only=True",
        "A pickle can run any code when it is loaded; and since torch 2.6 the default refuses what older code expects.",
        "`torch.load(path)` in `scripts/`",
    ),
    "script_broken": Kind(
        CODE, "error", "a Python file of the bundle that is not valid Python",
        "Importing it fails.",
        "`scripts/net.py` with a missing bracket",
    ),
    # -- dataset
    "data_classes": Kind(
        DATA, "error", "a dataset without a class that the bundle segments",
        "It would be trained or scored on another structure, or on none.",
        "a bundle for the spleen and a dataset of livers",
    ),
    "data_values": Kind(
        DATA, "error", "label values that are not the network's channels",
        'A training stops with "index 2 is out of bounds", or learns one organ under another\'s name.',
        "labels 0 to 13 for a network with two channels",
    ),
    "data_channels": Kind(
        DATA, "error", "scans with another number of channels than the network takes",
        "The first batch stops, or a channel stands for another.",
        "a CT for a network with four input channels",
    ),
    "data_modality": Kind(
        DATA, "error", "scans of another modality than the bundle is for",
        "Intensities mean something else, so nothing that was learned holds.",
        "MR scans for a bundle whose metadata say CT",
    ),
}  # fmt: skip
