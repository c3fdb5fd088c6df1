"""The descriptor network of `house12`, from tables of measured descriptors to a bundle with its card.

    recipe           the settings, as they stand in house12.toml
    tables           measured tables of real tracks
    protocols        comparisons of models on the tables
    non_music        sounds that are no music
    synthetic        descriptors of synthetic sound: damage, half the drums, no music
    recordings       descriptors of real recordings, whole and cut, narrowed, coded and mastered anew
    shifts           the movement of descriptors under damage, applied to real rows
    examples         all rows that the shipped model is trained on
    fitting          perceptrons fitted to rows
    held_out         predictions of rows that a network has not seen
    card             the card
    training         all of it by one function

`earmark.recipes.shipped` finds the recipe files by name.
"""
