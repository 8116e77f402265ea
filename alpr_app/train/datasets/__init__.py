"""Datasets made, checked and changed: CCPD's labels, cut-out plates, machine labels, robustness sets, drawn folders."""
