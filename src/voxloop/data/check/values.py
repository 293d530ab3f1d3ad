"""Judging intensities: are they numbers, and those of the modality?"""

from __future__ import annotations

from typing import Any

from voxloop.data.check.case import Case, words_of
from voxloop.data.check.facts import Channel, Spread

# Shares of all voxels.
MOSTLY_ZERO = 0.995
PADDED = 0.001
CUT_ABOVE, CUT_BELOW = 0.01, 0.05
# 12 bits end at 3071 (with the usual intercept): scanners stop there by themselves.
SCANNERS_END = 3000


def judge(case: Case) -> None:
    """Adds what is wrong with the scan's intensities to the case's findings."""
    image = case.facts.image
    if image is None or not case.facts.channels:
        return
    names = case.listing.modality
    for number, channel in enumerate(case.facts.channels):
        called = "The scan" if len(case.facts.channels) == 1 else f"Channel {number} ({names.get(number, 'unnamed')})"
        _channel(case, image.listed, called, number, channel)
    if len(case.facts.channels) > 1:
        _same(case, image.listed)


def _channel(case: Case, file: str, called: str, number: int, channel: Channel) -> None:
    if channel.not_finite:
        case.say(
            "not_finite",
            f"{called} holds {channel.not_finite:,} voxels that are NaN or infinite.",
            file,
            channel.not_finite_at,
            voxels=channel.not_finite,
            channel=number,
        )
    values = channel.all
    if values is None:
        return
    if values.least == values.most:
        case.say("constant", f"{called} is {words_of(values.least)} everywhere.", file, channel=number)
    elif channel.zero > MOSTLY_ZERO:
        case.say(
            "mostly_zero",
            f"{channel.zero:.2%} of the voxels of {called[0].lower()}{called[1:]} are 0.",
            file,
            zero=channel.zero,
            channel=number,
        )
    elif case.is_ct and not case.is_mri and len(case.facts.channels) == 1:
        _ct(case, file, channel, values)
    elif case.is_mri and not case.is_ct and channel.below_air > 0.05 and values.least > -5000:
        case.say(
            "modality",
            f"{called} has {channel.below_air:.0%} of its voxels below -500, as a CT has and no MRI.",
            file,
            channel=number,
        )


def _ct(case: Case, file: str, channel: Channel, values: Spread) -> None:
    """HU have air at -1000, water at 0 and bone above 300; one sentence says what else these values are."""
    low, high = words_of(values.least), words_of(values.most)
    numbers: dict[str, Any] = {"least": values.least, "most": values.most, "median": values.median}

    def say(kind: str, what: str) -> None:
        case.say(kind, what, file, **numbers)

    if values.most - values.least <= 50:
        say("modality", f"Values go from {low} to {high}, as after normalising; HU go from -1000 to above 300.")
    elif values.least >= 0 and values.most > 500 and values.percentiles[0] < 200:
        say("hu_offset", f"Values go from {low} to {high} and none is negative, as without the intercept of -1024.")
    elif values.least >= 0:
        picture = "as in a picture" if values.most <= 255 else "none of them negative"
        say("modality", f"Values go from {low} to {high}, {picture}; HU go from -1000 to above 300.")
    elif values.percentiles[3] < -3500:
        say(
            "hu_slope",
            f"A quarter of the voxels is below {words_of(values.percentiles[3])}, where air should be -1000.",
        )
    elif values.least > -250 and values.most < 150:
        say("hu_slope", f"Values go from {low} to {high}, too narrow for HU, as after a slope.")
    elif channel.at_least > CUT_BELOW and values.least > -900:
        say("saturated", f"{channel.at_least:.1%} of the voxels are {low}, the smallest value.")
    elif channel.at_most > CUT_ABOVE and values.most < SCANNERS_END:
        say("saturated", f"{channel.at_most:.1%} of the voxels are {high}, the largest value.")
    elif channel.below_air == 0:
        say("no_air", f"The smallest value is {low} HU, and air is at -1000.")
    elif channel.below_padding > PADDED:
        say("padding", f"{channel.below_padding:.1%} of the voxels are below -1500 HU, down to {low}.")


def _same(case: Case, file: str) -> None:
    names = case.listing.modality
    first: dict[str, int] = {}
    for number, channel in enumerate(case.facts.channels):
        if channel.all is None or channel.all.least == channel.all.most:
            continue
        if channel.digest in first:
            one = first[channel.digest]
            case.say(
                "same_channels",
                f"Channels {one} ({names.get(one, 'unnamed')}) and {number} ({names.get(number, 'unnamed')}) are the same voxels.",
                file,
                channels=[one, number],
            )
        first.setdefault(channel.digest, number)
