"""intake: is this a valid application, and have we seen it before?"""
