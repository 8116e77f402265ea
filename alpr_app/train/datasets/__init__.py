"""Making, checking and changing datasets: labels of CCPD, cropped plates, machine labels, robustness sets, drawings."""
