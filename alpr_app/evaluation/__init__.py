"""Measures how well plates are found and read: metrics of detection, text and calibration.

Depends on all rooms up to `pipeline`. `alpr eval`, the validation of trainings and the window share these rules.
"""
