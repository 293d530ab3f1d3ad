"""Is this data sane? Every case is looked at once, and what is wrong is said in sentences, with a way to mend it.

Looking (in many processes) gives plain facts of each case, which are kept; judging reads the facts alone.
"""
