"""How well plates are found and read: metrics of detection, text and calibration.

Knows everything up to `pipeline`. `alpr eval`, the validation of trainings and the window's marks share these rules.
"""
