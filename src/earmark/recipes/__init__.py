"""The recipes of the shipped models: every step from measured tables and sound to a bundle. Needs the extra `train`.

house12        the descriptor network, from tables of measured descriptors
distillation   the ear, from networks that have heard real recordings
music          real works with open licences: which of them are never learned from, whose they are
"""
