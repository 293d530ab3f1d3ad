"""The catalogue as a page of the docs."""

from __future__ import annotations

from voxloop.data.check.catalogue import KINDS, SEVERITIES


def page() -> str:
    """docs/reference/findings.md."""
    lines = [
        "# Findings",
        "",
        "Made from the catalogue of `voxloop data check` by `make docs`. An **error** stops a training or spoils it, a **warning** should be",
        "looked at, a **note** is worth knowing. Where it says so, `voxloop data check DIR --fix COPY` mends it in a copy.",
        "",
        "| kind | what is found | |",
        "|---|---|---|",
    ]
    order = sorted(KINDS.items(), key=lambda item: SEVERITIES.index(item[1].severity))
    lines += [f"| [`{name}`](#{name}) | {kind.title} | {kind.severity} |" for name, kind in order]
    group = ""
    for name, kind in KINDS.items():
        if kind.group != group:
            group = kind.group
            lines += ["", f"## {group}"]
        fixable = " `--fix` does it." if kind.fixable else ""
        lines += [
            "",
            f"### `{name}`",
            "",
            f"*{kind.severity}:* {kind.title}. {kind.why}",
            "",
            f"{kind.mend}{fixable}",
        ]
    return "\n".join(lines) + "\n"
