"""How models come to be: front ends, networks, training, evaluation, bundles. Needs the extra `train`."""
