"""Measures of predictions against the truth. NumPy only.

classification  precision at k, confusion, calibration, coverage
ranking         ROC AUC and average precision
regression      RMSE, R2, correlation
uncertainty     95 % intervals (bootstrap over tracks or groups, Wilson), differences of models, McNemar's test
scores          the score of a classifier, with intervals, beside known figures
"""
