"""What is said to the citizen: in which words, to which address, when."""
