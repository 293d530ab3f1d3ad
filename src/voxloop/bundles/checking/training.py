"""Will the training do what its settings say: schedules that fire, validations that come, weights that are kept, honest scores?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from voxloop.bundles.checking.config import MISSING, Config
from voxloop.bundles.checking.finding import Finding, found, nearest, setting, shown_key
from voxloop.bundles.checking.references import references_of
from voxloop.bundles.checking.values import parse
from voxloop.bundles.checking.workflow import Engine, Workflow

DICE = ("MeanDice", "DiceMetric", "MeanIoUHandler", "GeneralizedDiceScore")


def judge(workflow: Workflow, metadata: dict[str, Any]) -> Iterator[Finding]:
    trainer, validator = workflow.role("train"), workflow.role("validate")
    if trainer is not None:
        yield from _schedule(workflow, trainer)
        yield from _interval(trainer)
        yield from _weights(workflow, trainer, validator)
        yield from _amp(workflow.config, trainer)
    for engine in workflow.engines:
        yield from _metrics(engine)
        if engine.role != "train":
            yield from _background(workflow, engine, metadata)
    said: set[str] = set()
    for finding in (finding for engine in workflow.engines for finding in _pairs(workflow.config, engine)):
        # Training and validation usually share the two lists.
        if finding.kind not in said:
            said.add(finding.kind)
            yield finding
    yield from _positions(workflow.config)


def _schedule(workflow: Workflow, trainer: Engine) -> Iterator[Finding]:
    config, epochs = workflow.config, trainer.number("max_epochs")
    stepped = trainer.handlers_called("LrScheduleHandler")
    schedulers = {part.key: part for handler in stepped if (part := handler.part("lr_scheduler")) is not None}
    for handler in stepped:
        scheduler = handler.part("lr_scheduler")
        if scheduler is None or epochs is None or handler.arg("epoch_level") is False:
            continue
        name, when = ("step_size", scheduler.arg("step_size")) if scheduler.name == "StepLR" else ("milestones", None)
        if scheduler.name == "MultiStepLR":
            listed = scheduler.arg("milestones")
            when = (
                min(listed)
                if isinstance(listed, list) and listed and all(isinstance(one, int) for one in listed)
                else None
            )
        if isinstance(when, int) and when >= epochs:
            yield found(
                "scheduler_never_fires",
                f"{setting(scheduler.key_to(name), scheduler.block.get(name))} is stepped once an epoch, and there "
                f"are {epochs} epochs, so the learning rate "
                f"never changes; set it below {epochs}, or take the schedule out.",
                config.name,
                scheduler.key,
            )
    if not trainer.handlers and "train_handlers" in trainer.part.block:
        return
    for part in config.parts():
        is_schedule = ".lr_scheduler." in part.target.path and part.target.state == "known"
        if (
            is_schedule
            and part.key not in schedulers
            and not any(part.key in references_of(text) for text in _run_texts(config))
        ):
            yield found(
                "scheduler_unused",
                f"{setting(f'{part.key}::_target_', part.block['_target_'])} is never stepped, so the learning rate "
                "stays as it is; add "
                f'{{"_target_": "LrScheduleHandler", "lr_scheduler": "@{shown_key(part.key)}"}} to '
                f"{shown_key(trainer.key)}'s handlers.",
                config.name,
                part.key,
            )


def _run_texts(config: Config) -> list[str]:
    return [text for _, text in config.texts() if text.startswith("$")]


def _interval(trainer: Engine) -> Iterator[Finding]:
    epochs = trainer.number("max_epochs")
    for handler in trainer.handlers_called("ValidationHandler"):
        every = handler.arg("interval")
        if epochs is not None and isinstance(every, int) and every > epochs and handler.arg("epoch_level") is not False:
            yield found(
                "never_validated",
                f"{setting(handler.key_to('interval'), every)} is more than "
                f"{setting(trainer.part.key_to('max_epochs'), epochs)}, so nothing is "
                f"validated and no best model kept; set it to {max(1, epochs // 10)}.",
                trainer.part.config.name,
                handler.key,
            )


def _weights(workflow: Workflow, trainer: Engine, validator: Engine | None) -> Iterator[Finding]:
    sides = [engine for engine in (trainer, validator) if engine is not None]
    if any(
        handler.name.startswith("Checkpoint") and "Saver" in handler.name
        for engine in sides
        for handler in engine.handlers
    ):
        return
    if any("save" in text for text in _run_texts(workflow.config)) or any(
        "Saver" in part.name for part in workflow.config.parts()
    ):
        return
    if any(handler.target.state == "not looked into" for engine in sides for handler in engine.handlers):
        return
    yield found(
        "no_checkpoint",
        f"{shown_key(trainer.key)} and its validation have no CheckpointSaver among their handlers, so the weights "
        "are gone when the training ends; add "
        '{"_target_": "CheckpointSaver", "save_dir": "@ckpt_dir", "save_dict": {"model": "@network"}, '
        '"save_key_metric": true}.',
        workflow.config.name,
        trainer.key,
    )


def _amp(config: Config, trainer: Engine) -> Iterator[Finding]:
    device = config.at(config.key_of(trainer.part.block.get("device"), trainer.part.key_to("device")))
    text = device if isinstance(device, str) else ""
    if trainer.part.arg("amp") is True and "cpu" in text and "cuda" not in text:
        yield found(
            "amp_on_cpu",
            f"{setting(trainer.part.key_to('amp'), trainer.part.block.get('amp'))} has no effect on "
            f"{setting('device', text)}; set it to false.",
            config.name,
            trainer.part.key_to("amp"),
        )


def _metrics(engine: Engine) -> Iterator[Finding]:
    known = sorted(engine.metrics)
    if not known:
        return
    for handler in engine.handlers:
        asked: list[tuple[str, Any]] = []
        if handler.name == "MetricsSaver":
            asked = [(argument, handler.arg(argument, None)) for argument in ("metrics", "metric_details")]
        elif handler.name == "CheckpointSaver":
            asked = [("key_metric_name", handler.arg("key_metric_name", None))]
        for argument, said in asked:
            for name in said if isinstance(said, list) else [said]:
                if isinstance(name, str) and name != "*" and name not in known:
                    yield found(
                        "unknown_metric",
                        f"{setting(handler.key_to(argument), handler.block.get(argument))}: {shown_key(engine.key)} "
                        f'computes no "{name}"; ' + (nearest(name, known) or f"it computes: {', '.join(known)}."),
                        engine.part.config.name,
                        handler.key,
                    )


def _background(workflow: Workflow, engine: Engine, metadata: dict[str, Any]) -> Iterator[Finding]:
    """Only where classes exclude each other: regions that overlap have no channel for the background."""
    exclusive = any(
        step.name == "AsDiscrete"
        and any(isinstance(number, int) and number > 1 for number in step.each("to_onehot").values())
        for step in engine.after
    )
    named = _first_class(metadata)
    if not exclusive or (named is not None and "background" not in named.lower() and "everything" not in named.lower()):
        return
    for name, metric in engine.metrics.items():
        if metric.name in DICE and metric.arg("include_background") is True:
            said = "" if "include_background" in metric.block else " by default"
            yield found(
                "background_in_dice",
                f'{shown_key(metric.key)}: {metric.name} "{name}" averages the background in{said} '
                "(include_background=true), which lifts the mean; write "
                '"include_background": false.',
                engine.part.config.name,
                metric.key,
            )


def _first_class(metadata: dict[str, Any]) -> str | None:
    try:
        return str(metadata["network_data_format"]["outputs"]["pred"]["channel_def"]["0"])
    except (KeyError, TypeError):
        return None


def _pairs(config: Config, engine: Engine) -> Iterator[Finding]:
    if engine.dataset is None or engine.role == "infer":
        return
    text = config.at(config.key_of(engine.dataset.block.get("data"), engine.dataset.key_to("data")))
    if not isinstance(text, str) or not text.startswith("$"):
        return
    tree, names = parse(text[1:])
    if tree is None:
        return
    globbed = {name: key for name, key in names.items() if "glob" in str(config.at(key))}
    key = engine.dataset.key_to("data")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
            inside = {
                one.id for argument in node.args for one in ast.walk(argument) if isinstance(one, ast.Name)
            } & set(globbed)
            if len(inside) > 1:
                lists = " and ".join(f"@{shown_key(globbed[one])}" for one in sorted(inside))
                yield found(
                    "pairs_by_order",
                    f"{setting(key, text)} pairs {lists} by their order, so one missing file shifts every pair "
                    "after it; take the pairs from dataset.json, or "
                    "check first with voxloop data check.",
                    config.name,
                    key,
                )
        if (one := _sliced(node)) in globbed:
            yield found(
                "split_by_position",
                f"{setting(key, text)} divides @{shown_key(globbed[one])} by position in a list sorted by letters, "
                "so another file changes who "
                "validates; divide by name, as voxloop data split does.",
                config.name,
                key,
            )
            return


def _sliced(node: ast.AST) -> str:
    """The name that a slice is taken of, or nothing."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and isinstance(node.value, ast.Name):
        return node.value.id
    return ""


def _positions(config: Config) -> Iterator[Finding]:
    for key, text in config.texts():
        if not text.startswith("$") or "handlers" not in key:
            continue
        tree, names = parse(text[1:])
        for node in ast.walk(tree) if tree is not None else ():
            one = names.get(_sliced(node), "")
            listed = config.at(one) if one else MISSING
            out = (
                [number for number, each in enumerate(listed) if config.is_left_out(each)]
                if isinstance(listed, list)
                else []
            )
            if out:
                yield found(
                    "handlers_by_position",
                    f"{setting(key, text)} counts handlers of which {shown_key(one)}#{out[0]} is disabled, and "
                    "MONAI takes that one out before it counts; "
                    'leave all handlers in, and write "_disabled_" into those that only one process needs.',
                    config.name,
                    key,
                )
