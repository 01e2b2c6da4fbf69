"""What the programme knows: the pure rules (`domain`) and where facts are kept (`db`)."""
