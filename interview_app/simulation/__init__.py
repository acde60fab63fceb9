"""The interviewer of the simulated provider: deterministic, computed from what it is given.

It sees the same request body as a real provider and answers in the same schema. It understands
nothing; it counts and quotes. All that comes of it is labelled simulated by the rows' flag.
"""
