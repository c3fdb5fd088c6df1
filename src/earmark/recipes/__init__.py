"""How the shipped models were made, each step of it, from measured tables and sound of our own. Needs the extra `train`.

house12        the descriptor network, from tables of measured descriptors
distillation   the ear, from networks that have heard real recordings
"""
