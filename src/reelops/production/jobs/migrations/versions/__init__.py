"""One module a step, in their order.

A step spells out the columns as they were at its time, so that it does the same for ever; what they are today is in
`tables`, and changes.
"""
