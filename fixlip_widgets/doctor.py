"""Checks of ``fixlip-widgets doctor``: packages, device, demo model and front end, with a remedy for each problem.

The required packages and versions come from the installed metadata, so pyproject.toml is their only definition.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata, resources
from typing import Literal

from packaging.requirements import Requirement

from fixlip_widgets._version import __version__
from fixlip_widgets.errors import FixlipError

DISTRIBUTION = "fixlip-widgets"
LAB, TEST = "lab", "test"
"""The packages of ``lab``, which shows the widget, are listed one by one; ``test`` is for developers and omitted."""


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        subject: The component that was checked.
        state: ``ok``; ``missing`` or ``wrong`` if the problem must be fixed; ``absent`` for an optional component.
        detail: Version or description.
        remedy: How to fix the problem, if there is one.
    """

    subject: str
    state: Literal["ok", "absent", "missing", "wrong"]
    detail: str
    remedy: str = ""

    @property
    def serious(self) -> bool:
        """Whether a required component is missing or unusable."""
        return self.state in ("missing", "wrong")


def examine() -> list[Finding]:
    """Check the whole installation. Problems become findings, not exceptions."""
    packages = _packages()
    # Without the required packages, loading the model would only fail on the problems already listed.
    complete = not any(finding.serious for finding in packages)
    return [
        Finding("python", "ok", platform.python_version()),
        Finding(DISTRIBUTION, "ok", __version__),
        *packages,
        *([_pairing(), _device(), _demo_model()] if complete else []),
        _front_end(),
    ]


def examine_model(name: str) -> list[Finding]:
    """Check whether a model is supported, how large it is and how its two encoders are masked.

    The model is built on the meta device, without weights. At most its config is downloaded.

    Args:
        name: An open_clip name, a config file or a folder, as in :func:`fixlip_widgets.load_model`.
    """
    import torch

    from fixlip_widgets.encoders.loading import outline
    from fixlip_widgets.encoders.loading.parts import first_line
    from fixlip_widgets.encoders.towers import kinds_of

    try:
        with torch.device("meta"):
            clip = outline(name)
        kinds = kinds_of(clip)
    except FixlipError as error:
        return [Finding(name, "wrong", str(error))]
    except (OSError, ValueError) as error:
        return [Finding(name, "missing", first_line(error), "connect to a network, to download its config once")]
    millions = sum(each.numel() for each in clip.parameters()) / 1e6
    return [
        Finding(name, "ok", f"supported; {millions:,.0f} million parameters, {4 * millions / 1e3:,.1f} GB in float32"),
        Finding("image encoder", "ok", kinds.image),
        Finding("text encoder", "ok", kinds.text),
    ]


def table(findings: list[Finding]) -> str:
    """Format the findings as aligned text, with each remedy below its finding."""
    width = max(len(finding.subject) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.state:8}{finding.subject:{width + 2}}{finding.detail}".rstrip())
        if finding.remedy:
            lines.append(f"{'':8}{'':{width + 2}}→ {finding.remedy}")
    return "\n".join(lines)


def _packages() -> list[Finding]:
    """Return one finding for each required package, each package of ``lab``, and each other extra."""
    try:
        requirements = [Requirement(line) for line in metadata.requires(DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        remedy = "in a checkout: python -m pip install --editable ."
        return [Finding("installation", "missing", "the package is not installed, only importable", remedy)]
    needed = [each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
    others = [each for each in requirements if each not in needed and each.marker]

    def of(extra: str) -> list[Requirement]:
        return [each for each in others if each.marker and each.marker.evaluate({"extra": extra})]

    extras = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra", [])
    return [
        *(_package(each) for each in needed),
        *(_package(each, LAB) for each in of(LAB)),
        *(_extra(extra, of(extra)) for extra in extras if extra not in (LAB, TEST)),
    ]


def _extra(extra: str, requirements: list[Requirement]) -> Finding:
    """Summarise an extra in one finding, which is ``ok`` if all its packages are."""
    parts = [_package(each, extra) for each in requirements]
    detail = ", ".join(f"{each.subject} {each.detail if each.state != 'absent' else 'not installed'}" for each in parts)
    complete = all(each.state == "ok" for each in parts)
    return Finding(f"[{extra}]", "ok" if complete else "absent", detail, "" if complete else _install(extra))


def _install(extra: str) -> str:
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def _package(requirement: Requirement, extra: str = "") -> Finding:
    """Check one package, which is required or part of an optional ``extra``."""
    specification = f"{requirement.name}{requirement.specifier}"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        if extra:
            return Finding(requirement.name, "absent", "optional", _install(extra))
        return Finding(requirement.name, "missing", "", f"pip install '{specification}'")
    if not requirement.specifier.contains(version, prereleases=True):
        return Finding(
            requirement.name, "wrong", f"{version}, required {requirement.specifier}", f"pip install '{specification}'"
        )
    return Finding(requirement.name, "ok", version)


def _pairing() -> Finding:
    from fixlip_widgets.support.open_clip import builds_differ

    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "torchvision"))
    if not builds_differ():
        return Finding("torch pair", "ok", versions)
    return Finding(
        "torch pair",
        "wrong",
        f"{versions} are of different builds; import fixlip_widgets before torchvision or open_clip",
        "pip install --force-reinstall torch torchvision, both from the same index",
    )


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("device", "ok", f"cuda: {torch.cuda.get_device_name()}")
    processor = f"cpu: {torch.get_num_threads()} threads on {os.cpu_count()} cores"
    mps = "; pass device='mps' to use the GPU" if torch.backends.mps.is_available() else ""
    return Finding("device", "ok", processor + mps)


def _demo_model() -> Finding:
    from fixlip_widgets import load_model

    try:
        load_model()
    except FixlipError as error:
        return Finding("demo model", "wrong", str(error), f"reinstall {DISTRIBUTION}")
    return Finding("demo model", "ok", "loads")


def _front_end() -> Finding:
    folder = resources.files("fixlip_widgets") / "widget" / "static"
    files = [folder / name for name in ("widget.js", "details.js", "plotly.js")]
    if all(file.is_file() for file in files):
        view, details, plotly = (len(file.read_bytes()) / 1e6 for file in files)
        return Finding("front end", "ok", f"{view + details:.1f} MB, and {plotly:.1f} MB of Plotly")
    remedy = f"reinstall {DISTRIBUTION}; in a checkout: python -m pip install --editable ."
    return Finding("front end", "missing", "the widget's JavaScript has not been built", remedy)
