"""An ear for real recordings, though no recording of real music may be learned from.

Networks that have heard millions of recordings are asked about sound that we make; ours learns to say the same, and
then says it of real music too, as far as the sound that we made was wide enough.

    material, instruments, samples, speech   files of sound of many kinds
    scenes                                   three seconds of it, mixed and changed
    shards                                   scenes with the outputs of the teachers (`recipes.distillation.teachers`)
    distil                                   the training
    fidelity                                 agreement with the teachers, on held-out and on real sound
    recipe, card                             all of it by one command
"""
