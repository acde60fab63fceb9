"""The interviewer of the simulated provider: templates and counts, the same for the same input.

It sees the same request body as a real provider and answers in the same schema. It understands
nothing and says so; all that comes of it is labelled simulated by the rows' flag.
"""
