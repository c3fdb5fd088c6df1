"""How an ear for real recordings comes to be, though nobody labelled any for it.

Networks that have heard millions of recordings are asked about sound: music with open licences, tracks of our
synthesizer, phrases, speech and noises, changed and mixed anew each time. Ours learns to answer as they do.

    material                        what there is to hear, of many kinds
    instruments, samples, speech    kinds that programs make
    bank                            all of it in memory, on one sample rate
    scenes                          ten seconds of it, mixed and changed
    teachers                        the networks that are asked
    distil                          the training
    fidelity                        how closely it follows, on music that nothing was learned from
    recipe, card                    all of it by one command
"""
