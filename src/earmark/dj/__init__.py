"""Playing: what comes next, and why.

It knows the library and what was heard in it, not the networks; it prints nothing and plays nothing, so that the
terminal and the page use the same objects.

candidates   the tracks that may be played, as columns of numbers
cost         how well one track follows another, and how well it suits its place; weights in `weights.toml`
planner      the cheapest set under conditions
"""
