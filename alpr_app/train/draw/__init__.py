"""Drawn plates and drawn scenes: what real pictures lack, as many as wanted, labelled exactly."""
