"""Measures of what a model said against what is true. NumPy only.

classification  precision at k, confusion, calibration, coverage
ranking         ROC AUC and average precision
regression      RMSE, R2, correlation
uncertainty     95 % intervals: bootstrap over tracks or groups, Wilson; McNemar's test
scores          figures with their intervals
"""
