"""What a teacher does around grading: reading an inbox, class lists, gradebooks, giving back, handing out.

Nothing here runs a student's code. Modules take and give plain values; tools/grading joins them to results.
"""
