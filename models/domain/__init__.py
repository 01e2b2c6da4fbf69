"""The pure core: decisions over plain values, with the instant as an argument and no input or output."""
