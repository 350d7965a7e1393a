"""notify: what is said, in which words, to which address, when?"""
