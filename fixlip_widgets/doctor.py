"""What ``fixlip-widgets doctor`` looks at: versions, device, front end, demo model; what is missing, how to get it.

Which packages are needed, and in which versions, is read from the installed metadata: pyproject.toml says it once.
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
"""The extra whose packages have lines of their own, for there the widget is shown; and one for developers alone."""


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        subject: What was looked at.
        state: ``ok``; ``missing`` and ``wrong`` keep something from working; ``absent`` is optional.
        detail: Version or description.
        remedy: What to do, where something is to be done.
    """

    subject: str
    state: Literal["ok", "absent", "missing", "wrong"]
    detail: str
    remedy: str = ""

    @property
    def serious(self) -> bool:
        """Whether something needed is missing or unfit."""
        return self.state in ("missing", "wrong")


def examine() -> list[Finding]:
    """Look at everything; never raises for what is missing."""
    packages = _packages()
    # Without its packages, the model would only repeat in a traceback what the table says already.
    complete = not any(finding.serious for finding in packages)
    return [
        Finding("python", "ok", platform.python_version()),
        Finding(DISTRIBUTION, "ok", __version__),
        *packages,
        *([_pairing(), _device(), _demo_model()] if complete else []),
        _front_end(),
    ]


def examine_model(name: str) -> list[Finding]:
    """What is supported of a model: how its two encoders are masked, and what loading it needs.

    The model is built without its weights, in no memory; nothing is downloaded but a config that it is made of.

    Args:
        name: As :func:`fixlip_widgets.load_model` takes it: an open_clip name, a config file or a folder.
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
        return [Finding(name, "missing", first_line(error), "its config is downloaded once, which needs a network")]
    millions = sum(each.numel() for each in clip.parameters()) / 1e6
    return [
        Finding(name, "ok", f"supported; {millions:,.0f} million weights, {4 * millions / 1e3:,.1f} GB in float32"),
        Finding("image encoder", "ok", kinds.image),
        Finding("text encoder", "ok", kinds.text),
    ]


def table(findings: list[Finding]) -> str:
    """The findings as aligned text, with the remedies beneath their lines."""
    width = max(len(finding.subject) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.state:8}{finding.subject:{width + 2}}{finding.detail}".rstrip())
        if finding.remedy:
            lines.append(f"{'':8}{'':{width + 2}}→ {finding.remedy}")
    return "\n".join(lines)


def _packages() -> list[Finding]:
    """One finding for each package that pyproject.toml asks for here, then the lab's, then one for each other extra."""
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
    """One line for all packages of an extra, which is there where all of them are, and fit."""
    found = [_package(each, extra) for each in requirements]
    said = ", ".join(f"{each.subject} {each.detail if each.state != 'absent' else 'not installed'}" for each in found)
    complete = all(each.state == "ok" for each in found)
    return Finding(f"[{extra}]", "ok" if complete else "absent", said, "" if complete else _install(extra))


def _install(extra: str) -> str:
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def _package(requirement: Requirement, extra: str = "") -> Finding:
    """One package, which is needed or is asked for by an ``extra``."""
    wanted = f"{requirement.name}{requirement.specifier}"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        if extra:
            return Finding(requirement.name, "absent", "optional", _install(extra))
        return Finding(requirement.name, "missing", "", f"pip install '{wanted}'")
    if not requirement.specifier.contains(version, prereleases=True):
        return Finding(
            requirement.name, "wrong", f"{version}, needed {requirement.specifier}", f"pip install '{wanted}'"
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
        f"{versions} are of different builds: only after fixlip_widgets can torchvision or open_clip be imported",
        "pip install --force-reinstall torch torchvision, both from the same index",
    )


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("device", "ok", f"cuda: {torch.cuda.get_device_name()}")
    processor = f"cpu: {torch.get_num_threads()} threads on {os.cpu_count()} cores"
    asked_for = "; the GPU is used where it is asked for: device='mps'" if torch.backends.mps.is_available() else ""
    return Finding("device", "ok", processor + asked_for)


def _demo_model() -> Finding:
    from fixlip_widgets import load_model

    try:
        load_model()
    except FixlipError as error:
        return Finding("demo model", "wrong", str(error), f"install {DISTRIBUTION} again")
    return Finding("demo model", "ok", "loads")


def _front_end() -> Finding:
    bundle = resources.files("fixlip_widgets") / "widget" / "static" / "widget.js"
    if bundle.is_file():
        return Finding("front end", "ok", f"{len(bundle.read_bytes()) / 1e6:.1f} MB")
    remedy = f"install {DISTRIBUTION} again; in a checkout: python -m pip install --editable ."
    return Finding("front end", "missing", "the widget's JavaScript has not been built", remedy)
