"""The catalogue as a page of the docs."""

from __future__ import annotations

from voxloop.bundles.checking.catalogue import KINDS, SEVERITIES


def reference() -> str:
    """docs/reference/bundle-findings.md."""
    lines = [
        "# Findings in bundles",
        "",
        "Made from the catalogue of `voxloop bundle check` by `make docs`. An **error** stops a bundle or spoils "
        "what comes out, a **warning** should be",
        "looked at, a **note** is worth knowing. Each finding says its next step itself.",
        "",
        "| kind | what is found | |",
        "|---|---|---|",
    ]
    order = sorted(KINDS.items(), key=lambda item: SEVERITIES.index(item[1].severity))
    lines += [f"| [`{name}`](#{name}) | {kind.says} | {kind.severity} |" for name, kind in order]
    group = ""
    for name, kind in KINDS.items():
        if kind.group != group:
            group = kind.group
            lines += ["", f"## {group}"]
        says = kind.says[0].upper() + kind.says[1:]
        lines += ["", f"### `{name}`", "", f"*{kind.severity}:* {says}. {kind.why}", "", f"Such as: {kind.example}"]
    return "\n".join(lines) + "\n"
