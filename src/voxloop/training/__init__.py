"""Running a recipe: its settings, the loop through MONAI's own workflow, checkpoints, resume.

How a network looks at a scan afterwards is `inference`; what is written down on the way is `tracking`.
"""
