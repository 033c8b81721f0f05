"""Every limit of grading: what a submission may take, and how much of it is read and kept.

`make grade` changes two of them for one run: ``GRADE_ARGS="--seconds 600 --cell-seconds 120"``.
"""

LIMITS = {
    "seconds": 300,  # for one submission
    "cell_seconds": 60,  # for one cell
    "memory": 4_000_000_000,  # bytes, of all its processes together
    "address_space": 16_000_000_000,  # bytes, of each: torch and its threads reserve far more than they use
    "processes": 50,
    "threads": 400,
    "file": 200_000_000,  # bytes, one file
    "disk": 500_000_000,  # bytes, all its files
    "output": 500_000_000,  # characters, of all cells; the feedback keeps little of it
}
START_SECONDS = 60  # for a kernel to start
STARTS = 12  # kernels for one submission: a new one where a cell has ended the last one
SHORT_SECONDS = 20  # for each cell after one that did not end: it may call the same function
CUT_SECONDS = 3  # that a living process may be cut off from the grader before it is given up
SHARE_FOR_CELLS = 0.6  # of a submission's time; after it, of the notebook's cells only the student's own run
END_SECONDS = 60  # for the grading process, after the submission's own time
LOOK_EVERY = 0.1  # seconds between two looks at what a submission takes

NOTEBOOK_MB = 100  # of the file that was handed in
ZIP_ENTRIES = 10_000  # that are looked at

KEPT_OUTPUT = 100_000  # characters of one cell's printed output that are kept for the feedback
KEPT_DATA = 5_000_000  # characters of one table or picture
