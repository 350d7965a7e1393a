"""What comes in: is it a valid application, and has it been seen before."""
