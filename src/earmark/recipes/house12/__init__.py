"""The descriptor network of `house12`, from tables of measured descriptors to a bundle with its card."""
