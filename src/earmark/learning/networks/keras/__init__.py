"""Networks that were trained in Keras 2.1 with kapre 0.1.3: their files, their layers, and the import as a bundle."""
