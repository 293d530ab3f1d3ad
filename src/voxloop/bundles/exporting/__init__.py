"""A trained model as others can use it: a bundle for plain MONAI, TorchScript, ONNX, with a card that is made of facts.

Only what is known to be the model's own is written: no path, machine, case or patient of those who trained it.
"""

from voxloop.bundles.exporting.export import FORMS, Exported, export, forms_for

__all__ = ["FORMS", "Exported", "export", "forms_for"]
