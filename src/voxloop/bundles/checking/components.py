"""Is every component one that can be made: a `_target_` that is there, with arguments that it takes?"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from voxloop.bundles.checking.config import Config, Part
from voxloop.bundles.checking.finding import Finding, found, nearest, setting, shown_key
from voxloop.bundles.checking.targets import installed

# What MONAI once had under another name.
RENAMED = {
    "AddChanneld": "EnsureChannelFirstd",
    "AddChannel": "EnsureChannelFirst",
    "AsChannelFirstd": "EnsureChannelFirstd",
    "AsChannelFirst": "EnsureChannelFirst",
    "SplitChanneld": "SplitDimd",
    "SplitChannel": "SplitDim",
}
# Arguments that older bundles give and that have no successor.
REMOVED = {
    ("SwinUNETR", "img_size"): "MONAI has removed it, for the size of the input is found when it comes; take it out.",
    ("UNETR", "pos_embed"): 'MONAI calls it "proj_type" now.',
    ("ViT", "pos_embed"): 'MONAI calls it "proj_type" now.',
}


def judge(config: Config) -> Iterator[Finding]:
    """Targets and arguments of everything that is made."""
    yield from _tensorboard(config)
    for part in config.parts():
        target = part.target
        named = setting(f"{part.key}::_target_", part.block["_target_"])
        if target.state == "nowhere":
            yield found("unknown_target", f"{named} is nowhere; {_instead(part)}", config.name, part.key)
        elif target.state == "not installed":
            top = part.block["_target_"].partition(".")[0]
            yield found(
                "package_missing",
                f"{named} comes from the package {top}, which is not installed; run: pip install {top}",
                config.name,
                part.key,
            )
        elif target.takes is not None:
            yield from _arguments(part, target.takes, target.open)


def _tensorboard(config: Config) -> Iterator[Finding]:
    keys = [part.key for part in config.parts() if part.name.startswith("TensorBoard")]
    if keys and not installed("tensorboard"):
        listed = " and ".join(shown_key(key) for key in keys)
        yield found(
            "tensorboard_missing",
            f"{listed} need{'s' if len(keys) == 1 else ''} the package tensorboard, which is not installed; run it "
            "with voxloop bundle run, which leaves "
            "that out, or run: pip install tensorboard",
            config.name,
            keys[0],
        )


def _instead(part: Part) -> str:
    said = str(part.block["_target_"])
    short = said.rsplit(".", 1)[-1]
    if short in RENAMED:
        return f'MONAI calls it "{RENAMED[short]}" now.'
    hint = nearest(said, part.target.near)
    if hint:
        return hint
    return (
        "write it into the bundle's scripts, or take another."
        if "." in said
        else "check its name, or write the path to it."
    )


def _arguments(part: Part, takes: dict[str, bool], is_open: bool) -> Iterator[Finding]:
    config, named = part.config, part.block["_target_"]
    unknown = [] if is_open else [name for name in part.given if name not in takes]
    for name in unknown:
        left = [one for one in takes if one not in part.given]
        hint = REMOVED.get((part.name, name)) or nearest(name, left, cutoff=0.75)
        hint = hint or f"it takes: {', '.join(list(takes)[:12]) or 'nothing'}."
        yield found(
            "unknown_argument",
            f"{setting(part.key_to(name), part.block[name])}: {named} takes no argument {name}; {hint}",
            config.name,
            part.key_to(name),
        )
    # What is made when it is called can be given the rest then.
    missing = [name for name, has_default in takes.items() if not has_default and name not in part.given]
    if part.block.get("_mode_", "default") != "default" or unknown:
        missing = []
    for name in missing:
        yield found(
            "missing_argument",
            f"{shown_key(part.key)} is a {named}, which needs the argument {name}; add it.",
            config.name,
            part.key,
        )


def is_standard(top: str) -> bool:
    """Whether Python brings a module itself."""
    return top in sys.stdlib_module_names
